/**
 * `ferrite doctor`: every check that can be made without starting the server, each with advice.
 *
 * Invariant: one check that cannot be made does not keep the others from being made; the exit code is 1 if
 * any check failed, so that it can guard a deployment.
 */
import { join } from "node:path";
import { FerriteError, messageOf } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { checkAof } from "./aof.ts";
import {
  checkAddon,
  checkDescriptors,
  checkKernelMemory,
  checkNode,
  checkPorts,
  checkTransport,
} from "./doctor-machine.ts";
import { type Finding, fail, ok, reportJson, reportText } from "./doctor-report.ts";
import { checkStorage } from "./doctor-storage.ts";
import { EXIT_FAILURE, EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
import { readConfig } from "./read-config.ts";

export async function doctorCommand(parsed: ParsedArguments, host: Host): Promise<number> {
  const findings = await examine(parsed, host);
  host.print(
    parsed.switches.has("json") ? reportJson(findings) : reportText(findings, host.outputIsTerminal),
  );
  return findings.some(({ status }) => status === "fail") ? EXIT_FAILURE : EXIT_OK;
}

async function examine(parsed: ParsedArguments, host: Host): Promise<Finding[]> {
  const { config, finding } = readForDoctor(parsed, host);
  const { values } = config;
  const folder = values.storage.data_dir;
  const findings = [checkNode(host), finding, checkAddon(host, values), checkTransport(host, values)];
  const storage = checkStorage(host, folder);
  findings.push(...storage.findings, checkDescriptors(host, values), ...checkKernelMemory(host));
  findings.push(...(await checkPorts(host, values, storage.isLocked)));
  if (storage.exists)
    findings.push(checkAof(host, join(folder, "aof"), values.persistence.aof_file, storage.isLocked));
  return findings;
}

/** With a configuration that is not valid the other checks are made on the defaults. */
function readForDoctor(parsed: ParsedArguments, host: Host): { config: Config; finding: Finding } {
  try {
    const config = readConfig(parsed, host);
    return {
      config,
      finding: ok("configuration", config.filePath ?? "valid; no file, ./ferrite.toml is not there"),
    };
  } catch (error) {
    if (!(error instanceof FerriteError)) throw error;
    const finding = fail(
      "configuration",
      messageOf(error),
      "correct it; the checks below were made with the defaults",
    );
    return { config: loadConfig({ workingFolder: host.workingFolder }), finding };
  }
}
