/**
 * Reads the whole log in order and hands over its effects.
 *
 * Invariants:
 *  - effects come in the order of their LSNs, each once, none before its frame was verified;
 *  - what cannot be read whole is refused with an error that names file and offset. The one exception is a torn
 *    tail of the last part: it is reported, and nothing of it is handed over (see tail-scan.ts);
 *  - nothing on disk is changed. The caller truncates the tail (torn-tail.ts) and then opens the log for writing.
 *
 * Replay is synchronous as long as the handler is; it waits only for a handler that answers a promise (an effect on
 * a key that has to be fetched) and, between frames, for the caller's `breathe`.
 */
import { FerriteError } from "../base/errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { Request } from "../protocol/request.ts";
import { KIND_LOST } from "./frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "./frame-reader.ts";
import { listParts, readManifest } from "./manifest-file.ts";
import type { Manifest, PartEntry } from "./manifest-format.ts";
import { checkStem, DEFAULT_STEM, manifestName } from "./part-names.ts";
import { judgeTail } from "./tail-scan.ts";

/** Bytes of log between two calls of `breathe`. */
const BREATHE_BYTES = 4 * 1024 * 1024;

const ASTERISK = 42;

export interface LogHandler {
  /**
   * One effect. `request` and its bytes are valid until the call returns or the promise it answers settles. What it
   * throws ends the reading.
   */
  effect(db: number, request: Request, lsn: number, timeMs: number): void | Promise<void>;
  /** The effects until `endUnit` take place together. */
  beginUnit?(): void;
  endUnit?(): void;
}

export interface ReadLogOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem?: string;
  /** Effects up to here are known already (a checkpoint holds them) and are not handed over. Default 0. */
  readonly afterLsn?: number;
  readonly handler: LogHandler;
  /** Awaited every few MiB, so that a long replay can let other work run. */
  readonly breathe?: () => Promise<void>;
}

/** The invalid end of the last part. */
export interface TornTail {
  readonly part: string;
  /** Where it begins; everything before is valid. */
  readonly offset: number;
  readonly bytes: number;
  /** Its bytes up to the last one that is not blank: what is worth keeping. */
  readonly contentBytes: number;
  readonly reason: string;
  /** Frames within it that are valid by themselves, written but never synced before a power cut. */
  readonly framesAfter: number;
  /** Only zeros or padding: not worth keeping. */
  readonly blank: boolean;
}

export interface LogSummary {
  /** undefined if the folder holds no log yet. */
  readonly manifest: Manifest | undefined;
  /** The last effect that is known now: of the log, or `afterLsn` if the log ends before it. */
  readonly lastLsn: number;
  /** The last effect that the log itself holds. */
  readonly logLastLsn: number;
  /** Effects up to here are durable, as the last part's own frames state. */
  readonly statedLsn: number;
  /** Valid bytes of the last part, and the prepared space behind them. */
  readonly lastPartBytes: number;
  readonly spaceBytes: number;
  /** Effects handed over. */
  readonly effects: number;
  /** Frames and bytes read. */
  readonly frames: number;
  readonly bytes: number;
  /** Wall clock of the last frame, 0 if there is none. */
  readonly lastTimeMs: number;
  /** Effects that a repair gave up. */
  readonly lostEffects: number;
  readonly tornTail: TornTail | undefined;
  /** Parts in the folder that the manifest does not name: they hold nothing that was acknowledged. */
  readonly strayParts: readonly string[];
}

/**
 * Throws FerriteError: "corruption" for damage, a gap in LSNs, a missing part or manifest; "usage" for a log that
 * this version cannot read; or the system's error, or what the handler threw.
 */
export async function readLog(options: ReadLogOptions): Promise<LogSummary> {
  const stem = options.stem ?? DEFAULT_STEM;
  checkStem(stem);
  const { fs, folder } = options;
  const manifest = readManifest(fs, folder, stem);
  const found = listParts(fs, folder, stem).map((part) => part.name);
  if (manifest === undefined) refuseOrphans(fs, folder, stem, found);
  const named = new Set(manifest?.parts.map((part) => part.name));
  const strayParts = found.filter((name) => !named.has(name));
  const replay = new Replay(options);
  if (manifest !== undefined) await replay.run(manifest);
  return replay.summary(manifest, strayParts);
}

/**
 * Without a manifest the folder must hold no log. Empty parts are what a first start leaves that died before it
 * published its manifest.
 */
