/**
 * Writes a base: a file of plain commands which, executed on nothing, make the state at exactly one LSN.
 *
 * Invariants:
 *  - the file has an unfinished name (`.new`) until all of it is durable; a base counts from the manifest on that names
 *    it (`AppendOnlyLog.beginAt`), and one that none names is removed at the next start;
 *  - commands go into frames of the kind `B`, checksummed as those of a part. They have no LSNs of their own; the header's
 *    `first` is the one after the base's, and all frames have the time of the state;
 *  - at most one frame is being written while the next is filled: memory is two frames, or a longer single command.
 *
 * The caller pushes commands as `EffectBuffer` takes them, at most until `isFull`, and is told when there is room again.
 * Writes and syncs are made on a thread; a sync every few MiB keeps the disk's queue short for the log beside it.
 */
import { assert } from "../base/assert.ts";
import type { File, FileSystem } from "../ports/file-system.ts";
import { EffectBuffer } from "./effect-buffer.ts";
import { KIND_BASE } from "./frame-format.ts";
import { listBases, unlinkIfPresent } from "./manifest-file.ts";
import type { BaseEntry } from "./manifest-format.ts";
import { baseName, UNFINISHED } from "./part-names.ts";

const FRAME_BYTES = 256 * 1024;
const SYNC_BYTES = 8 * 1024 * 1024;

export interface BaseWriterOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem: string;
  /** The state is the one after this effect. */
  readonly lsn: number;
  /** Wall clock at that moment. */
  readonly timeMs: number;
  /** Payload of a frame, about; for tests. */
  readonly frameBytes?: number;
}

/** What a source of commands writes to; the part of EffectBuffer's face that it needs. */
export interface BaseCommands {
  begin(db: number, argc: number): void;
  /** The range is copied at once. */
  argument(bytes: Uint8Array, offset: number, length: number): void;
  argumentText(latin1: string): void;
  argumentInteger(value: number): void;
  end(): void;
}

export class BaseWriter implements BaseCommands {
  readonly #fs: FileSystem;
  readonly #folder: string;
  readonly #entry: Omit<BaseEntry, "validBytes">;
  readonly #path: string;
  readonly #timeMs: number;
  readonly #frameBytes: number;
  readonly #file: File;
  #open: EffectBuffer;
  #idle: EffectBuffer | undefined;
  #bytes = 0;
  #unsyncedBytes = 0;
  #commands = 0;
  #inCommand = false;
  #failure: Error | undefined;
  #closed = false;
  #onRoom: (() => void) | undefined;
  #onDone: ((error: unknown, base?: BaseEntry) => void) | undefined;

  /** Creates the file. Throws the system's error. */
  constructor({ fs, folder, stem, lsn, timeMs, frameBytes }: BaseWriterOptions) {
    this.#fs = fs;
    this.#folder = folder;
    this.#timeMs = timeMs;
    this.#frameBytes = frameBytes ?? FRAME_BYTES;
    const seq = 1 + Math.max(0, ...listBases(fs, folder, stem).map((base) => base.seq));
    this.#entry = { name: baseName(stem, seq), seq, lsn };
    this.#path = `${folder}/${this.#entry.name}`;
    this.#open = new EffectBuffer(lsn + 1);
    this.#idle = new EffectBuffer(lsn + 1);
    this.#file = fs.openSync(`${this.#path}${UNFINISHED}`, "create");
  }

  /** Bytes written so far, and commands taken. */
  get bytes(): number {
    return this.#bytes;
  }

  get commands(): number {
    return this.#commands;
  }

