/**
 * Where replies are written: a stretch of memory with a way to get more.
 *
 * Invariant: position <= limit <= bytes.length, and bytes before `position` are final. The server implements it
 * over a chain of arenas (`makeRoom` may put another array into `bytes`); GrowingOutput is the single buffer
 * that the library, the AOF tools and tests use. An interface rather than a buffer, so that a large reply can
 * leave one arena and go on in the next.
 */
export interface OutputSpace {
  bytes: Uint8Array;
  /** Where the next byte goes. */
  position: number;
  /** One past the last byte that may be written. */
  limit: number;
  /** Makes `limit - position >= needed`, possibly by switching `bytes`. `needed` is at most ROOM_BYTES_MAX. */
  makeRoom(needed: number): void;
}

/** The most that the reply writer asks for at once; an arena must be at least this large. */
export const ROOM_BYTES_MAX = 8192;

/** One buffer that doubles when it is full: everything written since the last `clear` is [0, position). */
export class GrowingOutput implements OutputSpace {
  bytes: Uint8Array;
  position = 0;
  limit: number;

  constructor(capacityBytes = 1024) {
    this.bytes = new Uint8Array(capacityBytes);
    this.limit = capacityBytes;
  }

  makeRoom(needed: number): void {
    if (this.limit - this.position >= needed) return;
    const bytes = new Uint8Array(Math.max(this.position + needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.position));
    this.bytes = bytes;
    this.limit = bytes.length;
  }

  /** What was written; a view, valid until the next write or `clear`. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }

  /** Forgets what was written; keeps at most `keepBytes` of memory. */
  clear(keepBytes = 64 * 1024): void {
    this.position = 0;
    if (this.bytes.length <= keepBytes) return;
    this.bytes = new Uint8Array(keepBytes);
    this.limit = keepBytes;
  }
}
