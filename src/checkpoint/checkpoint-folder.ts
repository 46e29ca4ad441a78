/**
 * The folder of checkpoints: where its files are, and which are there.
 *
 * Invariant: what is listed is only looked at; `removeUnfinished` and `unlinkIfPresent` are the only ways to remove.
 */
import { systemCode } from "../base/errors.ts";
import type { FileSystem } from "../ports/file-system.ts";
import {
  CHECKPOINT_ID_MAX,
  indexName,
  manifestName,
  parseName,
  parseSegmentName,
  SEGMENTS_FOLDER,
  segmentName,
  valuesName,
} from "./names.ts";

export interface FolderListing {
  /** Ids of manifests, ascending. */
  readonly manifests: readonly number[];
  readonly indexes: readonly number[];
  readonly values: readonly number[];
  /** Births, ascending. */
  readonly segments: readonly number[];
  /** Paths of files that nobody finished. */
  readonly unfinished: readonly string[];
}

export class CheckpointFolder {
  readonly fs: FileSystem;
  readonly path: string;

  constructor(fs: FileSystem, path: string) {
    this.fs = fs;
    this.path = path;
  }

  get segmentsPath(): string {
    return `${this.path}/${SEGMENTS_FOLDER}`;
  }

  manifestPath(id: number): string {
    return `${this.path}/${manifestName(id)}`;
  }

  indexPath(id: number): string {
    return `${this.path}/${indexName(id)}`;
  }

  valuesPath(id: number): string {
    return `${this.path}/${valuesName(id)}`;
  }

  segmentPath(birth: number): string {
    return `${this.segmentsPath}/${segmentName(birth)}`;
  }

  /** Makes the folder and the one of segments, and their names durable. Blocks; for the start. */
  create(): void {
    const { fs, path } = this;
    const existed = fs.statSync(this.segmentsPath) !== undefined;
    fs.makeDirectorySync(this.segmentsPath);
    // Also where they existed: their creator may have been killed before the names were durable.
    fs.syncDirectorySync(path.slice(0, Math.max(1, path.lastIndexOf("/"))));
    fs.syncDirectorySync(path);
    if (!existed) fs.syncDirectorySync(this.segmentsPath);
  }

  /** Everything empty if the folder does not exist. */
  list(): FolderListing {
    const { fs } = this;
    const manifests: number[] = [];
    const indexes: number[] = [];
    const values: number[] = [];
    const segments: number[] = [];
    const unfinished: string[] = [];
    if (fs.statSync(this.path) !== undefined) {
      for (const name of fs.listSync(this.path)) {
        const parsed = parseName(name);
        if (parsed === undefined) continue;
        if (parsed.kind === "unfinished") unfinished.push(`${this.path}/${name}`);
        else ({ manifest: manifests, index: indexes, values })[parsed.kind].push(parsed.id);
      }
    }
    if (fs.statSync(this.segmentsPath) !== undefined) {
      for (const name of fs.listSync(this.segmentsPath)) {
        const parsed = parseSegmentName(name);
        if (parsed?.kind === "unfinished") unfinished.push(`${this.segmentsPath}/${name}`);
        else if (parsed !== undefined) segments.push(parsed.birth);
      }
    }
    return { manifests, indexes, values, segments, unfinished };
  }

  /** Removes what an interrupted checkpoint left. Only when everything that a start needs was read. */
  removeUnfinished(): void {
    for (const path of this.list().unfinished) this.unlinkIfPresent(path);
  }

  /** True if there was such a file. */
  unlinkIfPresent(path: string): boolean {
    try {
      this.fs.unlinkSync(path);
      return true;
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
      return false;
    }
  }
}

/** The id for the next checkpoint: above every one that a file in the folder has, so that none is used twice. */
export function nextCheckpointId(listing: FolderListing): number {
  const { manifests, indexes, values } = listing;
  const last = Math.max(0, manifests.at(-1) ?? 0, indexes.at(-1) ?? 0, values.at(-1) ?? 0);
  if (last >= CHECKPOINT_ID_MAX) throw new RangeError("checkpoint ids are used up");
  return last + 1;
}

/** Above every birth that a segment file has: the file of a segment that is born now does not exist yet. */
export function nextFreeBirth(listing: FolderListing): number {
  return (listing.segments.at(-1) ?? 0) + 1;
}
