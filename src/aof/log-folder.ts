/**
 * The folder of a log that is being written: creates parts, keeps the list of what makes up the log, publishes it.
 *
 * Invariants:
 *  - a file's name is durable before a manifest names it, a manifest is durable before a part is used, and a file
 *    is removed only after two manifests without it: one that says that it has left, and one more. So a copy of the
 *    folder that is made file by file finds what its manifest names;
 *  - sequence numbers are never used twice, not even those of stray files;
 *  - every manifest has a mark of its own: an empty file, made when the parts that it calls complete were complete,
 *    durable before the manifest and removed after the next one is. Where the mark is missing, the folder is a copy that
 *    was begun before (see copied-log.ts);
 *  - a log that is not published yet (`pending`) leaves the manifest that is there alone. Its files are told by a
 *    marker from those of a log that has lost its manifest.
 */
import { assert } from "../base/assert.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { LogPart } from "./log-part.ts";
import { listMarks, listParts, publishManifest, unlinkIfPresent } from "./manifest-file.ts";
import {
  type BaseEntry,
  type LogEntries,
  type Manifest,
  namesOf,
  type PartEntry,
  withBase,
} from "./manifest-format.ts";
import { markGeneration, markName, partName, pendingName } from "./part-names.ts";

export interface LogFolderOptions {
  readonly fs: FileSystem;
  readonly path: string;
  readonly stem: string;
  /** What the folder's manifest says; undefined if there is none. */
  readonly manifest: Manifest | undefined;
  /** False for manifests without marks. Default true. */
  readonly marks?: boolean;
  /** The log begins anew beside what the manifest names, and is published by `beginAt`. Default false. */
  readonly pending?: boolean;
}

export class LogFolder {
  readonly fs: FileSystem;
  readonly path: string;
  readonly stem: string;
  #base: BaseEntry | undefined;
  #sealed: readonly PartEntry[];
  #left: LogEntries | undefined;
  /** What a pending log takes the place of. */
  #replaced: LogEntries | undefined;
  #pendingName: string | undefined;
  readonly #hasMarks: boolean;
  /** Marks in the folder; the last one belongs to the manifest, or to the next. */
  #marks: string[];
  #markIsNew = false;
  #nextMark: number;
  #nextSeq: number;

