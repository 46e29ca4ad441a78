/**
 * Parts the output of a turn by connection: what may leave now and what has to wait.
 *
 * Invariant: both halves keep the order of writing and share the arenas' bytes, so a batch that appears in both
 * must not be reused before the held half has left. For the rare turn during which the log has failed.
 */
import { OUTPUT_STRIDE, type OutputBatch } from "../ports/transport.ts";

export function partitionBatches(
  batches: readonly OutputBatch[],
  waiting: ReadonlySet<number>,
): { free: OutputBatch[]; held: OutputBatch[] } {
  const free: OutputBatch[] = [];
  const held: OutputBatch[] = [];
  for (const batch of batches) {
    const now: number[] = [];
    const later: number[] = [];
    for (let at = 0; at < batch.count * OUTPUT_STRIDE; at += OUTPUT_STRIDE) {
      const entries = waiting.has(batch.entries[at]!) ? later : now;
      entries.push(batch.entries[at]!, batch.entries[at + 1]!, batch.entries[at + 2]!);
    }
    if (now.length > 0) free.push(part(batch, now));
    if (later.length > 0) held.push(part(batch, later));
  }
  return { free, held };
}

function part(batch: OutputBatch, entries: readonly number[]): OutputBatch {
  return { bytes: batch.bytes, entries: Int32Array.from(entries), count: entries.length / OUTPUT_STRIDE };
}
