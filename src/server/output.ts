/**
 * Replies of one turn for one transport: arenas of bytes and a table of (slot, offset, length).
 *
 * Invariants: the bytes written since `select` belong to the selected slot; per slot the table keeps the order
 * of writing; nothing is handed to the transport before the owner says so (`takeInto`), so that no reply can
 * precede the append of its effects to the log.
 *
 * Hot-path file: selecting, writing and sealing allocate nothing; an arena is allocated only when a turn
 * produces more than ever before, and goes back to a bounded pool when its batch has left.
 */
import { assert } from "../base/assert.ts";
import { OUTPUT_STRIDE, type OutputBatch } from "../ports/transport.ts";
import type { OutputSpace } from "../protocol/reply-writer.ts";

const ARENA_BYTES = 256 * 1024;
const ENTRIES_MIN = 1024;
const POOLED_ARENAS_MAX = 16;
/** Held turns up to this size are copied: a group of many small turns must not take an arena each. */
const SMALL_BYTES = 16 * 1024;
const SMALL_ENTRIES = 256;
const POOLED_SMALL_MAX = 64;
const NO_SLOT = -1;

export class Output implements OutputSpace {
  bytes: Uint8Array = new Uint8Array(ARENA_BYTES);
  position = 0;
  limit = ARENA_BYTES;
  #entries: Int32Array = new Int32Array(ENTRIES_MIN * OUTPUT_STRIDE);
  #count = 0;
  #slot = NO_SLOT;
  #start = 0;
  /** Bytes in the arenas of this turn that are already full. */
  #full: OutputBatch[] = [];
  #fullBytes = 0;
  #pool: OutputBatch[] = [];
  #smallPool: OutputBatch[] = [];

  /** All bytes of this turn so far; differences of it measure what a command wrote. */
  get written(): number {
    return this.#fullBytes + this.position;
  }

  get isEmpty(): boolean {
    return this.position === 0 && this.#full.length === 0;
  }

  get slot(): number {
    return this.#slot;
  }

  /** What is written from here on goes to `slot`. */
  select(slot: number): void {
    if (slot === this.#slot) return;
    this.#seal();
    this.#slot = slot;
  }

  #seal(): void {
    const length = this.position - this.#start;
    if (length === 0) return;
    assert(this.#slot !== NO_SLOT, "output written while no connection was selected");
    let at = this.#count * OUTPUT_STRIDE;
    if (at === this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    this.#entries[at++] = this.#slot;
    this.#entries[at++] = this.#start;
    this.#entries[at] = length;
    this.#count++;
    this.#start = this.position;
  }

  /** Continues in a fresh arena when the present one cannot take `needed` more bytes. */
  makeRoom(needed: number): void {
    if (this.limit - this.position >= needed) return;
    this.#seal();
    if (this.position > 0) {
      this.#full.push({ bytes: this.bytes, entries: this.#entries, count: this.#count });
      this.#fullBytes += this.position;
    } else {
      this.#recycle({ bytes: this.bytes, entries: this.#entries, count: 0 });
    }
    this.#startArena(needed);
  }

  #startArena(needed: number): void {
    const pooled = needed <= ARENA_BYTES ? this.#pool.pop() : undefined;
    this.bytes = pooled?.bytes ?? new Uint8Array(Math.max(ARENA_BYTES, needed));
    this.#entries = pooled?.entries ?? new Int32Array(ENTRIES_MIN * OUTPUT_STRIDE);
    this.limit = this.bytes.length;
    this.position = 0;
    this.#start = 0;
    this.#count = 0;
  }

  /** A batch that was parted by connection comes back with a table cut to size: that one is not used again. */
  #recycle(batch: OutputBatch): void {
    const { bytes, entries } = batch;
    if (bytes.length === SMALL_BYTES && entries.length === SMALL_ENTRIES * OUTPUT_STRIDE) {
      if (this.#smallPool.length < POOLED_SMALL_MAX) this.#smallPool.push(batch);
    } else if (bytes.length === ARENA_BYTES && entries.length >= ENTRIES_MIN * OUTPUT_STRIDE) {
      if (this.#pool.length < POOLED_ARENAS_MAX) this.#pool.push(batch);
    }
  }

  /** Hands every batch of the turn to `send`, which must be done with the buffers on return. */
  flush(send: (batch: OutputBatch) => void): void {
    this.#seal();
    this.#slot = NO_SLOT;
    if (this.#full.length > 0) this.#flushFull(send);
    if (this.position === 0) return;
    this.#scratch.bytes = this.bytes;
    this.#scratch.entries = this.#entries;
    this.#scratch.count = this.#count;
    send(this.#scratch);
    this.position = 0;
    this.#start = 0;
    this.#count = 0;
    if (this.bytes.length > ARENA_BYTES) this.#startArena(0);
  }
  readonly #scratch: OutputBatch = { bytes: this.bytes, entries: this.#entries, count: 0 };

  #flushFull(send: (batch: OutputBatch) => void): void {
    const full = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    for (const batch of full) {
      send(batch);
      this.#recycle(batch);
    }
  }

  /** Takes the turn's batches out, to be sent later; `giveBack` returns each when it has left. */
  detach(): OutputBatch[] {
    this.#seal();
    this.#slot = NO_SLOT;
    const batches = this.#full;
    this.#full = [];
    this.#fullBytes = 0;
    if (this.position === 0) return batches;
    if (this.position <= SMALL_BYTES && this.#count <= SMALL_ENTRIES) {
      batches.push(this.#copySmall());
    } else {
      batches.push({ bytes: this.bytes, entries: this.#entries, count: this.#count });
      this.#startArena(0);
    }
    return batches;
  }

  #copySmall(): OutputBatch {
    const batch = this.#smallPool.pop() ?? {
      bytes: new Uint8Array(SMALL_BYTES),
      entries: new Int32Array(SMALL_ENTRIES * OUTPUT_STRIDE),
      count: 0,
    };
    batch.bytes.set(this.bytes.subarray(0, this.position));
    batch.entries.set(this.#entries.subarray(0, this.#count * OUTPUT_STRIDE));
    batch.count = this.#count;
    this.position = 0;
    this.#start = 0;
    this.#count = 0;
    return batch;
  }

  giveBack(batch: OutputBatch): void {
    this.#recycle(batch);
  }
}
