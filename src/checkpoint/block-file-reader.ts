/**
 * Reads a file of blocks from its start to its end, each block checked before it is shown.
 *
 * Invariants
 *  - two buffers: while one is looked at, the next bytes of the file are read into the other on a thread;
 *  - what is in memory is bounded by the largest block, not by what a header says;
 *  - `next` answers undefined only if the file ended as its end, and the manifest if there is one, says that it ends.
 */
import {
  BLOCK_HEADER_BYTES,
  BLOCK_RAW_BYTES_MAX,
  type BlockHeader,
  blankBlockHeader,
  CODEC_NONE,
  checksumOfHeader,
  readBlockHeader,
} from "../codec/block-format.ts";
import {
  checkStreamHeader,
  KIND_END,
  readStreamEnd,
  STREAM_HEADER_BYTES,
  type StreamCounts,
  type StreamHeader,
  StreamSum,
  streamTag,
} from "../codec/block-stream-format.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import { damagedFile } from "../engine/warm/file-finding.ts";
import type { Breathe } from "../engine/warm/file-promises.ts";
import type { File, FileSystem } from "../ports/file-system.ts";

/** Read by one call. */
const READ_BYTES = 2 * 1024 * 1024;
/** Room before what is read, for the part of a block that was read before; a small file needs less. */
const HEAD_BYTES_MAX = BLOCK_HEADER_BYTES + BLOCK_RAW_BYTES_MAX;

export interface BlockReadParts {
  readonly fs: FileSystem;
  readonly crc32c: Crc32c;
  /** Loads the codec when a block needs it. */
  readonly codec: () => Promise<BlockCodec>;
  readonly breathe: Breathe;
}

/** As FileEntry; without a checksum where nothing outside of the file tells it. */
export interface FileToRead {
  readonly bytes: number;
  readonly checksum?: number;
}

/** Raw bytes are shown at a multiple of it, so that whoever decodes them may read words. */
const ALIGNMENT = 8;

type ReadResult = { readonly got: number } | { readonly error: unknown };

export class BlockFileReader {
  readonly path: string;
  readonly header: BlockHeader = blankBlockHeader();
  /**
   * Where the raw bytes of the block are that `next` answered: `header.rawBytes` of them, at a multiple of 8, until the
   * next call.
   */
  bytes: Uint8Array = new Uint8Array(0);
  payloadAt = 0;
  /** What the end counts; set when `next` has answered undefined. */
  counts: StreamCounts = { first: 0, second: 0 };

  readonly #parts: BlockReadParts;
  readonly #file: File;
  readonly #entry: FileToRead;
  readonly #sum = new StreamSum();
  readonly #headBytes: number;
  #codec: BlockCodec | undefined;
  #tag = 0;
  #current: Uint8Array;
  #spare: Uint8Array;
  /** The range of `current` that is not consumed, and the file offset of its first byte. */
  #start: number;
  #end: number;
  #offset = 0;
  /** File offset up to which reading was begun, and the read under way into `spare`. */
  #readTo = 0;
  #reading: Promise<ReadResult> | undefined;

  private constructor(parts: BlockReadParts, file: File, entry: FileToRead) {
    this.#parts = parts;
    this.#file = file;
    this.#entry = entry;
    this.path = file.path;
    const headBytes = Math.min(HEAD_BYTES_MAX, Math.ceil(entry.bytes / ALIGNMENT) * ALIGNMENT);
    this.#headBytes = headBytes;
    this.#start = headBytes;
    this.#end = headBytes;
    const bytes = headBytes + Math.min(READ_BYTES, entry.bytes);
    this.#current = new Uint8Array(bytes);
    this.#spare = new Uint8Array(entry.bytes > READ_BYTES ? bytes : headBytes);
  }

