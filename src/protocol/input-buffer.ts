/**
 * The bytes of one connection that are not consumed yet: a range of somebody else's buffer, or a buffer of its own.
 *
 * Invariants: [start, end) of `bytes` is everything unread, and the range that is lent is looked at only until
 * `retain`; own memory exists only while something is unread (or, up to KEPT_BYTES_MAX, for one turn longer).
 *
 * Linear cost and bounded memory: own capacity doubles, so a byte is moved a constant number of times, and never
 * goes past `announced` when that is known, so a large argument ends in a buffer of its own size. Nothing is
 * reserved because a header promised it: capacity follows bytes that have arrived.
 */
const EMPTY = new Uint8Array(0);
const CAPACITY_MIN = 1024;
/** Drained memory above this is released at once. */
const KEPT_BYTES_MAX = 16 * 1024;
/** Room past what was announced, so that the start of the next request does not double a large buffer. */
const SLACK_BYTES = 64 * 1024;
/** Own memory above this is exchanged for a smaller piece when almost all of it has been consumed. */
const SHRINK_ABOVE_BYTES = 1024 * 1024;

export class InputBuffer {
  bytes: Uint8Array = EMPTY;
  /** Where the unread bytes begin; the reader moves it forward. */
  start = 0;
  end = 0;
  #own: Uint8Array = EMPTY;

  /** Bytes of own memory, used or not. */
  get capacity(): number {
    return this.#own.length;
  }

  /**
   * Adds a range that stays valid until `retain`. In place if nothing else is unread, else by copying.
   * `announced` is the length that the unread bytes are known to reach, or 0. Returns by how much the offsets
   * of unread bytes changed (their new offset is the old one plus the answer).
   */
  offer(bytes: Uint8Array, offset: number, length: number, announced: number): number {
    if (this.start === this.end) {
      const moved = offset - this.start;
      this.bytes = bytes;
      this.start = offset;
      this.end = offset + length;
      return moved;
    }
    if (bytes === this.bytes && offset === this.end) {
      this.end += length;
      return 0;
    }
    const moved = this.#makeOwn(length, announced);
    this.#own.set(bytes.subarray(offset, offset + length), this.end);
    this.end += length;
    return moved;
  }

  /** Ends a turn: afterwards no lent buffer is referenced. Returns by how much offsets of unread bytes changed. */
  retain(announced: number): number {
    const lent = this.bytes !== this.#own;
    const unread = this.end - this.start;
    if (unread === 0) {
      // Kept when it was used in this turn, released when it was not: an idle connection holds nothing.
      if (lent || this.#own.length > KEPT_BYTES_MAX) this.#own = EMPTY;
      this.bytes = this.#own;
      const moved = -this.start;
      this.start = 0;
      this.end = 0;
      return moved;
    }
    if (lent) return this.#makeOwn(0, announced);
    if (this.#own.length > SHRINK_ABOVE_BYTES && unread < this.#own.length / 8)
      return this.#moveTo(unread * 2);
    return 0;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#own = EMPTY;
    this.start = 0;
    this.end = 0;
  }

  /** Moves what is unread into own memory with room for `extra` more bytes behind it. */
  #makeOwn(extra: number, announced: number): number {
    const unread = this.end - this.start;
    const needed = unread + extra;
    const own = this.#own;
    const lent = this.bytes !== own;
    if (!lent && this.end + extra <= own.length) return 0;
    // Sliding down pays only if what it frees is at least what it moves; otherwise many slides add up.
    const worthKeeping = own.length <= SHRINK_ABOVE_BYTES || needed >= own.length / 8;
    if (needed <= own.length && (lent ? worthKeeping : this.start >= unread)) {
      own.set(this.bytes.subarray(this.start, this.end), 0);
      return this.#relocate(own);
    }
    let capacity = Math.max(needed, lent ? 0 : own.length * 2, CAPACITY_MIN);
    if (announced > 0)
      capacity = Math.max(needed, Math.min(capacity, announced + Math.max(SLACK_BYTES, extra)));
    return this.#moveTo(capacity);
  }

  #moveTo(capacity: number): number {
    const own = new Uint8Array(capacity);
    own.set(this.bytes.subarray(this.start, this.end), 0);
    return this.#relocate(own);
  }

  #relocate(own: Uint8Array): number {
    const moved = -this.start;
    this.#own = own;
    this.bytes = own;
    this.end += moved;
    this.start = 0;
    return moved;
  }
}
