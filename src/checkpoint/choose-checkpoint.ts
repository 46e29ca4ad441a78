/**
 * Chooses the checkpoint that a start loads: the newest one that is whole.
 *
 * Invariants
 *  - nothing on disk is changed, and nothing but manifests is read: whether contents are right shows while loading,
 *    and then the caller asks again, with that checkpoint excluded;
 *  - an older checkpoint than the newest, or none, is chosen only if the log has every effect after it: no effect that
 *    was acknowledged is lost in silence;
 *  - a folder with manifests of another data set is refused, whatever else is right about it.
 */
import { latin1 } from "../base/bytes.ts";
import { FerriteError } from "../base/errors.ts";
import { damagedFile, findingOf, verifyAdvice } from "../engine/warm/file-finding.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { type CheckpointIdentity, type CheckpointManifest, decodeManifest } from "./manifest-format.ts";

export interface RejectedCheckpoint {
  readonly id: number;
  /** The file that is wrong, and what is wrong with it. */
  readonly file: string;
  readonly why: string;
  /** Up to where it went, as far as that can be told of a damaged one. */
  readonly lsn?: number;
}

export interface CheckpointChoice {
  /** undefined: there is none, or none is whole and the log has everything. */
  readonly manifest: CheckpointManifest | undefined;
  /** Newer ones that are not whole, newest first. A start that finds any has to warn loudly. */
  readonly rejected: readonly RejectedCheckpoint[];
}

export interface ChooseOptions {
  readonly folder: CheckpointFolder;
  /** That of the data directory; absent where the checkpoints carry the only one (a copy of this folder alone). */
  readonly identity?: CheckpointIdentity;
  /** undefined if the log has every effect after `lsn`, without a gap; else what it lacks, for the message. */
  readonly logLacksAfter: (lsn: number) => string | undefined;
  /** Checkpoints whose contents turned out to be damaged. */
  readonly excluded?: ReadonlyMap<number, RejectedCheckpoint>;
}

/** Throws FerriteError: "corruption" if no whole checkpoint may be used, "conflict" if they belong to another data set. */
export function chooseCheckpoint(options: ChooseOptions): CheckpointChoice {
  const { folder, identity, logLacksAfter, excluded } = options;
  const rejected: RejectedCheckpoint[] = [];
  for (const id of folder.list().manifests.toReversed()) {
    const known = excluded?.get(id);
    const found = known ?? examine(folder, id);
    if ("why" in found) {
      rejected.push(found);
      continue;
    }
    checkIdentity(folder, found, identity);
    if (rejected.length > 0) refuseGap(folder, found, rejected, logLacksAfter(found.lsn));
    return { manifest: found, rejected };
  }
  if (rejected.length > 0) refuseGap(folder, undefined, rejected, logLacksAfter(0));
  return { manifest: undefined, rejected };
}

/** What a failed load says about the checkpoint, for `excluded`; undefined if its files are not to blame. */
export function rejectionOf(
  id: number,
  folder: CheckpointFolder,
  error: unknown,
): RejectedCheckpoint | undefined {
  const finding = findingOf(error);
  if (finding !== undefined) {
    const place = finding.offset === undefined ? "" : `at offset ${finding.offset}: `;
    return { id, file: finding.file, why: place + finding.what };
  }
  if (!(error instanceof FerriteError) || error.kind !== "corruption") return undefined;
  return { id, file: folder.manifestPath(id), why: error.message };
}

