/**
 * `ferrite inspect FILE|DIR`: any file of a data directory in readable form.
 *
 * Invariants: nothing is changed and no lock is taken; of a damaged file everything before the damage is printed, then the
 * damage with its offset, and the exit code says so. What a file is, its name and its first bytes tell.
 */
import { basename, join, resolve } from "node:path";
import { BACKUP_MAGIC } from "../backup/backup-format.ts";
import { readBackup } from "../backup/read-backup.ts";
import { latin1 } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import { INDEX_MAGIC } from "../checkpoint/index-image.ts";
import { VALUES_MAGIC } from "../checkpoint/values-file.ts";
import { type FileFinding, findingOf } from "../engine/warm/file-finding.ts";
import { parseIdentity } from "../recovery/data-directory.ts";
import { EXIT_CORRUPTION, EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import { inspectAofManifest, inspectAofPart } from "./inspect-aof.ts";
import { inspectIndex, inspectManifest, inspectValues } from "./inspect-checkpoint.ts";
import { InspectOutput, timeText } from "./inspect-output.ts";
import { inspectSegment } from "./inspect-segment.ts";
import type { ParsedArguments } from "./parse-arguments.ts";

const LIMIT_DEFAULT = 100;
const FOLDERS = ["", "aof", "checkpoints", "checkpoints/segments", "backups"];

export async function inspectCommand(parsed: ParsedArguments, host: Host): Promise<number> {
  const operand = parsed.operands[0];
  if (operand === undefined)
    throw new FerriteError("usage", "'ferrite inspect' needs a file, or a data directory");
  const path = resolve(host.workingFolder, operand);
  const stat = host.files.statSync(path);
  if (stat === undefined) throw new FerriteError("usage", `${path} does not exist`);
  const [json, keys] = [parsed.switches.has("json"), parsed.switches.has("keys")];
  const out = new InspectOutput(host, { json, keys, limit: limitOf(parsed) });
  if (stat.kind !== "directory") {
    if (!(await inspectFile(host, path, out)))
      throw new FerriteError("usage", `${path} is no file of a data directory, and no backup`);
    return exitCode(out, host);
  }
  for (const file of filesBelow(host, path)) await inspectFile(host, file, out);
  return exitCode(out, host);
}

function limitOf(parsed: ParsedArguments): number {
  const text = parsed.texts.get("limit");
  if (text === undefined) return LIMIT_DEFAULT;
  if (!/^\d{1,9}$/.test(text)) throw new FerriteError("usage", `--limit needs a number, found '${text}'`);
  return Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text);
}

function* filesBelow({ files }: Host, folder: string): Generator<string> {
  for (const name of FOLDERS) {
    const path = join(folder, name);
    if (files.statSync(path)?.kind !== "directory") continue;
    for (const each of files.listSync(path)) {
      const file = join(path, each);
      if (files.statSync(file)?.kind === "file") yield file;
    }
  }
}

/** False if it is none of ours. */
async function inspectFile(host: Host, path: string, out: InspectOutput): Promise<boolean> {
  const print = printerOf(host, path);
  if (print === undefined) return false;
  try {
    await print(path, out);
  } catch (error) {
    const finding = damageIn(error, path);
    if (finding === undefined) throw error;
    out.damage(finding);
  }
  return true;
}

/** Undefined for an error that says nothing about the file. */
function damageIn(error: unknown, path: string): FileFinding | undefined {
  const finding = findingOf(error);
  if (finding !== undefined) return finding;
  return error instanceof FerriteError && error.kind === "corruption"
    ? { file: path, what: error.message }
    : undefined;
}

type Print = (path: string, out: InspectOutput) => void | Promise<void>;

function printerOf(host: Host, path: string): Print | undefined {
  const { files, reading } = host;
  const name = basename(path);
  if (name === "IDENTITY") return (file, out) => inspectIdentity(host, file, out);
  if (/^\d{10}\.manifest$/.test(name)) return (file, out) => inspectManifest(files, file, out);
  if (/^[0-9a-f]{16}\.segment$/.test(name)) return (file, out) => inspectSegment(reading, file, out);
  const first = firstBytes(host, path);
  if (first.startsWith(BACKUP_MAGIC)) return (file, out) => inspectBackup(host, file, out);
  if (first.startsWith(INDEX_MAGIC) || /^\d{10}\.index$/.test(name))
    return (file, out) => inspectIndex(reading, file, out);
  if (first.startsWith(VALUES_MAGIC) || /^\d{10}\.values$/.test(name))
    return (file, out) => inspectValues(reading, file, VALUES_MAGIC, out);
  if (first.startsWith("# ferrite-aof-manifest ") || name.endsWith(".aof.manifest"))
    return (file, out) => inspectAofManifest(files, file, out);
  if (first.startsWith("#") || /\.(?:incr|base)\.aof$/.test(name))
    return (file, out) => inspectAofPart(files, file, out);
  return undefined;
}

function firstBytes({ files }: Host, path: string): string {
  const file = files.openSync(path, "read");
  try {
    const first = new Uint8Array(32);
    return latin1(first, 0, file.readSync(0, first, 0, first.length));
  } finally {
    file.close();
  }
}

function inspectIdentity({ files }: Host, path: string, out: InspectOutput): void {
  const { databaseId, hashSeed, format } = parseIdentity(latin1(files.readFileSync(path)), path);
  const seed = hashSeed.map((word) => word.toString(16).padStart(8, "0")).join("");
  out.line("identity", { file: path, database: databaseId, hashSeed: seed, format });
}

async function inspectBackup({ reading }: Host, path: string, out: InspectOutput): Promise<void> {
  await readBackup(reading, path, {
    about: ({ createdMs, files, bytes }) =>
      out.line("backup", { file: path, created: timeText(createdMs), files, bytes }),
    begin: ({ name, bytes }) => out.line("packed-file", { name, bytes }),
    manifest: ({ id, identity, lsn, wallMs, keys }) =>
      out.line("packed-checkpoint", {
        id,
        database: identity.databaseId,
        lsn,
        time: timeText(wallMs),
        keys,
      }),
  });
}

function exitCode(out: InspectOutput, host: Host): number {
  for (const { file, offset, what } of out.damages) {
    const place = offset === undefined ? file : `${file} at offset ${offset}`;
    host.complain(`ferrite: ${place}: ${what}\n`);
  }
  return out.damages.length === 0 ? EXIT_OK : EXIT_CORRUPTION;
}