  constructor({ fs, path, stem, manifest, marks, pending }: LogFolderOptions) {
    this.fs = fs;
    this.path = path;
    this.stem = stem;
    this.#hasMarks = marks ?? true;
    this.#marks = listMarks(fs, path, stem);
    this.#nextMark =
      1 +
      Math.max(0, ...[...this.#marks, manifest?.mark ?? ""].map((name) => markGeneration(stem, name) ?? 0));
    const used = [...(manifest?.parts ?? []), ...listParts(fs, path, stem)].map((part) => part.seq);
    this.#nextSeq = 1 + Math.max(0, ...used);
    this.#sealed =
      pending === true ? [] : (manifest?.parts ?? []).filter((part) => part.sealed !== undefined);
    this.#base = pending === true ? undefined : manifest?.base;
    if (pending !== true) return;
    this.#replaced = manifest ?? { parts: [] };
    this.#pendingName = pendingName(stem, this.#nextSeq);
    fs.openSync(`${path}/${this.#pendingName}`, "create").close();
  }

  /** The complete parts, in order. */
  get sealed(): readonly PartEntry[] {
    return this.#sealed;
  }

  get base(): BaseEntry | undefined {
    return this.#base;
  }

  get sealedBytes(): number {
    return this.#sealed.reduce(
      (sum, part) => sum + (part.sealed?.validBytes ?? 0),
      this.#base?.validBytes ?? 0,
    );
  }

  /** True until `beginAt` has published a log that was begun as pending. */
  get isPending(): boolean {
    return this.#replaced !== undefined;
  }

  /** Creates a durable, empty part, which no manifest names yet. Throws the system's error. */
  create(firstLsn: number): LogPart {
    const seq = this.#nextSeq++;
    const entry = { name: partName(this.stem, seq), seq, firstLsn };
    const part = new LogPart(
      this.fs,
      this.fs.openSync(`${this.path}/${entry.name}`, "create"),
      entry,
      0,
      firstLsn - 1,
    );
    try {
      part.file.syncSync();
      this.#makeMark();
      this.fs.syncDirectorySync(this.path);
    } catch (error) {
      this.discard(part);
      throw error;
    }
    return part;
  }

  /** Closes and removes a part that no manifest names. If it cannot be removed, the next start reports it. */
  discard(part: LogPart): void {
    part.close();
    this.#remove(part.entry.name);
  }

  /**
   * Publishes the manifest in which `finished` is complete and `open`, if there is one, follows it. Throws the
   * system's error; the old and the new manifest are then both possible after a crash, so neither part may be removed
   * or appended to. A pending log only takes note.
   */
  publish(finished: LogPart | undefined, open: LogPart | undefined): void {
    const sealed = finished === undefined ? this.#sealed : [...this.#sealed, finished.sealedEntry()];
    if (!this.isPending) this.#publish({ ...withBase(this.#base), parts: sealed }, open, this.#left);
    this.#sealed = sealed;
  }

  /**
   * Takes the complete parts that hold no effect at or above `lsn` out of the log, and a base of a state before it;
   * removes the files of those that left the last time. Returns the names of what leaves. Throws as `publish`.
   */
  dropBelow(lsn: number, open: LogPart): readonly string[] {
    if (this.isPending) return [];
    const base = this.#base !== undefined && this.#base.lsn < lsn ? undefined : this.#base;
    const kept = this.#sealed.filter((part) => part.sealed === undefined || part.sealed.lastLsn >= lsn);
    return this.#leave({ ...withBase(base), parts: kept }, open);
  }

  /**
   * The state at `lsn` is durable, in `base` or, without one, in a checkpoint: the log begins behind it, all before
   * leaves it in the same step. A pending log is published by this. Returns and throws as `dropBelow`.
   */
  beginAt(lsn: number, base: BaseEntry | undefined, open: LogPart): readonly string[] {
    const kept = this.#sealed.filter((part) => part.sealed === undefined || part.sealed.lastLsn > lsn);
    const firstLsn = (kept[0] ?? open.entry).firstLsn;
    assert(
      base === undefined || (base.lsn === lsn && firstLsn === lsn + 1),
      "a base does not end where a part begins",
    );
    assert(firstLsn <= lsn + 1 || !this.isPending, "a log is published without what it begins on");
    const left = this.#leave({ ...withBase(base), parts: kept }, open);
    if (this.#pendingName !== undefined) this.#remove(this.#pendingName);
    this.#replaced = this.#pendingName = undefined;
    return left;
  }

  #leave(log: LogEntries, open: LogPart): readonly string[] {
    const stays = new Set(namesOf(log));
    const before: LogEntries = this.#replaced ?? { ...withBase(this.#base), parts: this.#sealed };
    const base = before.base !== undefined && !stays.has(before.base.name) ? before.base : undefined;
    const leaves: LogEntries = {
      ...withBase(base),
      parts: before.parts.filter((part) => !stays.has(part.name)),
    };
    const names = namesOf(leaves);
    const gone = this.#left === undefined ? [] : namesOf(this.#left);
    if (names.length === 0 && gone.length === 0 && !this.isPending && log.base === this.#base) return [];
    const left = names.length === 0 ? undefined : leaves;
    // A mark that was made for a part may be older than the end of another.
    this.#markIsNew = false;
    this.#publish(log, open, left);
    this.#base = log.base;
    this.#sealed = log.parts;
    this.#left = left;
    for (const name of gone) this.#remove(name);
    return names;
  }

  #publish(log: LogEntries, open: LogPart | undefined, left: LogEntries | undefined): void {
    if (this.#hasMarks && !this.#markIsNew) {
      this.#makeMark();
      this.fs.syncDirectorySync(this.path);
    }
    const mark = this.#hasMarks ? this.#marks.at(-1) : undefined;
    publishManifest(this.fs, this.path, this.stem, {
      ...withBase(log.base),
      parts: open === undefined ? log.parts : [...log.parts, open.entry],
      ...(left === undefined ? {} : { left }),
      ...(mark === undefined ? {} : { mark }),
    });
    this.#markIsNew = false;
    for (const name of this.#marks) if (name !== mark) this.#remove(name);
    this.#marks = mark === undefined ? [] : [mark];
  }

  /** The folder has to be synced before a manifest names it. */
  #makeMark(): void {
    if (!this.#hasMarks) return;
    const name = markName(this.stem, this.#nextMark++);
    this.fs.openSync(`${this.path}/${name}`, "create").close();
    this.#marks.push(name);
    this.#markIsNew = true;
  }

  #remove(name: string): void {
    try {
      unlinkIfPresent(this.fs, `${this.path}/${name}`);
    } catch {
      // No manifest needs it any more: a stray file costs space, nothing else, and is reported at the next start.
    }
  }
}
