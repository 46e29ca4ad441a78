/**
 * Read-only mappings of sealed files. A mapped file is never truncated or changed while mapped: a read past
 * its end would be a SIGBUS. Reading a page that is not resident stops the event loop: ask `isResident` first.
 */
export interface MappedFiles {
  readonly kind: string;
  /** Maps the whole file, at most 1 GiB. Throws if it is absent (ENOENT), empty (`corruption`) or larger (`usage`). */
  map(path: string): MappedFile;
}

export interface MappedFile {
  readonly path: string;
  /** Valid until `unmap`, which detaches it: a later access sees length 0, never foreign memory. */
  readonly bytes: Uint8Array;
  /** True if every page of the range is in memory now. Where the platform cannot tell it answers false. */
  isResident(offset: number, length: number): boolean;
  advise(
    offset: number,
    length: number,
    advice: "normal" | "random" | "sequential" | "willneed" | "dontneed",
  ): void;
  /** Bytes in memory now, or undefined where the platform cannot tell. */
  residentBytes(): number | undefined;
  /** Idempotent. The caller has dropped every view of `bytes`. */
  unmap(): void;
}
