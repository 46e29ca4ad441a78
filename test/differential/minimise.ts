/**
 * The shortest sequence that still fails, by delta debugging: leave out halves, then quarters, down to single parts.
 *
 * Invariant: what it answers failed when it was last tried. A budget of trials ends the search, because a trial may
 * start servers; the result is then short, perhaps not shortest.
 */
export async function minimise<T>(
  parts: readonly T[],
  fails: (parts: readonly T[]) => Promise<boolean>,
  trialsMax = 400,
): Promise<readonly T[]> {
  let kept = parts;
  let size = Math.ceil(kept.length / 2);
  let trials = 0;
  while (size >= 1) {
    let shrunk = false;
    for (let start = 0; start < kept.length && kept.length > size; ) {
      if (trials++ === trialsMax) return kept;
      const candidate = [...kept.slice(0, start), ...kept.slice(start + size)];
      if (await fails(candidate)) {
        kept = candidate;
        shrunk = true;
      } else start += size;
    }
    // What was left out may have been the only reason to keep another part: at the finest grain, go round again.
    if (size > 1) size = Math.ceil(Math.min(size, kept.length) / 2);
    else if (!shrunk) break;
  }
  return kept;
}
