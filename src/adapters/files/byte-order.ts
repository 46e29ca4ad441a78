/**
 * Sorts names as their UTF-8 bytes sort, which every listing promises.
 *
 * JavaScript compares UTF-16 units, which differs where a surrogate meets U+E000 or above; names without
 * surrogates, which is nearly all, therefore take the plain sort.
 */
export function sortedByBytes(names: Iterable<string>): string[] {
  const list = [...names];
  if (!list.some((name) => /[\ud800-\udfff]/.test(name))) return list.sort();
  return list
    .map((name) => ({ name, bytes: Buffer.from(name) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map((each) => each.name);
}
