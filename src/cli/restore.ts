/** `ferrite restore --from FILE --data-dir DIR`: a backup file becomes a data directory. */
import { resolve } from "node:path";
import type { ReadBackup } from "../backup/read-backup.ts";
import { restoreBackup } from "../backup/restore-backup.ts";
import { FerriteError } from "../base/errors.ts";
import { DIRECTORY_FORMAT, formatIdentity } from "../recovery/data-directory.ts";
import { describeReport } from "./aof.ts";
import { EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
import { Progress } from "./progress.ts";
import { readConfig } from "./read-config.ts";

export async function restoreCommand(parsed: ParsedArguments, host: Host): Promise<number> {
  const from = parsed.texts.get("from");
  if (from === undefined)
    throw new FerriteError("usage", "'ferrite restore' needs --from FILE, a file that BACKUP wrote");
  const dataDir = resolve(host.workingFolder, readConfig(parsed, host).values.storage.data_dir);
  const progress = new Progress(host, "restoring");
  try {
    const backup = await restoreBackup({
      ...host.reading,
      path: resolve(host.workingFolder, from),
      dataDir,
      identityText: (identity) => formatIdentity({ ...identity, format: DIRECTORY_FORMAT }),
      onProgress: progress.update,
    });
    progress.end();
    report(backup, dataDir, parsed, host);
    return EXIT_OK;
  } finally {
    progress.end();
  }
}

function report({ about, manifest }: ReadBackup, dataDir: string, parsed: ParsedArguments, host: Host): void {
  const facts = {
    dataDir,
    database: manifest.identity.databaseId,
    checkpoint: manifest.id,
    lsn: manifest.lsn,
    keys: manifest.keys,
    taken: new Date(manifest.wallMs).toISOString(),
    files: about.files,
    bytes: about.bytes,
  };
  if (parsed.switches.has("json")) host.print(`${JSON.stringify(facts, null, 2)}\n`);
  else
    host.print(
      `${[...describeReport(facts, ""), `restored; start with: ferrite --data-dir ${dataDir}`].join("\n")}\n`,
    );
}
