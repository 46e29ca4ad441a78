/**
 * Reads a backup file from its start to its end and hands over the files in it.
 *
 * Invariants
 *  - every block is checked before its bytes are handed over; what was handed over counts only if `readBackup` resolves:
 *    the end says whether all was there;
 *  - the files are those that the manifest in it names, in that order, with those sizes;
 *  - memory is bounded by a block and by the manifest, never by what a number in the file says.
 */
import { BlockFileReader, type BlockReadParts } from "../checkpoint/block-file-reader.ts";
import { type CheckpointManifest, decodeManifest } from "../checkpoint/manifest-format.ts";
import { manifestName } from "../checkpoint/names.ts";
import { rethrowFor } from "../checkpoint/rethrow.ts";
import type { BlockHeader } from "../codec/block-format.ts";
import { decodeStreamHeader, STREAM_HEADER_BYTES, type StreamHeader } from "../codec/block-stream-format.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import type { FileSystem } from "../ports/file-system.ts";
import {
  BACKUP_MAGIC,
  type BackedFile,
  type BackupAbout,
  decodeAbout,
  decodeFile,
  filesBehind,
  KIND_ABOUT,
  KIND_DATA,
  KIND_FILE,
  MANIFEST_BYTES_MAX,
} from "./backup-format.ts";

export interface BackupSink {
  about?(about: BackupAbout): void;
  /** A file begins; the manifest is the first. */
  begin?(file: BackedFile): void | Promise<void>;
  /** Its next bytes, which are the reader's again when this has returned or settled. */
  add?(bytes: Uint8Array, offset: number, length: number): void | Promise<void>;
  end?(file: BackedFile): void | Promise<void>;
  /** The manifest was read. */
  manifest?(manifest: CheckpointManifest): void;
}

export interface ReadBackup {
  readonly about: BackupAbout;
  readonly manifest: CheckpointManifest;
  /** Of the backup file. */
  readonly bytes: number;
}

export type BackupProgress = (bytesDone: number, bytesTotal: number) => void;

/** Throws FerriteError("corruption") that names the place, the system's error, or what the sink throws. */
export async function readBackup(
  parts: BlockReadParts,
  path: string,
  sink: BackupSink,
  onProgress: BackupProgress = () => {},
): Promise<ReadBackup> {
  const { header, bytes } = readHeader(parts.fs, path);
  const reader = await BlockFileReader.open(parts, path, header, { bytes });
  try {
    const files = new BackedFiles(reader, header, sink);
    for (let block = await reader.next(); block !== undefined; block = await reader.next()) {
      await files.take(block);
      onProgress(reader.position, bytes);
      await parts.breathe();
    }
    return { ...files.finish(), bytes };
  } finally {
    reader.close();
  }
}

/** True if the file begins as a backup does. */
export function isBackup(first: Uint8Array): boolean {
  return Buffer.from(first.subarray(0, BACKUP_MAGIC.length)).toString("latin1") === BACKUP_MAGIC;
}

function readHeader(fs: FileSystem, path: string): { header: StreamHeader; bytes: number } {
  const file = fs.openSync(path, "read");
  try {
    const first = new Uint8Array(STREAM_HEADER_BYTES);
    const got = file.readSync(0, first, 0, first.length);
    if (!isBackup(first)) throw damagedFile(path, "it does not begin as a backup of ferrite does", 0);
    const header = decodeStreamHeader(first, got);
    if (typeof header === "string") throw damagedFile(path, header, 0);
    return { header, bytes: file.sizeSync() };
  } finally {
    file.close();
  }
}

class BackedFiles {
  readonly #reader: BlockFileReader;
  readonly #header: StreamHeader;
  readonly #sink: BackupSink;
  #about: BackupAbout | undefined;
  #manifest: CheckpointManifest | undefined;
  /** Of the manifest, until it is whole. */
  readonly #held: Uint8Array[] = [];
  /** What has to come after the manifest. */
  #due: Iterator<BackedFile> | undefined;
  #open: BackedFile | undefined;
  #left = 0;
  #files = 0;
  #bytes = 0;

