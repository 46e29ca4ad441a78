/** Finds and reads the configuration that the command line, the environment and the file make together. */
import { dirname, resolve } from "node:path";
import { FerriteError, messageOf, systemCode } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { CONFIG_VARIABLE } from "../config/settings.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";

/** Used without being asked for if it is in the working directory. */
const DEFAULT_FILE = "ferrite.toml";

/** Throws FerriteError("usage") with a line per problem. */
export function readConfig(parsed: ParsedArguments, host: Host): Config {
  const path = findFile(parsed, host);
  const layers = { environment: host.environment, flags: parsed.settings, workingFolder: host.workingFolder };
  if (path === undefined) return loadConfig(layers);
  const absolute = resolve(host.workingFolder, path);
  const config = loadConfig({
    ...layers,
    file: { path, text: readText(path, absolute, host), folder: dirname(absolute) },
  });
  config.useFile({
    path: host.realPath(absolute),
    files: host.files,
    copyPermissions: (from, to) => host.copyPermissions(from, to),
  });
  return config;
}

function findFile(parsed: ParsedArguments, host: Host): string | undefined {
  const named = parsed.texts.get("config") ?? host.environment[CONFIG_VARIABLE];
  if (named !== undefined && named !== "") return named;
  return host.files.statSync(resolve(host.workingFolder, DEFAULT_FILE)) === undefined
    ? undefined
    : DEFAULT_FILE;
}

function readText(path: string, absolute: string, host: Host): string {
  let bytes: Uint8Array;
  try {
    bytes = host.files.readFileSync(absolute);
  } catch (error) {
    const reason =
      systemCode(error) === "ENOENT" ? "there is no such file; 'ferrite init' writes one" : messageOf(error);
    throw new FerriteError("usage", `cannot read the configuration file ${path}: ${reason}`, {
      cause: error,
    });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FerriteError("usage", `the configuration file ${path} is not UTF-8 text`, { cause: error });
  }
}
