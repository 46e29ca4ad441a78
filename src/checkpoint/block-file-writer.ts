/**
 * Writes a file of blocks: the caller fills the payload of a block in place, a thread writes what is full.
 *
 * Invariants
 *  - two buffers: one is filled while the other is written, so at most two MiB of a file are in flight;
 *  - the file is durable before it has its name;
 *  - after a failure the file is never appended to or synced again: `discard` removes it.
 *
 * The buffers are lent by the caller, so that files which are not written at the same time share them; `flush` gives
 * them back.
 */
import {
  BLOCK_HEADER_BYTES,
  BLOCK_RAW_BYTES_MAX,
  CODEC_NONE,
  sealBlockHeader,
  writeBlockHeader,
} from "../codec/block-format.ts";
import {
  encodeStreamHeader,
  KIND_END,
  STREAM_END_BYTES,
  STREAM_HEADER_BYTES,
  type StreamCounts,
  type StreamHeader,
  StreamSum,
  streamTag,
  writeStreamEnd,
} from "../codec/block-stream-format.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import { appendTo } from "../engine/warm/file-promises.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import type { FileEntry } from "./manifest-format.ts";
import { unfinishedName } from "./names.ts";
import type { Slices } from "./slices.ts";

/** A whole block at the start of a file fits; a buffer with less room than ROOM_MIN left is written. */
const BUFFER_BYTES = STREAM_HEADER_BYTES + BLOCK_HEADER_BYTES + BLOCK_RAW_BYTES_MAX;
const ROOM_MIN = 64 * 1024;
/** Summed in one go; 1 MiB would take a portable checksum longer than a slice. */
const SUM_BYTES_MAX = 256 * 1024;
/** Compressed bytes are kept if they save at least a sixteenth. */
const WORTH_SHIFT = 4;

export class WriteBuffers {
  readonly first = new Uint8Array(BUFFER_BYTES);
  readonly second = new Uint8Array(BUFFER_BYTES);
}

export interface BlockFileParts {
  readonly fs: FileSystem;
  readonly crc32c: Crc32c;
  readonly slices: Slices;
  readonly buffers: WriteBuffers;
  readonly codec: BlockCodec | undefined;
}

export class BlockFileWriter {
  readonly #parts: BlockFileParts;
  readonly #path: string;
  readonly #file: File;
  readonly #tag: number;
  readonly #sum = new StreamSum();
  #bytes: Uint8Array;
  /** Bytes of the buffer that are finished blocks. */
  #used: number;
  /** Bytes of the file before the buffer's first. */
  #base = 0;
  /** The append of the other buffer; settles to its error. */
  #writing: Promise<{ readonly error: unknown } | undefined> = Promise.resolve(undefined);
  #lastChecksum = 0;

  /** Creates `<path>.new`; what lies there is removed first. */
  constructor(parts: BlockFileParts, path: string, header: StreamHeader) {
    const { fs, buffers } = parts;
    this.#parts = parts;
    this.#path = path;
    const unfinished = unfinishedName(path);
    if (fs.statSync(unfinished) !== undefined) fs.unlinkSync(unfinished);
    this.#file = fs.openSync(unfinished, "create");
    this.#bytes = buffers.first;
    const encoded = encodeStreamHeader(header);
    this.#bytes.set(encoded);
    this.#used = encoded.length;
    this.#tag = streamTag(encoded);
  }

  /** The buffer in which the next payload goes, from `payloadAt` on, at most `room` bytes. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get payloadAt(): number {
    return this.#used + BLOCK_HEADER_BYTES;
  }

  get room(): number {
    return Math.min(BLOCK_RAW_BYTES_MAX, this.#bytes.length - this.payloadAt);
  }

  /** Of the next block in the file: also, how long the file is by now. */
  get position(): number {
    return this.#base + this.#used;
  }

  /** Makes a block of the `rawBytes` bytes at `payloadAt`. Then there is room for ROOM_MIN bytes at least. */
  async addBlock(kind: number, flags: number, rawBytes: number): Promise<void> {
    const { codec: codecOf, crc32c, slices } = this.#parts;
    const bytes = this.#bytes;
    const at = this.#used;
    const payloadAt = this.payloadAt;
    let storedBytes = rawBytes;
    let codec = CODEC_NONE;
    if (codecOf !== undefined && kind !== KIND_END) {
      const packed = await codecOf.compress(bytes.subarray(payloadAt, payloadAt + rawBytes));
      if (packed.length < rawBytes - (rawBytes >>> WORTH_SHIFT)) {
        bytes.set(packed, payloadAt);
        storedBytes = packed.length;
        codec = codecOf.id;
      }
    }
    const header = {
      storedBytes,
      rawBytes,
      codec,
      kind,
      flags,
      offset: this.position,
      tag: this.#tag,
      checksum: 0,
    };
    let checksum = writeBlockHeader(bytes, at, header, crc32c);
    for (let done = 0; done < storedBytes; done += SUM_BYTES_MAX) {
      checksum = crc32c(bytes, payloadAt + done, Math.min(SUM_BYTES_MAX, storedBytes - done), checksum);
      await slices.breathe();
    }
    sealBlockHeader(bytes, at, checksum);
    if (kind !== KIND_END) this.#sum.add(rawBytes, checksum);
    this.#lastChecksum = checksum;
    this.#used = payloadAt + storedBytes;
    if (this.#bytes.length - this.payloadAt < ROOM_MIN) await this.#turn();
  }

  /** Waits until nothing of this file is in a buffer any more. */
  async flush(): Promise<void> {
    await this.#turn();
    await this.#written();
  }

  /** Ends the file, makes it durable and gives it its name, which is durable once the caller has synced the folder. */
  async finish(counts: StreamCounts): Promise<FileEntry> {
    writeStreamEnd(this.#bytes, this.payloadAt, this.#sum, counts);
    await this.addBlock(KIND_END, 0, STREAM_END_BYTES);
    await this.#written();
    await appendTo(this.#file, this.#bytes, 0, this.#used, true);
    this.#file.close();
    this.#parts.fs.renameSync(unfinishedName(this.#path), this.#path);
    return { bytes: this.position, checksum: this.#lastChecksum };
  }

  /** Waits for what is under way and closes; the file stays. */
  async close(): Promise<void> {
    await this.#writing;
    this.#file.close();
  }

  /** Hands the buffer to a thread and goes on with the other one, once that is free. */
  async #turn(): Promise<void> {
    const { buffers } = this.#parts;
    await this.#written();
    const full = this.#bytes;
    const length = this.#used;
    this.#writing = appendTo(this.#file, full, 0, length, false).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    this.#base += length;
    this.#used = 0;
    this.#bytes = full === buffers.first ? buffers.second : buffers.first;
  }

  async #written(): Promise<void> {
    const failed = await this.#writing;
    if (failed !== undefined) throw failed.error;
  }
}