/** The manifest, if it is right and each file that it names is there with its size. Throws the system's error and "usage". */
function examine(folder: CheckpointFolder, id: number): CheckpointManifest | RejectedCheckpoint {
  const file = folder.manifestPath(id);
  const bytes = folder.fs.readFileSync(file);
  let manifest: CheckpointManifest;
  try {
    manifest = decodeManifest(bytes, file);
    if (manifest.id !== id)
      throw damagedFile(file, `it is the manifest of checkpoint ${manifest.id}, expected ${id}`);
  } catch (error) {
    const rejection = rejectionOf(id, folder, error);
    if (rejection === undefined) throw error;
    const lsn = statedLsn(bytes);
    return lsn === undefined ? rejection : { ...rejection, lsn };
  }
  const { lsn } = manifest;
  for (const { path, bytes } of filesOf(folder, manifest)) {
    const stat = folder.fs.statSync(path);
    if (stat === undefined) return { id, file: path, why: `it is missing, expected ${bytes} bytes`, lsn };
    if (stat.sizeBytes !== bytes)
      return { id, file: path, why: `it has ${stat.sizeBytes} bytes, expected ${bytes}`, lsn };
  }
  return manifest;
}

/** What a manifest that cannot be trusted says about its LSN: good enough to refuse, and for nothing else. */
function statedLsn(bytes: Uint8Array): number | undefined {
  const found = /\nlsn ([0-9]{1,15})\n/.exec(latin1(bytes));
  return found === null ? undefined : Number(found[1]);
}

/** Throws FerriteError if the log ends before what a checkpoint held that could not be used. */
export function refuseShortLog(
  rejected: readonly RejectedCheckpoint[],
  logLastLsn: number,
  folder: string,
): void {
  for (const { id, file, why, lsn = 0 } of rejected) {
    if (lsn <= logLastLsn) continue;
    throw new FerriteError(
      "corruption",
      `choosing a checkpoint in ${folder}: checkpoint ${id} is not whole (${file}: ${why}); it held effects up to LSN ${lsn}, and the log ends with LSN ${logLastLsn}. Nothing was changed; ${verifyAdvice(folder)}`,
    );
  }
}

export interface NamedFile {
  readonly path: string;
  readonly bytes: number;
}

/** Every file that a manifest names. */
export function* filesOf(folder: CheckpointFolder, manifest: CheckpointManifest): Generator<NamedFile> {
  yield { path: folder.indexPath(manifest.id), bytes: manifest.index.bytes };
  for (const { id, bytes } of manifest.values) yield { path: folder.valuesPath(id), bytes };
  for (const { birth, bytes } of manifest.segments) yield { path: folder.segmentPath(birth), bytes };
}

function checkIdentity(
  folder: CheckpointFolder,
  { id, identity: found }: CheckpointManifest,
  expected: CheckpointIdentity | undefined,
): void {
  if (expected === undefined) return;
  const [high, low] = expected.hashSeed;
  if (found.databaseId === expected.databaseId && found.hashSeed[0] === high && found.hashSeed[1] === low)
    return;
  throw new FerriteError(
    "conflict",
    `${folder.manifestPath(id)} belongs to database ${found.databaseId} with hash seed ${seedText(found)}, the data directory is database ${expected.databaseId} with hash seed ${seedText(expected)}; put the IDENTITY file back that belongs to it, or move the checkpoints aside`,
  );
}

function seedText({ hashSeed }: CheckpointIdentity): string {
  return hashSeed.map((word) => word.toString(16).padStart(8, "0")).join(" ");
}

function refuseGap(
  folder: CheckpointFolder,
  chosen: CheckpointManifest | undefined,
  rejected: readonly RejectedCheckpoint[],
  lacking: string | undefined,
): void {
  if (lacking === undefined) return;
  const problems = rejected
    .map(({ id, file, why }) => `checkpoint ${id} is not whole (${file}: ${why})`)
    .join("; ");
  const rest =
    chosen === undefined
      ? "there is no other one, and the log does not hold everything since the beginning"
      : `the one before it, ${chosen.id}, holds effects up to LSN ${chosen.lsn}, and the log does not hold all after it`;
  throw new FerriteError(
    "corruption",
    `choosing a checkpoint in ${folder.path}: ${problems}; ${rest} (${lacking}). Nothing was changed; ${verifyAdvice(folder.path)}`,
  );
}

/** One line per rejected checkpoint, for the log and for reports. */
export function describeRejection({ id, file, why }: RejectedCheckpoint): string {
  return `checkpoint ${id} is not whole: ${file}: ${why}`;
}
