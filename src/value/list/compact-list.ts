/**
 * Up to where a list is called "listpack": Redis's list-max-listpack-size.
 *
 * A negative limit is one of bytes: -1 to -5 for 4, 8, 16, 32 and 64 KiB. Any other is one of elements, 0 counting as 1; it
 * holds together with a bound of 8 KiB.
 */
const BYTES_MAX_WITH_COUNT = 8192;
const BYTES_MAX_LEVELS = 5;

export function isCompactList(sizeMax: number, count: number, bytes: number): boolean {
  if (sizeMax >= 0) return bytes <= BYTES_MAX_WITH_COUNT && count <= (sizeMax === 0 ? 1 : sizeMax);
  const level = sizeMax < -BYTES_MAX_LEVELS ? BYTES_MAX_LEVELS : -sizeMax;
  return bytes <= 2048 << level;
}