  /** Opens the file and checks its size and its header. The caller closes. */
  static async open(
    parts: BlockReadParts,
    path: string,
    header: StreamHeader,
    entry: FileToRead,
  ): Promise<BlockFileReader> {
    const file = parts.fs.openSync(path, "read");
    try {
      const size = file.sizeSync();
      if (size !== entry.bytes) throw damagedFile(path, `it has ${size} bytes, expected ${entry.bytes}`);
      const reader = new BlockFileReader(parts, file, entry);
      await reader.#begin(header);
      return reader;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  close(): void {
    this.#file.close();
  }

  /** The header of the next block; undefined after the last one. Throws FerriteError("corruption") or the system's error. */
  async next(): Promise<BlockHeader | undefined> {
    const { header } = this;
    const { crc32c } = this.#parts;
    const offset = this.#offset;
    const bytesLeft = this.#entry.bytes - offset;
    if (bytesLeft < BLOCK_HEADER_BYTES) throw this.#damaged("the file ends there without its last block");
    await this.#ensure(BLOCK_HEADER_BYTES);
    const problem = readBlockHeader(
      this.#current,
      this.#start,
      { offset, tag: this.#tag, bytesLeft },
      header,
    );
    if (problem !== undefined) throw this.#damaged(problem);
    await this.#ensure(BLOCK_HEADER_BYTES + header.storedBytes);
    const storedAt = this.#start + BLOCK_HEADER_BYTES;
    const { storedBytes, checksum } = header;
    const sum = crc32c(
      this.#current,
      storedAt,
      storedBytes,
      checksumOfHeader(this.#current, this.#start, crc32c),
    );
    if (sum !== checksum) throw this.#damaged("the checksum of the block there is wrong");
    await this.#show(storedAt);
    if (header.kind === KIND_END) {
      this.#finish(bytesLeft);
      return undefined;
    }
    this.#sum.add(header.rawBytes, checksum);
    this.#consume(BLOCK_HEADER_BYTES + storedBytes);
    return header;
  }

  /** File offset after the block that `next` answered last. */
  get position(): number {
    return this.#offset;
  }

  /** An error about the block that `next` answered last. */
  problemHere(what: string): Error {
    return damagedFile(this.path, what, this.header.offset);
  }

  async #begin(expected: StreamHeader): Promise<void> {
    this.#reading = this.#read(this.#current);
    const result = await this.#reading;
    if ("error" in result) throw result.error;
    this.#end += result.got;
    this.#reading = this.#readTo < this.#entry.bytes ? this.#read(this.#spare) : undefined;
    const problem = checkStreamHeader(this.#current.subarray(this.#start), this.#end - this.#start, expected);
    if (problem !== undefined) throw damagedFile(this.path, problem, 0);
    this.#tag = streamTag(this.#current.subarray(this.#start, this.#start + STREAM_HEADER_BYTES));
    this.#consume(STREAM_HEADER_BYTES);
  }

  /** Puts the raw bytes of the block in sight. */
  async #show(storedAt: number): Promise<void> {
    const { header } = this;
    this.bytes = this.#current;
    this.payloadAt = storedAt;
    if (header.codec === CODEC_NONE) {
      // Behind a block whose compressed bytes are no whole number of words.
      if (storedAt % ALIGNMENT === 0) return;
      this.bytes = this.#current.slice(storedAt, storedAt + header.rawBytes);
      this.payloadAt = 0;
      return;
    }
    this.#codec ??= await this.#parts.codec();
    const stored = this.#current.subarray(storedAt, storedAt + header.storedBytes);
    try {
      this.bytes = await this.#codec.decompress(stored, header.rawBytes);
    } catch (error) {
      throw this.#damaged(error instanceof Error ? error.message : String(error));
    }
    this.payloadAt = 0;
  }

  #finish(bytesLeft: number): void {
    const { header } = this;
    const extra = bytesLeft - BLOCK_HEADER_BYTES - header.storedBytes;
    if (extra !== 0) throw this.#damaged(`${extra} bytes follow its last block`);
    const { checksum } = this.#entry;
    if (checksum !== undefined && header.checksum !== checksum) {
      throw this.#damaged(
        `the checksum of its end is ${header.checksum.toString(16)}, the manifest expects ${checksum.toString(16)}`,
      );
    }
    const counts = readStreamEnd(this.bytes, this.payloadAt, header.rawBytes, this.#sum);
    if (typeof counts === "string") throw this.#damaged(counts);
    this.counts = counts;
  }

  #consume(bytes: number): void {
    this.#start += bytes;
    this.#offset += bytes;
  }

  /** Makes `bytes` bytes from `start` on be there; the file is long enough by its size. */
  async #ensure(bytes: number): Promise<void> {
    if (this.#end - this.#start >= bytes) return;
    const result = await (this.#reading ?? Promise.resolve({ got: 0 }));
    if ("error" in result) throw result.error;
    const left = this.#end - this.#start;
    const next = this.#spare;
    next.set(this.#current.subarray(this.#start, this.#end), this.#headBytes - left);
    this.#spare = this.#current;
    this.#current = next;
    this.#start = this.#headBytes - left;
    this.#end = this.#headBytes + result.got;
    this.#reading = this.#readTo < this.#entry.bytes ? this.#read(this.#spare) : undefined;
    // A file that is cut while it is read answers less than its size promised.
    if (this.#end - this.#start < bytes) throw this.#damaged(`the file ends within the block there`);
    await this.#parts.breathe();
  }

  /** Begins to read what follows into a buffer; settles to the error. */
  #read(into: Uint8Array): Promise<ReadResult> {
    const position = this.#readTo;
    const length = Math.min(READ_BYTES, this.#entry.bytes - position);
    this.#readTo += length;
    return this.#file.read(position, into, this.#headBytes, length).then(
      (got) => ({ got }),
      (error: unknown) => ({ error }),
    );
  }

  #damaged(what: string): Error {
    return damagedFile(this.path, what, this.#offset);
  }
}
