/** The process that the program runs in: its memory, its processor time, its identity. */
export interface Runtime {
  readonly processId: number;
  readonly nodeVersion: string;
  /** Bytes of memory of the machine (or of the container's limit, where that is known). */
  readonly systemMemoryBytes: number;
  /** Bytes; `residentBytes` costs a system call and some tens of microseconds, so ask once per tick, not per command. */
  memory(): RuntimeMemory;
  /** Bytes of the JavaScript heap in use, cheaply. */
  heapUsedBytes(): number;
  /** User and system time of the process since its start, microseconds. */
  processorTime(): { readonly userMicroseconds: number; readonly systemMicroseconds: number };
  /** Forces a full garbage collection; answers its milliseconds, or undefined where the runtime does not offer it. */
  collectGarbage(): number | undefined;
  /** Blocks the whole process; for DEBUG SLEEP only. */
  blockMs(ms: number): void;
}

export interface RuntimeMemory {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  readonly arrayBuffersBytes: number;
}