function refuseOrphans(fs: FileSystem, folder: string, stem: string, parts: readonly string[]): void {
  const orphan = parts.find((name) => (fs.statSync(`${folder}/${name}`)?.sizeBytes ?? 0) > 0);
  if (orphan === undefined) return;
  throw new FerriteError(
    "corruption",
    `${folder} holds ${orphan} but no ${manifestName(stem)}: which parts make up the log is unknown. Restore the manifest, or see \`ferrite aof repair\``,
  );
}

/** The parts that hold an effect after `afterLsn`, and the last one in any case. */
export function partsAfter(manifest: Manifest, afterLsn: number): readonly PartEntry[] {
  return manifest.parts.filter((part) => part.sealed === undefined || part.sealed.lastLsn > afterLsn);
}

class Replay {
  readonly #options: ReadLogOptions;
  readonly #request = new Request();
  readonly #afterLsn: number;
  #nextLsn = 0;
  #statedLsn = 0;
  #effects = 0;
  #frames = 0;
  #bytes = 0;
  #lastPartBytes = 0;
  #spaceBytes = 0;
  #lastTimeMs = 0;
  #lostEffects = 0;
  #breatheAt = BREATHE_BYTES;
  #inUnit = false;
  #unitAnnounced = false;
  #tornTail: TornTail | undefined;

  constructor(options: ReadLogOptions) {
    this.#options = options;
    this.#afterLsn = options.afterLsn ?? 0;
    this.#nextLsn = this.#afterLsn + 1;
  }

