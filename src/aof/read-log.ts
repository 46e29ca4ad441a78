/**
 * Reads the whole log in order and hands over its effects: the base, if there is one, then the parts after it.
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
import { entriesToRead, isEarlierCopy } from "./copied-log.ts";
import { KIND_BASE, KIND_LOST } from "./frame-format.ts";
import {
  COMMAND_EFFECT,
  COMMAND_MULTI,
  COMMAND_NONE,
  FRAME_END,
  FRAME_OK,
  FrameReader,
} from "./frame-reader.ts";
import { listBases, listParts, listPending, readManifest } from "./manifest-file.ts";
import {
  type BaseEntry,
  type LogEntries,
  type Manifest,
  namesOf,
  type PartEntry,
} from "./manifest-format.ts";
import { checkStem, DEFAULT_STEM, manifestName, UNFINISHED } from "./part-names.ts";
import { judgeTail } from "./tail-scan.ts";

/** Bytes of log between two calls of `breathe`. */
const BREATHE_BYTES = 4 * 1024 * 1024;

const ASTERISK = 42;

export interface LogHandler {
  /**
   * One effect, or a command of the base, all of which have the base's LSN. `request` and its bytes are valid until the
   * call returns or the promise it answers settles. What it throws ends the reading.
   */
  effect(db: number, request: Request, lsn: number, timeMs: number, index: number): void | Promise<void>;
  /**
   * Requests into which commands are read before the first of them is handed over, so that what they need can be fetched
   * together; `effect` gets them with their index. One of the reader's own by default.
   */
  readonly ahead?: readonly Request[];
  /** The first `count` of `ahead` were read, and are handed over next; some may mark units. */
  prepare?(count: number): void;
  /** The effects until `endUnit` take place together. */
  beginUnit?(): void;
  endUnit?(): void;
}

export interface ReadLogOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly stem?: string;
  /**
   * Effects up to here are known already (a checkpoint holds them) and are not handed over, nor is a base up to here.
   * A later base is read on top of nothing only. Default 0.
   */
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
  /** What makes up the log that was read; undefined if the folder holds none yet. */
  readonly manifest: Manifest | undefined;
  /** The folder is a copy that was listed before its manifest was made: the log was read up to where the copy ends. */
  readonly copied: boolean;
  /** The last effect that is known now: of the log, or `afterLsn` if the log ends before it. */
  readonly lastLsn: number;
  /** The last effect that the log itself holds. */
  readonly logLastLsn: number;
  /** Effects up to here are durable, as the last part's own frames state. */
  readonly statedLsn: number;
  /** Valid bytes of the last part, and the prepared space behind them. */
  readonly lastPartBytes: number;
  readonly spaceBytes: number;
  /** Effects and commands of the base handed over. */
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
  if (manifest === undefined) refuseOrphans(fs, folder, stem);
  const unpublished = unpublishedFiles(fs, folder, stem, manifest);
  const known = [...(manifest?.parts ?? []), ...(manifest?.left?.parts ?? [])].map((part) => part.name);
  const named = new Set([...known, ...unpublished]);
  const strayParts = found.filter((name) => !named.has(name));
  const replay = new Replay(options);
  if (manifest !== undefined) await replay.run(manifest);
  return replay.summary(manifest, strayParts);
}

/**
 * Parts and bases that no manifest names yet, on the word of a marker, and bases that were not finished or not published:
 * nothing depends on them, and the next start removes them.
 */
export function unpublishedFiles(
  fs: FileSystem,
  folder: string,
  stem: string,
  manifest: Manifest | undefined,
): string[] {
  const named = [manifest, manifest?.left].flatMap((log) => (log === undefined ? [] : namesOf(log)));
  const firstSeq = listPending(fs, folder, stem)[0]?.seq ?? Number.POSITIVE_INFINITY;
  const parts = listParts(fs, folder, stem).filter(({ seq }) => seq >= firstSeq);
  const bases = listBases(fs, folder, stem).filter(
    ({ name }) => manifest !== undefined || firstSeq < Number.POSITIVE_INFINITY || name.endsWith(UNFINISHED),
  );
  return [...parts, ...bases].map(({ name }) => name).filter((name) => !named.includes(name));
}

/**
 * Without a manifest the folder must hold no log. Empty parts are what a first start leaves that died before it
 * published its manifest.
 */