  constructor(reader: BlockFileReader, header: StreamHeader, sink: BackupSink) {
    this.#reader = reader;
    this.#header = header;
    this.#sink = sink;
  }

  async take({ kind, rawBytes }: BlockHeader): Promise<void> {
    const about = this.#about;
    if (about === undefined && kind === KIND_ABOUT) return this.#takeAbout(rawBytes);
    if (about !== undefined && this.#open === undefined && kind === KIND_FILE) return this.#begin(rawBytes);
    if (this.#open !== undefined && kind === KIND_DATA && rawBytes > 0 && rawBytes <= this.#left)
      return this.#add(this.#open, rawBytes);
    throw this.#reader.problemHere(`a block of kind ${kind} with ${rawBytes} bytes does not belong there`);
  }

  finish(): { about: BackupAbout; manifest: CheckpointManifest } {
    const reader = this.#reader;
    const [about, manifest] = [this.#about, this.#manifest];
    const due = this.#due?.next();
    if (about === undefined || manifest === undefined || this.#open !== undefined || due?.done !== true)
      throw reader.problemHere("it ends before all files of its checkpoint were there");
    const { first, second } = reader.counts;
    const found = `${this.#files} files with ${this.#bytes} bytes`;
    for (const [files, bytes] of [
      [first, second],
      [about.files, about.bytes],
    ]) {
      if (files !== this.#files || bytes !== this.#bytes)
        throw reader.problemHere(`it counts ${files} files with ${bytes} bytes, found ${found}`);
    }
    return { about, manifest };
  }

  #takeAbout(length: number): void {
    const reader = this.#reader;
    const about = decodeAbout(reader.bytes, reader.payloadAt, length);
    if (typeof about === "string") throw reader.problemHere(about);
    this.#about = about;
    this.#sink.about?.(about);
  }

  async #begin(length: number): Promise<void> {
    const reader = this.#reader;
    const file = decodeFile(reader.bytes, reader.payloadAt, length);
    if (typeof file === "string") throw reader.problemHere(file);
    const due = this.#dueFile(file);
    if (due === undefined || file.name !== due.name || file.bytes !== due.bytes) {
      const expected = due === undefined ? "its end" : `${due.name} with ${due.bytes} bytes`;
      throw reader.problemHere(`${file.name} with ${file.bytes} bytes begins there, expected ${expected}`);
    }
    this.#open = file;
    this.#left = file.bytes;
    this.#files++;
    this.#bytes += file.bytes;
    await this.#sink.begin?.(file);
  }

  #dueFile(found: BackedFile): BackedFile | undefined {
    if (this.#due !== undefined) {
      const due = this.#due.next();
      return due.done === true ? undefined : due.value;
    }
    return { name: manifestName(this.#header.checkpoint), bytes: Math.min(found.bytes, MANIFEST_BYTES_MAX) };
  }

  async #add(file: BackedFile, length: number): Promise<void> {
    const { bytes, payloadAt } = this.#reader;
    if (this.#manifest === undefined) this.#held.push(bytes.slice(payloadAt, payloadAt + length));
    await this.#sink.add?.(bytes, payloadAt, length);
    this.#left -= length;
    if (this.#left > 0) return;
    this.#open = undefined;
    if (this.#manifest === undefined) this.#takeManifest();
    await this.#sink.end?.(file);
  }

  #takeManifest(): void {
    const { path, header } = this.#reader;
    try {
      const manifest = decodeManifest(Buffer.concat(this.#held.splice(0)), path);
      const { id, identity } = manifest;
      if (id !== this.#header.checkpoint || identity.databaseId !== this.#header.databaseId)
        throw this.#reader.problemHere(
          "the manifest in it belongs to another checkpoint than its header says",
        );
      this.#manifest = manifest;
      this.#due = filesBehind(manifest);
      this.#sink.manifest?.(manifest);
    } catch (error) {
      rethrowFor(error, path, header.offset);
    }
  }
}
