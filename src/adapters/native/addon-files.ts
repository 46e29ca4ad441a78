/**
 * What the addon exports for files, mappings and checksums.
 *
 * Every function of `FileAddon` that answers a number answers the negated errno on failure; the classes beside
 * this file turn it into an error that knows the path. Ranges are checked by the addon (RangeError).
 */
export interface FileAddon {
  /** `mode`: 0 read, 1 append, 2 create, 3 overwrite. Answers a descriptor. */
  fileOpen(path: string, mode: number): number;
  fileClose(descriptor: number): number;
  fileSize(descriptor: number): number;
  fileAppend(descriptor: number, bytes: Uint8Array, offset: number, length: number): number;
  fileOverwrite(
    descriptor: number,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
  fileRead(descriptor: number, position: number, into: Uint8Array, offset: number, length: number): number;
  /** As `fileRead`, or FILE_NOT_RESIDENT. */
  fileReadResident(
    descriptor: number,
    position: number,
    into: Uint8Array,
    offset: number,
    length: number,
  ): number;
  fileSync(descriptor: number): number;
  fileTruncate(descriptor: number, sizeBytes: number): number;
  fileAllocate(descriptor: number, sizeBytes: number): number;
  /** A descriptor that holds an exclusive flock; -EWOULDBLOCK if it is held elsewhere. */
  fileLock(path: string): number;
  fileReplace(descriptor: number, bytes: Uint8Array, offset: number, length: number): number;

  /** These answer 0, or -EAGAIN if no thread could be started; `done` then never runs. */
  fileBeginAppend(
    descriptor: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: NativeDone,
  ): number;
  fileBeginOverwrite(
    descriptor: number,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    sync: boolean,
    done: NativeDone,
  ): number;
  /** Prepares an open file, found again by its path, for `fileBeginDirect`; 0, or why it cannot be had. */
  fileOpenDirect(descriptor: number, path: string): number;
  /** Any negative answer: nothing has begun, and `done` never runs. The bytes are copied. */
  fileBeginDirect(
    descriptor: number,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    done: NativeDone,
  ): number;
  /** The same at once, durable on return; FILE_NOT_DIRECT if it has to be done in another way. */
  fileOverwriteDirect(
    descriptor: number,
    position: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
  fileBeginRead(
    descriptor: number,
    position: number,
    into: Uint8Array,
    offset: number,
    length: number,
    done: NativeDone,
  ): number;
  fileBeginSync(descriptor: number, done: NativeDone): number;
  readonly FILE_NOT_RESIDENT: number;
  readonly FILE_NOT_DIRECT: number;
  /** Of direct writes: position and length are multiples of it. */
  readonly FILE_BLOCK_BYTES: number;

  readonly mapping: MappingAddon;

  /** `seed` is the checksum of what comes before, 0 at the start. */
  crc32c(bytes: Uint8Array, offset: number, length: number, seed: number): number;
  /** The same without processor instructions, for comparison. */
  crc32cTable(bytes: Uint8Array, offset: number, length: number, seed: number): number;
  readonly CRC32C_KERNEL: "sse4.2" | "armv8" | "table";
}

/** `result` as of the synchronous call; `inSync` is 1 if it was the sync that failed, not the write. */
export type NativeDone = (result: number, inSync: number) => void;

/** mmap-io's names. Arrays are those that `map` made; any other is a RangeError. */
export interface MappingAddon {
  /** An array over the mapping, or the negated errno. `sizeBytes` is at most MAPPING_BYTES_MAX. */
  map(
    sizeBytes: number,
    protection: number,
    flags: number,
    descriptor: number,
    offset?: number,
  ): Uint8Array | number;
  /** Detaches the array's buffer and unmaps; false if it was not mapped any more. */
  unmap(array: Uint8Array): boolean;
  advise(array: Uint8Array, offset: number, length: number, advice: number): number;
  /** [pages not in memory, pages in memory], or the negated errno. */
  incore(array: Uint8Array): [number, number] | number;
  /** 1 if every page of the range is in memory, else (or if unknown) 0. */
  resident(array: Uint8Array, offset: number, length: number): number;
  /**
   * Makes every page of the mapping present on another thread, or with `collapse` gathers those that are into large ones,
   * then calls `done` with 0 or the negated errno. False, and no call, where the system cannot.
   */
  populate(array: Uint8Array, done: (result: number) => void, collapse?: boolean): boolean;
  sync(array: Uint8Array, offset: number, length: number, blocking: boolean, invalidate: boolean): number;
  readonly PROT_NONE: number;
  readonly PROT_READ: number;
  readonly PROT_WRITE: number;
  readonly PROT_EXEC: number;
  readonly MAP_SHARED: number;
  readonly MAP_PRIVATE: number;
  readonly MAP_ANONYMOUS: number;
  /** Absent where the system has no such advice. */
  readonly MADV_HUGEPAGE?: number;
  readonly MADV_NORMAL: number;
  readonly MADV_RANDOM: number;
  readonly MADV_SEQUENTIAL: number;
  readonly MADV_WILLNEED: number;
  readonly MADV_DONTNEED: number;
  /** Absent where the system has no such advice. */
  readonly MADV_PAGEOUT?: number;
  readonly PAGESIZE: number;
  readonly MAPPING_BYTES_MAX: number;
}
