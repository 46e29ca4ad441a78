/**
 * What is in a backup file: one checkpoint, all of its files one after the other in one file of blocks.
 *
 * Invariants
 *  - the first block tells what the backup is; then each file begins with a block that names it, and its bytes follow in
 *    blocks of their own; the end counts files and bytes;
 *  - the manifest comes first, then what it names, in the order in which it names it: a reader knows which file is due,
 *    and no name in the file decides where something is written.
 *
 * The blocks are those of a checkpoint's files (codec/block-stream-format.ts), so every byte has a checksum. Described in
 * docs/formats/backup.md. Pure.
 */
import { fromLatin1, latin1 } from "../base/bytes.ts";
import type { CheckpointManifest } from "../checkpoint/manifest-format.ts";
import { indexName, valuesName } from "../checkpoint/names.ts";
import { segmentPathName } from "../checkpoint/retention.ts";

export const BACKUP_MAGIC = "FERRBKUP";
export const BACKUP_VERSION = 1;

export const KIND_ABOUT = 16;
export const KIND_FILE = 17;
export const KIND_DATA = 18;

/** Longer texts are none of ours. */
const TEXT_BYTES_MAX = 1024;

/** Far above what 65,535 segments need: a manifest is held in memory, and no more than this of it. */
export const MANIFEST_BYTES_MAX = 16 * 1024 * 1024;

export interface BackupAbout {
  /** When the backup was begun: ms since 1970. The checkpoint in it has a time of its own. */
  readonly createdMs: number;
  readonly files: number;
  /** Of all files in it. */
  readonly bytes: number;
}

export interface BackedFile {
  /** Below the folder of checkpoints. */
  readonly name: string;
  readonly bytes: number;
}

/** What a manifest names, in the order in which a backup holds it, behind the manifest itself. */
export function* filesBehind(manifest: CheckpointManifest): Generator<BackedFile> {
  yield { name: indexName(manifest.id), bytes: manifest.index.bytes };
  for (const { id, bytes } of manifest.values) yield { name: valuesName(id), bytes };
  for (const { birth, bytes } of manifest.segments) yield { name: segmentPathName(birth), bytes };
}

export function encodeAbout({ createdMs, files, bytes }: BackupAbout): Uint8Array {
  return fromLatin1(
    `ferrite-backup ${BACKUP_VERSION}\ncreated ${createdMs}\nfiles ${files}\nbytes ${bytes}\n`,
  );
}

/** The payload of the first block; or what is wrong with it. */
export function decodeAbout(bytes: Uint8Array, at: number, length: number): BackupAbout | string {
  const text = latin1(bytes, at, Math.min(length, TEXT_BYTES_MAX));
  const version = /^ferrite-backup (\d{1,9})\n/.exec(text)?.[1];
  if (version === undefined) return "its first block is not that of a backup";
  if (Number(version) !== BACKUP_VERSION)
    return `it has format ${version}, this version of ferrite reads ${BACKUP_VERSION}; use the version that wrote it`;
  const match =
    /^ferrite-backup 1\ncreated (0|[1-9]\d{0,15})\nfiles ([1-9]\d{0,15})\nbytes ([1-9]\d{0,15})\n$/.exec(
      text,
    );
  if (match === null) return "the lines of its first block are not in the form in which they are written";
  return { createdMs: Number(match[1]), files: Number(match[2]), bytes: Number(match[3]) };
}

export function encodeFile({ name, bytes }: BackedFile): Uint8Array {
  return fromLatin1(`file ${bytes} ${name}\n`);
}

/** The payload of a block that begins a file; or what is wrong with it. */
export function decodeFile(bytes: Uint8Array, at: number, length: number): BackedFile | string {
  const match = /^file ([1-9]\d{0,15}) ([0-9a-z./]{1,64})\n$/.exec(
    latin1(bytes, at, Math.min(length, TEXT_BYTES_MAX)),
  );
  if (match === null) return "the block there does not name a file";
  return { name: match[2]!, bytes: Number(match[1]) };
}
