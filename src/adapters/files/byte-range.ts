/**
 * Checks a range (array, offset, length) before an operation starts, so that a wrong one is an exception at its
 * caller and never a half-begun operation. Used by every implementation of files.
 */
export function checkRange(bytes: Uint8Array, offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
    throw new RangeError(`range ${offset}+${length} does not lie inside an array of ${bytes.length} bytes`);
  }
}