  summary(manifest: Manifest | undefined, strayParts: readonly string[]): LogSummary {
    return {
      manifest,
      lastLsn: Math.max(this.#nextLsn - 1, this.#afterLsn),
      logLastLsn: this.#nextLsn - 1,
      statedLsn: this.#statedLsn,
      lastPartBytes: this.#lastPartBytes,
      spaceBytes: this.#spaceBytes,
      effects: this.#effects,
      frames: this.#frames,
      bytes: this.#bytes,
      lastTimeMs: this.#lastTimeMs,
      lostEffects: this.#lostEffects,
      tornTail: this.#tornTail,
      strayParts,
    };
  }

  async run(manifest: Manifest): Promise<void> {
    const parts = partsAfter(manifest, this.#afterLsn);
    // Every part that is named has to be there, needed or not: a folder that lost files is not trusted.
    for (const part of manifest.parts) this.#requirePart(part);
    const first = parts[0];
    if (first === undefined) return;
    if (first.firstLsn > this.#afterLsn + 1)
      throw this.#gap(first.name, 0, this.#afterLsn + 1, first.firstLsn);
    this.#nextLsn = first.firstLsn;
    for (const part of parts) await this.#readPart(part);
  }

  #requirePart(part: PartEntry): void {
    const stat = this.#options.fs.statSync(this.#path(part.name));
    const needed = part.sealed?.validBytes ?? 0;
    if (stat?.kind === "file" && stat.sizeBytes >= needed) return;
    const what = stat === undefined ? "is missing" : `has ${stat.sizeBytes} bytes, expected ${needed}`;
    throw new FerriteError(
      "corruption",
      `part ${this.#path(part.name)}, which the AOF manifest names, ${what}. Restore the file, or see \`ferrite aof repair\``,
    );
  }

  async #readPart(part: PartEntry): Promise<void> {
    if (part.firstLsn !== this.#nextLsn) throw this.#gap(part.name, 0, this.#nextLsn, part.firstLsn);
    const file = this.#options.fs.openSync(this.#path(part.name), "read");
    try {
      const reader = new FrameReader(file, 0, part.sealed?.validBytes ?? file.sizeSync());
      let status = reader.next();
      for (; status === FRAME_OK; status = reader.next()) {
        // Awaiting only what waits keeps replay from paying a promise per frame.
        const waiting = this.#readFrame(reader, part.name);
        if (waiting !== undefined) await waiting;
        if (this.#options.breathe !== undefined && this.#bytes + reader.frameEnd >= this.#breatheAt) {
          this.#breatheAt = this.#bytes + reader.frameEnd + BREATHE_BYTES;
          await this.#options.breathe();
        }
      }
      if (status !== FRAME_END) this.#stopAtInvalid(reader, part);
      this.#lastPartBytes = reader.position;
      this.#bytes += reader.position;
    } finally {
      file.close();
    }
    if (part.sealed && this.#nextLsn !== part.sealed.lastLsn + 1) {
      throw this.#gap(part.name, part.sealed.validBytes, this.#nextLsn, part.sealed.lastLsn + 1);
    }
  }

  /** undefined when the frame is done, or a promise if the handler has to wait. */
  #readFrame(reader: FrameReader, part: string): Promise<void> | undefined {
    const { header } = reader;
    reader.requireKnownKind();
    if (header.firstLsn !== this.#nextLsn)
      throw this.#gap(part, reader.position, this.#nextLsn, header.firstLsn);
    this.#frames++;
    this.#lastTimeMs = header.timeMs;
    if (header.durableLsn > this.#statedLsn) this.#statedLsn = header.durableLsn;
    if (header.kind === KIND_LOST) {
      this.#lostEffects += header.effects;
      this.#nextLsn += header.effects;
      return undefined;
    }
    if (header.nextLsn - 1 <= this.#afterLsn) {
      this.#nextLsn = header.nextLsn;
      return undefined;
    }
    const waiting = this.#deliver(reader);
    return waiting === undefined ? undefined : this.#deliverWaiting(reader, waiting);
  }

  async #deliverWaiting(reader: FrameReader, first: Promise<void>): Promise<void> {
    for (
      let waiting: Promise<void> | undefined = first;
      waiting !== undefined;
      waiting = this.#deliver(reader)
    ) {
      await waiting;
    }
  }

  /** Hands over the frame's effects until one has to wait, and answers its promise; undefined at the frame's end. */
  #deliver(reader: FrameReader): Promise<void> | undefined {
    const { handler } = this.#options;
    const timeMs = reader.header.timeMs;
    for (;;) {
      const kind = reader.nextCommand(this.#request);
      if (kind === COMMAND_NONE) break;
      if (kind === COMMAND_EFFECT) {
        const lsn = this.#nextLsn++;
        if (lsn <= this.#afterLsn) continue;
        this.#effects++;
        const waiting = handler.effect(reader.db, this.#request, lsn, timeMs);
        if (waiting !== undefined) return waiting;
      } else {
        this.#markUnit(kind === COMMAND_MULTI);
      }
    }
    const expected = reader.header.nextLsn;
    if (this.#nextLsn === expected && !this.#inUnit) return undefined;
    const found = this.#inUnit ? "within a unit" : `at LSN ${this.#nextLsn - 1}`;
    throw new FerriteError(
      "corruption",
      `the frame at offset ${reader.position} of ${reader.file.path} ends ${found}; its header says that it is whole at LSN ${expected - 1}`,
    );
  }

  #markUnit(begins: boolean): void {
    this.#inUnit = begins;
    // A unit lies on one side of `afterLsn`: checkpoints are taken between turns.
    if (begins && this.#nextLsn > this.#afterLsn) {
      this.#unitAnnounced = true;
      this.#options.handler.beginUnit?.();
    } else if (!begins && this.#unitAnnounced) {
      this.#unitAnnounced = false;
      this.#options.handler.endUnit?.();
    }
  }

  #stopAtInvalid(reader: FrameReader, part: PartEntry): void {
    const { position, reason } = reader;
    const path = this.#path(part.name);
    if (part.sealed) throw invalidFrame(path, position, reason, "it lies in a part that was complete");
    const at = reader.window.ensure(position, 1);
    if (at >= 0 && reader.window.bytes[at] === ASTERISK) {
      throw new FerriteError(
        "corruption",
        `${path} has a command outside of any frame at offset ${position}: another program (redis-server?) has appended to it. Load those with \`ferrite import\`, or cut them with \`ferrite aof repair\``,
      );
    }
    const verdict = judgeTail(reader, this.#nextLsn);
    if (!verdict.torn) {
      const where = `a valid frame follows at offset ${verdict.nextFrameOffset} (LSN ${verdict.nextFirstLsn}), so this is damage and not an interrupted write`;
      throw invalidFrame(path, position, reason, where);
    }
    const bytes = reader.window.limit - position;
    if (verdict.space) {
      this.#spaceBytes = bytes;
      return;
    }
    this.#tornTail = {
      part: part.name,
      offset: position,
      bytes,
      contentBytes: verdict.contentEnd - position,
      reason,
      framesAfter: verdict.framesAfter,
      blank: verdict.blank,
    };
  }

  #gap(part: string, offset: number, expected: number, found: number): FerriteError {
    return new FerriteError(
      "corruption",
      `the AOF has a gap: at offset ${offset} of ${this.#path(part)} LSN ${expected} is due, found ${found}. Restore the missing part, or see \`ferrite aof repair\``,
    );
  }

  #path(part: string): string {
    return `${this.#options.folder}/${part}`;
  }
}

function invalidFrame(path: string, offset: number, reason: string, because: string): FerriteError {
  return new FerriteError(
    "corruption",
    `the AOF part ${path} is damaged at offset ${offset}: ${reason}; ${because}. Nothing was loaded or changed. Restore the file from a backup, or run \`ferrite aof repair\``,
  );
}
