/**
 * Removes checkpoints that are not kept any more, and files that nothing reaches.
 *
 * Invariants
 *  - what a kept or pinned manifest, the live engine or a checkpoint under way reaches is never removed;
 *  - a file is removed by the second sweep in a row that finds it unreachable: a copy of the folder that was begun before
 *    has a whole checkpoint before its eyes, and the names of the manifests that reached it are gone for certain by then;
 *  - after the first error a sweep stops and removes nothing more, and what it had found is forgotten.
 *
 * One name is removed per turn of the loop. Names that are not ours are left alone.
 */
import { syncFolder } from "../engine/warm/file-promises.ts";
import type { Clock } from "../ports/clock.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { decodeManifest } from "./manifest-format.ts";
import { indexName, valuesName } from "./names.ts";
import { type FoundManifest, reachedBy, retain, segmentPathName } from "./retention.ts";

export interface SweepRequest {
  /** Whole checkpoints that are kept, the newest included. */
  readonly keep: number;
  /** Births of segments whose files the engine has or is about to have. */
  readonly liveBirths: Iterable<number>;
  /** Ids of checkpoints under way: their files are not touched. */
  readonly underWay?: readonly number[];
  /** Ids of checkpoints that somebody reads: they stay, kept or not, with all that they reach. */
  readonly pinned?: ReadonlySet<number>;
}

export interface SweepResult {
  /**
   * LSN of the oldest checkpoint that is kept: whoever starts from it needs the log after it. 0 if one cannot be read, or fewer
   * are there than are to be kept.
   */
  readonly oldestLsn: number;
  /** Ids of checkpoints whose manifests were removed. */
  readonly retired: readonly number[];
  /** Names below the folder. */
  readonly removed: readonly string[];
  /** Found for the first time; the next sweep removes them. */
  readonly unreachable: readonly string[];
  /** A manifest that cannot be read, because of which nothing was looked for. */
  readonly unreadable: readonly number[];
}

export class CheckpointSweeper {
  readonly #folder: CheckpointFolder;
  readonly #clock: Clock;
  #unreachable = new Set<string>();

  constructor(folder: CheckpointFolder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** After a checkpoint was published. Throws the system's error; the folder is sound then, too. */
  async sweep(request: SweepRequest): Promise<SweepResult> {
    const before = this.#unreachable;
    this.#unreachable = new Set();
    const folder = this.#folder;
    const { kept, retired } = retain(this.#manifests(request), request.keep, request.pinned);
    // All of them before the names are synced, and the files that only they reached not before the next sweep.
    for (const id of retired) await this.#remove(folder.manifestPath(id));
    if (retired.length > 0 || before.size > 0) await syncFolder(folder.fs, folder.path);
    const reached = reachedBy(kept);
    const unreadable = kept.filter(({ manifest }) => manifest === undefined).map(({ id }) => id);
    if (reached === undefined) return { oldestLsn: 0, retired, removed: [], unreachable: [], unreadable };
    for (const birth of request.liveBirths) reached.add(segmentPathName(birth));
    const removed: string[] = [];
    const unreachable = new Set<string>();
    for (const name of this.#names(request)) {
      if (reached.has(name)) continue;
      if (!before.has(name)) {
        unreachable.add(name);
        continue;
      }
      await this.#remove(`${folder.path}/${name}`);
      removed.push(name);
    }
    this.#unreachable = unreachable;
    // Until as many are there as are to be kept, the log is what a damaged one falls back on.
    const oldestLsn =
      kept.length < request.keep ? 0 : Math.min(...kept.map(({ manifest }) => manifest?.lsn ?? 0));
    return { oldestLsn, retired, removed, unreachable: [...unreachable], unreadable };
  }

  #manifests({ underWay = [] }: SweepRequest): FoundManifest[] {
    const folder = this.#folder;
    const ids = folder.list().manifests.filter((id) => !underWay.includes(id));
    return ids.map((id) => {
      const path = folder.manifestPath(id);
      const bytes = folder.fs.readFileSync(path);
      try {
        const manifest = decodeManifest(bytes, path);
        return { id, manifest: manifest.id === id ? manifest : undefined };
      } catch {
        return { id, manifest: undefined };
      }
    });
  }

  /** Below the folder: all files that only a manifest makes something of. */
  #names({ underWay = [] }: SweepRequest): string[] {
    const { indexes, values, segments } = this.#folder.list();
    const idle = (ids: readonly number[]): number[] => ids.filter((id) => !underWay.includes(id));
    return [
      ...idle(indexes).map(indexName),
      ...idle(values).map(valuesName),
      ...segments.map(segmentPathName),
    ];
  }

  async #remove(path: string): Promise<void> {
    this.#folder.unlinkIfPresent(path);
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
  }
}
