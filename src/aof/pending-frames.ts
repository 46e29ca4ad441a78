/**
 * The effects that are not yet written: the frame that is being filled and the frames that wait.
 *
 * Invariants: `waiting` is in order of LSN, sealed, owns its bytes, and ends where `open` begins; at most SPARE_MAX
 * empty buffers are kept for reuse.
 */
import { EffectBuffer } from "./effect-buffer.ts";

const SPARE_MAX = 2;

/** A frame that is still being filled is closed at this size, so that no buffer has to grow without end. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export class PendingFrames {
  /** Takes the effects of the present turn, and of earlier ones that could not be written yet. */
  open: EffectBuffer;
  readonly #waiting: EffectBuffer[] = [];
  readonly #spare: EffectBuffer[] = [];
  #timeMs = 0;

  constructor(firstLsn: number) {
    this.open = new EffectBuffer(firstLsn);
  }

  get waiting(): readonly EffectBuffer[] {
    return this.#waiting;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.open.isEmpty;
  }

  /** The LSN of the oldest effect here, or the one that the next effect will get. */
  get firstLsn(): number {
    return this.#waiting[0]?.firstLsn ?? this.open.firstLsn;
  }

  get payloadBytes(): number {
    let sum = this.open.payloadBytes;
    for (let i = 0; i < this.#waiting.length; i++) sum += this.#waiting[i]!.payloadBytes;
    return sum;
  }

  /** The turn is over. The open frame's time is that of its last turn: no effect in it is younger. */
  endTurn(nowMs: number): void {
    this.open.endTurn();
    this.#timeMs = nowMs;
  }

  /** The turn's effects stay: copies what they have in foreign memory, and closes a frame that has grown large. */
  keep(durableLsn: number): void {
    this.open.own();
    if (this.open.payloadBytes >= FRAME_BYTES_MAX) this.#waiting.push(this.takeOpen(durableLsn));
  }

  /** Seals the open frame and puts an empty one in its place. */
  takeOpen(durableLsn: number): EffectBuffer {
    this.open.endTurn();
    this.open.own();
    this.open.seal(this.#timeMs, durableLsn);
    return this.#replaceOpen();
  }

  /** The open frame was sealed and could not be written: it waits. */
  keepSealed(): void {
    this.open.own();
    this.#waiting.push(this.#replaceOpen());
  }

  /** The oldest frame, sealed; the caller recycles it or puts it back. undefined if there is none. */
  take(durableLsn: number): EffectBuffer | undefined {
    const frame = this.#waiting.shift();
    if (frame !== undefined) return frame;
    return this.open.isEmpty ? undefined : this.takeOpen(durableLsn);
  }

  /** Makes a sealed frame, which must own its bytes, the oldest one again. */
  putBack(frame: EffectBuffer): void {
    this.#waiting.unshift(frame);
  }

  /** Makes all effects wait as sealed frames. */
  sealAll(durableLsn: number): void {
    if (!this.open.isEmpty) this.#waiting.push(this.takeOpen(durableLsn));
  }

  /** Hands all effects to `write`, as sealed frames in order. What it throws leaves the rest here, with that frame. */
  drain(durableLsn: number, write: (frame: EffectBuffer) => void): void {
    for (let frame = this.take(durableLsn); frame !== undefined; frame = this.take(durableLsn)) {
      try {
        write(frame);
      } catch (error) {
        this.putBack(frame);
        throw error;
      }
      this.recycle(frame);
    }
  }

  recycle(frame: EffectBuffer): void {
    frame.reset(0);
    if (this.#spare.length < SPARE_MAX) this.#spare.push(frame);
  }

  /** Forgets the frames that hold nothing above `lsn`. */
  dropThrough(lsn: number): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].nextLsn - 1 <= lsn)
      this.recycle(this.#waiting.shift()!);
  }

  /** Forgets everything; returns the last LSN that is forgotten. */
  dropAll(): number {
    const last = this.open.nextLsn - 1;
    this.#waiting.length = 0;
    this.open.reset(last + 1);
    return last;
  }

  #replaceOpen(): EffectBuffer {
    const frame = this.open;
    this.open = this.#spare.pop() ?? new EffectBuffer(frame.nextLsn);
    this.open.reset(frame.nextLsn);
    return frame;
  }
}