function refuseOrphans(fs: FileSystem, folder: string, stem: string): void {
  const unpublished = unpublishedFiles(fs, folder, stem, undefined);
  const orphan = [...listParts(fs, folder, stem), ...listBases(fs, folder, stem)]
    .map(({ name }) => name)
    .filter((name) => !unpublished.includes(name))
    .find((name) => (fs.statSync(`${folder}/${name}`)?.sizeBytes ?? 0) > 0);
  if (orphan === undefined) return;
  throw new FerriteError(
    "corruption",
    `${folder} holds ${orphan} but no ${manifestName(stem)}: which parts make up the log is unknown. Restore the manifest, or see \`ferrite aof repair\``,
  );
}

/** The parts that hold an effect after `afterLsn`, and the last one in any case. */
export function partsAfter(log: LogEntries, afterLsn: number): readonly PartEntry[] {
  return log.parts.filter((part) => part.sealed === undefined || part.sealed.lastLsn > afterLsn);
}

class Replay {
  readonly #options: ReadLogOptions;
  readonly #ahead: readonly Request[];
  /** Of what was read ahead: kinds, databases, how many, and how many of them were handed over. */
  readonly #kinds: Uint8Array;
  readonly #dbs: Int32Array;
  #count = 0;
  #taken = 0;
  #afterLsn: number;
  /** Set while a base is read. */
  #base: BaseEntry | undefined;
  /** What was read, if that is not what the manifest names. */
  #read: Manifest | undefined;
  #copied = false;
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
  /** Commands of the present frame so far. */
  #frameCommands = 0;
  #inUnit = false;
  #unitAnnounced = false;
  #tornTail: TornTail | undefined;

  constructor(options: ReadLogOptions) {
    this.#options = options;
    this.#ahead = options.handler.ahead ?? [new Request()];
    this.#kinds = new Uint8Array(this.#ahead.length);
    this.#dbs = new Int32Array(this.#ahead.length);
    this.#afterLsn = options.afterLsn ?? 0;
    this.#nextLsn = this.#afterLsn + 1;
  }

