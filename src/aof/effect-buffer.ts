/**
 * Collects the effects of a turn and makes one frame of them.
 *
 * Invariants:
 *  - `bytes[HEADER_BYTES_MAX, #length)` is payload that the buffer owns; before it is room for the header;
 *  - an external range belongs between the owned bytes before and after its `at`; the source keeps it unchanged
 *    until the end of the turn, and `own` copies it if the frame outlives the turn;
 *  - `#source[#sourceStart, #sourceEnd)` is the open range: effects that arrived side by side and are copied as one;
 *  - every frame begins with SELECT, so that any frame can be read, copied or dropped without its neighbours.
 *
 * Hot-path file: appending an effect allocates nothing (amortised over the growth of the buffer), a frame
 * allocates one view per piece for its checksum. Ranges of EXTERNAL_BYTES_MIN and more are not copied at all
 * when the frame is written within its turn: an argument of 512 MB costs no second 512 MB.
 */
import { assert } from "../base/assert.ts";
import { copyBytes, integerTextLength, writeInteger } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { HEADER_BYTES_MAX, KIND_EFFECTS, writeFrameHeader } from "./frame-format.ts";

/** From here on a range is written from where it lies: one more write costs less than the copy. */
export const EXTERNAL_BYTES_MIN = 256 * 1024;

const INITIAL_BYTES = 64 * 1024;
/** A buffer that has grown beyond this gives its memory back after the frame. */
const KEPT_BYTES_MAX = 1024 * 1024;

const NO_SOURCE = new Uint8Array(0);
const MULTI = Buffer.from("*1\r\n$5\r\nMULTI\r\n");
const EXEC = Buffer.from("*1\r\n$4\r\nEXEC\r\n");
const SELECT = Buffer.from("*2\r\n$6\r\nSELECT\r\n");

interface ExternalRange {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** True if the bytes are this buffer's own copy. */
  readonly owned: boolean;
}

/** Called for each piece of a sealed frame, in order. */
export type PieceSink = (bytes: Uint8Array, offset: number, length: number) => void;

