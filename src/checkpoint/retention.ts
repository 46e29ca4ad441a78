/**
 * Which checkpoints are kept, which files they reach, and which structures are worth writing again. Pure.
 *
 * Invariants
 *  - the newest whole manifest is always kept;
 *  - a manifest that cannot be read is kept until as many whole ones as are kept are newer: somebody may repair it;
 *  - while such a manifest is there nobody knows what it reaches, so no file is taken for unreachable.
 */
import type { CheckpointManifest } from "./manifest-format.ts";
import { indexName, SEGMENTS_FOLDER, segmentName, valuesName } from "./names.ts";

export const KEPT_CHECKPOINTS_DEFAULT = 2;

export interface FoundManifest {
  readonly id: number;
  /** undefined: it cannot be read. */
  readonly manifest: CheckpointManifest | undefined;
}

export interface Retention {
  readonly kept: readonly FoundManifest[];
  /** Ids, ascending. */
  readonly retired: readonly number[];
}

/** `found` ascending by id; `keep` is at least 1; `pinned` are kept beside those. */
export function retain(
  found: readonly FoundManifest[],
  keep: number,
  pinned: ReadonlySet<number> = new Set(),
): Retention {
  const kept: FoundManifest[] = [];
  const retired: number[] = [];
  let whole = 0;
  for (const each of found.toReversed()) {
    if (whole >= Math.max(1, keep) && !pinned.has(each.id)) retired.unshift(each.id);
    else kept.unshift(each);
    if (each.manifest !== undefined) whole++;
  }
  return { kept, retired };
}

/** Names, below the folder of checkpoints, of all that the manifests reach; undefined if that is not known. */
export function reachedBy(kept: readonly FoundManifest[]): Set<string> | undefined {
  const reached = new Set<string>();
  for (const { id, manifest } of kept) {
    if (manifest === undefined) return undefined;
    reached.add(indexName(id));
    for (const file of manifest.values) reached.add(valuesName(file.id));
    for (const { birth } of manifest.segments) reached.add(segmentPathName(birth));
  }
  return reached;
}

/** The name of a segment's file below the folder of checkpoints. */
export function segmentPathName(birth: number): string {
  return `${SEGMENTS_FOLDER}/${segmentName(birth)}`;
}

/**
 * Values files of which less than half is alive: the next checkpoint writes their structures again and reaches them no
 * more, so that the files of a data set stay below twice its size.
 */
export function valuesFilesToRewrite({ values }: CheckpointManifest): number[] {
  return values.filter(({ bytes, liveBytes }) => liveBytes * 2 < bytes).map(({ id }) => id);
}