  summary(manifest: Manifest | undefined, strayParts: readonly string[]): LogSummary {
    return {
      manifest: this.#read ?? manifest,
      copied: this.#copied,
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
    const { fs, folder } = this.#options;
    const log: Manifest = entriesToRead(fs, folder, manifest, this.#afterLsn);
    // Without `left`: those files are needed now.
    if (log !== manifest) this.#read = log;
    this.#copied = isEarlierCopy(fs, folder, manifest);
    // Every file that is named has to be there, needed or not: a folder that lost files is not trusted.
    if (log.base !== undefined) this.#requireFile(log.base, log.base.validBytes);
    if (!this.#copied) for (const part of log.parts) this.#requireFile(part, part.sealed?.validBytes ?? 0);
    const { base } = log;
    if (base !== undefined && (this.#afterLsn === 0 || base.lsn > this.#afterLsn)) await this.#readBase(base);
    const parts = partsAfter(log, this.#afterLsn);
    const first = parts[0];
    if (first === undefined) return;
    if (first.firstLsn > this.#afterLsn + 1) throw this.#beginsTooLate(first);
    this.#nextLsn = first.firstLsn;
    if (this.#copied) await this.#readCopy(log, parts);
    else for (const part of parts) await this.#readPart(part);
  }

  async #readBase(base: BaseEntry): Promise<void> {
    if (this.#afterLsn > 0) {
      throw new FerriteError(
        "conflict",
        `${this.#path(base.name)} holds the state at LSN ${base.lsn}, which is later than the ${this.#afterLsn} that is loaded already; expected to begin with the base, on top of nothing`,
      );
    }
    this.#base = base;
    this.#nextLsn = base.lsn + 1;
    const sealed = { lastLsn: base.lsn, validBytes: base.validBytes };
    await this.#readPart({ name: base.name, seq: base.seq, firstLsn: base.lsn + 1, sealed });
    this.#base = undefined;
    this.#afterLsn = base.lsn;
  }

  /** Reads the parts of a copy as far as they were copied (copied-log.ts), each as if it were the last. */
  async #readCopy(log: Manifest, parts: readonly PartEntry[]): Promise<void> {
    for (const part of parts) {
      const size = this.#options.fs.statSync(this.#path(part.name))?.sizeBytes;
      const kept = log.parts.slice(0, log.parts.indexOf(part));
      this.#read = { ...log, parts: kept };
      // With nothing to begin from, an absent log is a lost one.
      if (size === undefined && kept.length === 0 && this.#afterLsn === 0) this.#requireFile(part, 0);
      if (size === undefined) return;
      const { name, seq, firstLsn, sealed } = part;
      const limit = Math.min(size, sealed?.validBytes ?? size);
      await this.#readPart({ name, seq, firstLsn }, limit);
      this.#read = { ...log, parts: [...kept, part] };
      if (sealed !== undefined && this.#nextLsn > sealed.lastLsn && this.#tornTail === undefined) continue;
      this.#read = { ...log, parts: [...kept, { name, seq, firstLsn }] };
      if (this.#tornTail === undefined) this.#spaceBytes = size - this.#lastPartBytes;
      return;
    }
  }

  #requireFile(part: { readonly name: string }, needed: number): void {
    const stat = this.#options.fs.statSync(this.#path(part.name));
    if (stat?.kind === "file" && stat.sizeBytes >= needed) return;
    const what = stat === undefined ? "is missing" : `has ${stat.sizeBytes} bytes, expected ${needed}`;
    throw new FerriteError(
      "corruption",
      `part ${this.#path(part.name)}, which the AOF manifest names, ${what}. Restore the file, or see \`ferrite aof repair\``,
    );
  }

  async #readPart(part: PartEntry, limit?: number): Promise<void> {
    if (part.firstLsn !== this.#nextLsn) throw this.#gap(part.name, 0, this.#nextLsn, part.firstLsn);
    const file = this.#options.fs.openSync(this.#path(part.name), "read");
    try {
      const reader = new FrameReader(file, 0, limit ?? part.sealed?.validBytes ?? file.sizeSync());
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
    if ((header.kind === KIND_BASE) !== (this.#base !== undefined)) throw this.#misplaced(reader);
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
    if (this.#base === undefined && header.nextLsn - 1 <= this.#afterLsn) {
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
    const { timeMs } = reader.header;
    while (this.#taken < this.#count || this.#readAhead(reader)) {
      const index = this.#taken++;
      const kind = this.#kinds[index]!;
      if (kind === COMMAND_EFFECT) {
        const lsn = this.#base?.lsn ?? this.#nextLsn++;
        this.#frameCommands++;
        if (lsn <= this.#afterLsn && this.#base === undefined) continue;
        this.#effects++;
        const waiting = handler.effect(this.#dbs[index]!, this.#ahead[index]!, lsn, timeMs, index);
        if (waiting !== undefined) return waiting;
      } else {
        this.#markUnit(kind === COMMAND_MULTI);
      }
    }
    const found = this.#frameCommands;
    this.#frameCommands = 0;
    if (found === reader.header.effects && !this.#inUnit) return undefined;
    const { header } = reader;
    const end = this.#base === undefined ? `at LSN ${this.#nextLsn - 1}` : `after ${found} commands`;
    const due = this.#base === undefined ? `at LSN ${header.nextLsn - 1}` : `after ${header.effects}`;
    throw new FerriteError(
      "corruption",
      `the frame at offset ${reader.position} of ${reader.file.path} ends ${this.#inUnit ? "within a unit" : end}; its header says that it is whole ${due}`,
    );
  }

  /** Reads commands of the frame until as many as there are requests for are at hand; false at its end. */
  #readAhead(reader: FrameReader): boolean {
    const ahead = this.#ahead;
    let count = 0;
    let kind = reader.nextCommand(ahead[0]!);
    while (kind !== COMMAND_NONE) {
      this.#kinds[count] = kind;
      this.#dbs[count++] = reader.db;
      if (count === ahead.length) break;
      kind = reader.nextAtHand(ahead[count]!);
    }
    this.#taken = 0;
    this.#count = count;
    if (count > 0) this.#options.handler.prepare?.(count);
    return count > 0;
  }

  #misplaced(reader: FrameReader): FerriteError {
    const [found, expected] =
      this.#base === undefined ? ["a part", "effects"] : ["a base", "commands of a base"];
    return new FerriteError(
      "corruption",
      `the frame at offset ${reader.position} of ${reader.file.path} is of kind #${String.fromCharCode(reader.header.kind)}; expected ${expected}, because the manifest says that this is ${found}`,
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

  /** The log was shortened by what a checkpoint holds, and that checkpoint is not here. */
  #beginsTooLate({ name, firstLsn }: PartEntry): FerriteError {
    const { folder } = this.#options;
    const checkpoints = `${folder.slice(0, folder.lastIndexOf("/"))}/checkpoints`;
    const known = this.#afterLsn;
    const missing = known + 1 === firstLsn - 1 ? `LSN ${known + 1}` : `LSN ${known + 1} to ${firstLsn - 1}`;
    const loaded =
      known === 0 ? "no checkpoint was loaded" : `the checkpoint that was loaded ends at LSN ${known}`;
    return new FerriteError(
      "corruption",
      `the AOF has a gap: it begins with LSN ${firstLsn} (${this.#path(name)}), and ${loaded}, so nothing holds ${missing}. Put the checkpoints that belong to it back into ${checkpoints}, or restore a backup; nothing was changed`,
    );
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