export class EffectBuffer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = HEADER_BYTES_MAX;
  #headerStart = HEADER_BYTES_MAX;
  #sealed = false;
  #padded = false;
  #timeMs = 0;
  #durableLsn = 0;
  #kind = KIND_EFFECTS;
  #payloadCrc = 0;
  #firstLsn: number;
  #effects = 0;
  #db = -1;
  #source: Uint8Array = NO_SOURCE;
  #sourceStart = 0;
  #sourceEnd = 0;
  #unitDepth = 0;
  #unitWritten = false;
  #argumentsLeft = 0;
  #external: ExternalRange[] = [];
  #externalBytes = 0;

  constructor(firstLsn: number) {
    this.#firstLsn = firstLsn;
  }

  get firstLsn(): number {
    return this.#firstLsn;
  }

  /** The LSN that the next effect will get. */
  get nextLsn(): number {
    return this.#firstLsn + this.#effects;
  }

  get isEmpty(): boolean {
    return this.#effects === 0;
  }

  /** Bytes of payload so far. */
  get payloadBytes(): number {
    return this.#length - HEADER_BYTES_MAX + (this.#sourceEnd - this.#sourceStart) + this.#externalBytes;
  }

  /** Bytes of the sealed frame, its header included. */
  get frameBytes(): number {
    return this.#length - this.#headerStart + this.#externalBytes;
  }

  /** Memory held, for accounting. */
  get heldBytes(): number {
    return this.#bytes.length + this.#externalBytes;
  }

  /**
   * The raw request [start, end) of `bytes` is the effect: a RESP array of bulk strings with CR LF line ends.
   * The range must stay unchanged until the end of the turn; it is copied then at the latest.
   */
  appendVerbatim(db: number, bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#source && start === this.#sourceEnd && db === this.#db) this.#sourceEnd = end;
    else this.#openRange(db, bytes, start, end);
    this.#effects++;
  }

  /** Begins an effect of `argc` arguments (1 or more), which follow through `argument…`, then `end`. */
  begin(db: number, argc: number): void {
    assert(this.#argumentsLeft === 0 && argc > 0, "an effect begins within another, or has no arguments");
    this.#prepare(db);
    this.#reserve(24);
    this.#writeCount(42, argc);
    this.#argumentsLeft = argc;
  }

  /** One argument; the range is copied at once. */
  argument(bytes: Uint8Array, offset: number, length: number): void {
    this.#reserve(length + 32);
    this.#writeCount(36, length);
    copyBytes(this.#bytes, this.#length, bytes, offset, length);
    this.#length += length;
    this.#finishArgument();
  }

  /** One argument, each character of which is one byte (U+0000 to U+00FF). */
  argumentText(latin1: string): void {
    const length = latin1.length;
    this.#reserve(length + 32);
    this.#writeCount(36, length);
    for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = latin1.charCodeAt(i);
    this.#length += length;
    this.#finishArgument();
  }

  /** One argument: a safe integer as decimal text. */
  argumentInteger(value: number): void {
    this.#reserve(64);
    // The length in front has one or two digits and is known last: the text is written further on and moved.
    const digits = writeInteger(this.#bytes, this.#length + 8, value);
    const text = this.#length + 8;
    this.#writeCount(36, digits);
    for (let i = 0; i < digits; i++) this.#bytes[this.#length + i] = this.#bytes[text + i]!;
    this.#length += digits;
    this.#finishArgument();
  }

  /** Ends the effect; it has its LSN now. */
  end(): void {
    assert(this.#argumentsLeft === 0, "an effect ends before its last argument");
    this.#effects++;
  }

  /** What follows until `endUnit` is one unit: MULTI … EXEC, never split. Units nest; the outermost counts. */
  beginUnit(): void {
    this.#unitDepth++;
    if (this.#unitDepth === 1) this.#closeRange();
  }

  endUnit(): void {
    assert(this.#unitDepth > 0, "a unit ends that has not begun");
    this.#unitDepth--;
    if (this.#unitDepth > 0 || !this.#unitWritten) return;
    this.#closeRange();
    this.#append(EXEC);
    this.#unitWritten = false;
  }

  /**
   * The turn is over: what lies in foreign memory is copied now, unless it is large. Call `own` too if the frame
   * is not written before control returns to the event loop.
   */
  endTurn(): void {
    assert(this.#unitDepth === 0 && this.#argumentsLeft === 0, "the turn ends within a unit or an effect");
    this.#closeRange();
  }

  /** Copies the large ranges, so that the frame no longer depends on foreign memory. */
  own(): void {
    for (let i = 0; i < this.#external.length; i++) {
      const range = this.#external[i]!;
      if (range.owned) continue;
      const bytes = range.bytes.slice(range.start, range.end);
      this.#external[i] = { at: range.at, bytes, start: 0, end: bytes.length, owned: true };
    }
  }

  /** Completes the frame. Nothing can be appended until `reset`. An empty buffer gives an empty frame. */
  seal(timeMs: number, durableLsn: number, kind: number = KIND_EFFECTS): void {
    assert(!this.#sealed, "a frame is sealed twice");
    this.#kind = kind;
    this.#closeRange();
    this.#sealed = true;
    this.#headerStart = HEADER_BYTES_MAX;
    this.#payloadCrc = this.#checksum();
    this.#timeMs = timeMs > 0 ? Math.floor(timeMs) : 0;
    this.#durableLsn = durableLsn;
    this.#writeHeader();
  }

  /** Makes the length of the sealed frame even, by a blank in its header. */
  pad(): void {
    if (this.frameBytes % 2 === 0) return;
    assert(this.#sealed && !this.#padded, "a frame is padded before it is sealed, or in vain");
    this.#padded = true;
    this.#writeHeader();
  }

  #writeHeader(): void {
    const payload = this.#length - HEADER_BYTES_MAX + this.#externalBytes;
    const b = this.#bytes;
    const size = writeFrameHeader(
      b,
      0,
      this.#kind,
      this.#firstLsn,
      this.#effects,
      payload,
      this.#timeMs,
      this.#durableLsn,
      this.#payloadCrc,
      this.#padded,
    );
    // The header goes right in front of the payload, so that the common frame is one contiguous write.
    this.#headerStart = HEADER_BYTES_MAX - size;
    b.copyWithin(this.#headerStart, 0, size);
  }

  #checksum(): number {
    if (this.#external.length === 0)
      return crc32(this.#bytes, HEADER_BYTES_MAX, this.#length - HEADER_BYTES_MAX);
    let crc = 0;
    // The header's place is still empty, so the pieces are the payload.
    this.forEachPiece((bytes, offset, length) => {
      crc = crc32(bytes, offset, length, crc);
    });
    return crc;
  }

  /** Hands the frame's bytes to `sink`, in order. They are valid until `reset`. */
  forEachPiece(sink: PieceSink): void {
    let position = this.#headerStart;
    for (let i = 0; i < this.#external.length; i++) {
      const range = this.#external[i]!;
      if (range.at > position) sink(this.#bytes, position, range.at - position);
      sink(range.bytes, range.start, range.end - range.start);
      position = range.at;
    }
    if (this.#length > position) sink(this.#bytes, position, this.#length - position);
  }

  /** Empties the buffer for the frame that begins at `firstLsn` and gives back memory beyond 1 MiB. */
  reset(firstLsn: number): void {
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(INITIAL_BYTES);
    this.#length = HEADER_BYTES_MAX;
    this.#headerStart = HEADER_BYTES_MAX;
    this.#sealed = false;
    this.#padded = false;
    this.#firstLsn = firstLsn;
    this.#effects = 0;
    this.#db = -1;
    this.#source = NO_SOURCE;
    this.#sourceStart = this.#sourceEnd = 0;
    if (this.#external.length > 0) this.#external = [];
    this.#externalBytes = 0;
  }

  #openRange(db: number, bytes: Uint8Array, start: number, end: number): void {
    this.#prepare(db);
    this.#source = bytes;
    this.#sourceStart = start;
    this.#sourceEnd = end;
  }

  /** Ends the open range and writes what must come before an effect in `db`: SELECT, and MULTI in a fresh unit. */
  #prepare(db: number): void {
    assert(!this.#sealed, "an effect is appended to a sealed frame");
    this.#closeRange();
    if (db !== this.#db) {
      this.#append(SELECT);
      this.#reserve(64);
      this.#db = db;
      this.#writeCount(36, integerTextLength(db));
      this.#length += writeInteger(this.#bytes, this.#length, db);
      this.#writeLineEnd();
    }
    if (this.#unitDepth > 0 && !this.#unitWritten) {
      this.#append(MULTI);
      this.#unitWritten = true;
    }
  }

  #closeRange(): void {
    const length = this.#sourceEnd - this.#sourceStart;
    if (length === 0) return;
    if (length >= EXTERNAL_BYTES_MIN) {
      this.#external.push({
        at: this.#length,
        bytes: this.#source,
        start: this.#sourceStart,
        end: this.#sourceEnd,
        owned: false,
      });
      this.#externalBytes += length;
    } else {
      this.#reserve(length);
      copyBytes(this.#bytes, this.#length, this.#source, this.#sourceStart, length);
      this.#length += length;
    }
    this.#source = NO_SOURCE;
    this.#sourceStart = this.#sourceEnd = 0;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    copyBytes(this.#bytes, this.#length, bytes, 0, bytes.length);
    this.#length += bytes.length;
  }

  /** `*count` or `$count` and a line end; the caller has reserved the room. */
  #writeCount(mark: number, count: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = mark;
    if (count < 10) bytes[at++] = 48 + count;
    else if (count < 100) {
      const tens = (count / 10) | 0;
      bytes[at++] = 48 + tens;
      bytes[at++] = 48 + count - tens * 10;
    } else at += writeInteger(bytes, at, count);
    bytes[at++] = 13;
    bytes[at++] = 10;
    this.#length = at;
  }

  #writeLineEnd(): void {
    this.#bytes[this.#length++] = 13;
    this.#bytes[this.#length++] = 10;
  }

  #finishArgument(): void {
    assert(this.#argumentsLeft > 0, "an effect has more arguments than announced");
    this.#argumentsLeft--;
    this.#writeLineEnd();
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
