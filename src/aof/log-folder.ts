/**
 * The folder of a log that is being written: creates parts, keeps the list of the complete ones, publishes both.
 *
 * Invariants:
 *  - a part's name is durable before a manifest names it, a manifest is durable before a part is used, and a part
 *    is removed only after a manifest without it is durable;
 *  - sequence numbers are never used twice, not even those of stray files.
 */
import type { FileSystem } from "../ports/file-system.ts";
import { LogPart } from "./log-part.ts";
import { listParts, publishManifest, unlinkIfPresent } from "./manifest-file.ts";
import type { PartEntry } from "./manifest-format.ts";
import { partName } from "./part-names.ts";

export class LogFolder {
  readonly fs: FileSystem;
  readonly path: string;
  readonly stem: string;
  #sealed: readonly PartEntry[];
  #nextSeq: number;

  /** `sealed` are the complete parts that the manifest names, in order. */
  constructor(fs: FileSystem, path: string, stem: string, sealed: readonly PartEntry[]) {
    this.fs = fs;
    this.path = path;
    this.stem = stem;
    this.#sealed = sealed;
    const used = [...sealed, ...listParts(fs, path, stem)].map((part) => part.seq);
    this.#nextSeq = 1 + Math.max(0, ...used);
  }

  /** The complete parts, in order. */
  get sealed(): readonly PartEntry[] {
    return this.#sealed;
  }

  get sealedBytes(): number {
    return this.#sealed.reduce((sum, part) => sum + (part.sealed?.validBytes ?? 0), 0);
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
   * Publishes the manifest in which `finished` is complete and `open` follows it. Throws the system's error; the old
   * and the new manifest are then both possible after a crash, so neither part may be removed or appended to.
   */
  publish(finished: LogPart | undefined, open: LogPart): void {
    const sealed = finished === undefined ? this.#sealed : [...this.#sealed, finished.sealedEntry()];
    publishManifest(this.fs, this.path, this.stem, { parts: [...sealed, open.entry] });
    this.#sealed = sealed;
  }

  /** Removes the complete parts that hold no effect at or above `lsn`. Returns their names. Throws as `publish`. */
  dropBelow(lsn: number, open: LogPart): readonly string[] {
    const dropped = this.#sealed.filter((part) => part.sealed !== undefined && part.sealed.lastLsn < lsn);
    if (dropped.length === 0) return [];
    const kept = this.#sealed.filter((part) => !dropped.includes(part));
    publishManifest(this.fs, this.path, this.stem, { parts: [...kept, open.entry] });
    this.#sealed = kept;
    for (const part of dropped) this.#remove(part.name);
    return dropped.map((part) => part.name);
  }

  #remove(name: string): void {
    try {
      unlinkIfPresent(this.fs, `${this.path}/${name}`);
    } catch {
      // No manifest names it any more: a stray file costs space, nothing else, and is reported at the next start.
    }
  }
}
