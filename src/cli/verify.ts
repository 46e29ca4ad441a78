/**
 * `ferrite verify [FILE|DIR] [--data-dir DIR]`: everything is read and checked, nothing is changed.
 *
 * It takes no lock, so it works while a server runs.
 */
import { join, resolve } from "node:path";
import { FerriteError } from "../base/errors.ts";
import { EXIT_CORRUPTION, EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
import { Progress } from "./progress.ts";
import { readConfig } from "./read-config.ts";
import { type Verified, verifyBackup, verifyDirectory } from "./verify-data.ts";

export async function verifyCommand(parsed: ParsedArguments, host: Host): Promise<number> {
  const { values } = readConfig(parsed, host);
  const operand = parsed.operands[0];
  const path = resolve(host.workingFolder, operand ?? values.storage.data_dir);
  const stat = host.files.statSync(path);
  if (stat === undefined) {
    throw new FerriteError(
      "usage",
      `${path} does not exist; choose with --data-dir, or name a file that BACKUP wrote`,
    );
  }
  const progress = new Progress(host, "verifying");
  try {
    const verified =
      stat.kind === "directory"
        ? await verifyDirectory(
            host,
            {
              dataDir: path,
              stem: values.persistence.aof_file,
              backups: (operand === undefined && values.backup.directory) || join(path, "backups"),
            },
            progress.update,
          )
        : await verifyBackup(host, path, progress.update);
    progress.end();
    print(verified, path, parsed, host);
    return verified.findings.length === 0 ? EXIT_OK : EXIT_CORRUPTION;
  } finally {
    progress.end();
  }
}

function print(verified: Verified, path: string, parsed: ParsedArguments, host: Host): void {
  const { whole, findings, filesRead, bytesRead } = verified;
  const verdict = findings.length === 0 ? "whole" : "damaged";
  if (parsed.switches.has("json")) {
    host.print(`${JSON.stringify({ verdict, path, filesRead, bytesRead, whole, findings }, null, 2)}\n`);
    return;
  }
  const lines = whole.map((line) => `ok       ${line}`);
  for (const { file, offset, what, advice } of findings) {
    const place = offset === undefined ? file : `${file} at offset ${offset}`;
    lines.push(`DAMAGED  ${place}: ${what}`, `         ${advice}`);
  }
  const count = findings.length === 1 ? "1 finding" : `${findings.length} findings`;
  lines.push(`${path} is ${verdict}: ${count}, ${filesRead} files and ${bytesRead} bytes read`);
  host.print(`${lines.join("\n")}\n`);
}
