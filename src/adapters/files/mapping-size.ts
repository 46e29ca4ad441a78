/** The bounds that every implementation of mapped files holds, and the error that names what was found. */
import { FerriteError } from "../../base/errors.ts";

/** An external ArrayBuffer above 4 GiB fails on Node 20; 1 GiB leaves room and is more than any segment needs. */
export const MAPPING_BYTES_MAX = 1024 * 1024 * 1024;

/** Throws unless a file of this size can be mapped: a sealed file is never empty, so an empty one has lost its bytes. */
export function checkMappingSize(path: string, sizeBytes: number): void {
  if (sizeBytes >= 1 && sizeBytes <= MAPPING_BYTES_MAX) return;
  const kind = sizeBytes === 0 ? "corruption" : "usage";
  throw new FerriteError(kind, `map '${path}': expected 1 to ${MAPPING_BYTES_MAX} bytes, found ${sizeBytes}`);
}

/** Throws unless the range lies inside a mapping of this size; a range of an unmapped file never does, unless empty. */
export function checkMappedRange(path: string, sizeBytes: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= sizeBytes) return;
  throw new RangeError(
    `range ${offset}+${length} does not lie inside '${path}', mapped with ${sizeBytes} bytes`,
  );
}