  /** The first error, after which nothing is written any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  begin(db: number, argc: number): void {
    this.#inCommand = true;
    this.#open.begin(db, argc);
  }

  argument(bytes: Uint8Array, offset: number, length: number): void {
    this.#open.argument(bytes, offset, length);
  }

  argumentText(latin1: string): void {
    this.#open.argumentText(latin1);
  }

  argumentInteger(value: number): void {
    this.#open.argumentInteger(value);
  }

  end(): void {
    this.#open.end();
    this.#inCommand = false;
    this.#commands++;
    if (this.#failure !== undefined) this.#open.reset(this.#entry.lsn + 1);
    else if (this.#isDue && this.#idle !== undefined) this.#write();
  }

  /** True while a frame is being written and the next is full: nothing more should come until `whenRoom` calls. */
  get isFull(): boolean {
    return this.#failure === undefined && this.#idle === undefined && this.#isDue;
  }

  get #isDue(): boolean {
    return this.#open.payloadBytes >= this.#frameBytes;
  }

  /** Calls `run` once, later, when `isFull` is false or the writer has failed. */
  whenRoom(run: () => void): void {
    assert(this.#onRoom === undefined && this.isFull, "nobody waits for room that is there, or twice");
    this.#onRoom = run;
  }

  /** All commands have come. `done` is called once, later, when the base is durable under its name, or with the error. */
  finish(done: (error: unknown, base?: BaseEntry) => void): void {
    assert(!this.#inCommand, "a base ends within a command");
    this.#onDone = done;
    if (this.#idle === undefined) return;
    // A base without a command is a frame without one: Redis takes a file without content for a broken one.
    if (this.#failure === undefined && (!this.#open.isEmpty || this.#bytes === 0)) this.#write();
    else this.#finish();
  }

  /** Gives the base up and removes it, as far as that is possible. `whenRoom` and `finish` do not answer any more. */
  abandon(): void {
    this.#onRoom = this.#onDone = undefined;
    if (this.#closed) return;
    this.#closed = true;
    this.#failure ??= new Error("the base was given up");
    this.#file.close();
    this.#remove();
  }

  #remove(): void {
    try {
      unlinkIfPresent(this.#fs, `${this.#path}${UNFINISHED}`);
      unlinkIfPresent(this.#fs, this.#path);
    } catch {
      // The next start removes it.
    }
  }

  #write(): void {
    const frame = this.#open;
    this.#open = this.#idle!;
    this.#idle = undefined;
    frame.seal(this.#timeMs, this.#entry.lsn, KIND_BASE);
    frame.forEachPiece((bytes, offset, length) => {
      const sync = this.#unsyncedBytes + length >= SYNC_BYTES;
      this.#unsyncedBytes = sync ? 0 : this.#unsyncedBytes + length;
      this.#file.append(bytes, offset, length, sync, (error) => this.#wrote(frame, length, error));
    });
  }

  #wrote(frame: EffectBuffer, length: number, error: Error | undefined): void {
    if (this.#closed) return;
    this.#bytes += length;
    frame.reset(this.#entry.lsn + 1);
    this.#idle = frame;
    this.#failure ??= error;
    const isLast = this.#onDone !== undefined && this.#open.isEmpty;
    if (this.#failure !== undefined || isLast) this.#finish();
    else if (!this.#inCommand && (this.#onDone !== undefined || this.#isDue)) this.#write();
    const run = this.#onRoom;
    this.#onRoom = undefined;
    run?.();
  }

  #finish(): void {
    if (this.#onDone === undefined) return;
    if (this.#failure !== undefined) {
      this.#fail(this.#failure);
      return;
    }
    this.#file.sync((error) => {
      if (this.#closed) return;
      if (error !== undefined) {
        this.#fail(error);
        return;
      }
      this.#closed = true;
      this.#file.close();
      try {
        this.#fs.renameSync(`${this.#path}${UNFINISHED}`, this.#path);
        this.#fs.syncDirectorySync(this.#folder);
      } catch (failure) {
        this.#remove();
        this.#onDone?.(failure);
        return;
      }
      this.#onDone?.(undefined, { ...this.#entry, validBytes: this.#bytes });
    });
  }

  #fail(error: Error): void {
    const done = this.#onDone;
    this.#failure = error;
    this.abandon();
    done?.(error);
  }
}
