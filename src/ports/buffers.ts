/**
 * Large, long-lived memory outside of the JavaScript heap.
 *
 * A port and not `new ArrayBuffer`, because where memory comes from decides its speed: a key's record is met at
 * random among gigabytes, and with pages of 4 KiB each such access also waits for the page table.
 */
export interface Buffers {
  readonly kind: string;
  /**
   * Exactly `bytes` zeroed bytes, 8-byte aligned at least. Throws a RangeError if there is no memory. With `bySteps` it
   * will be used from its front on, and `filled` follows once all is in use: until then the rest should cost nothing.
   */
  allocate(bytes: number, bySteps?: boolean): ArrayBuffer;
  /** All of the buffer is in use; harmless for any, and any number of times. */
  filled(buffer: ArrayBuffer): void;
  /** Gives the memory back now if the platform can; the buffer is detached then. Every view of it must be gone. */
  release(buffer: ArrayBuffer): void;
}

/** Memory from the JavaScript engine, given back when its collector finds it. */
export const heapBuffers: Buffers = {
  kind: "heap",
  allocate: (bytes) => new ArrayBuffer(bytes),
  filled() {},
  release() {},
};
