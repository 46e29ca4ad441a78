/**
 * Requests with bytes of their own, one behind the other: what MULTI queues until EXEC.
 *
 * Invariants: a request is copied when it is added and unchanged afterwards; `clear` gives large memory back.
 *
 * One buffer for all of them and not a Request each: a queued command costs the bytes of its arguments and twelve more for
 * each of them, and adding one allocates nothing once the buffers have grown.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Request } from "../protocol/request.ts";

const INITIAL_BYTES = 512;
const INITIAL_ARGUMENTS = 32;
/** Larger buffers are not kept for the next transaction. */
const KEPT_BYTES_MAX = 64 * 1024;
const KEPT_ARGUMENTS_MAX = 4096;
const BYTES_PER_ARGUMENT = 12;
/** Ranges are 32-bit signed. */
const QUEUE_BYTES_MAX = 2 ** 31 - 1;

export class RequestQueue {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #used = 0;
  #offsets = new Int32Array(INITIAL_ARGUMENTS);
  #lengths = new Int32Array(INITIAL_ARGUMENTS);
  #argumentCount = 0;
  /** Index of the first argument of each request, and behind the last request that of the next one. */
  #firsts = new Int32Array(INITIAL_ARGUMENTS);
  count = 0;

  /** What the requests take. */
  get sizeBytes(): number {
    return this.#used + this.#argumentCount * BYTES_PER_ARGUMENT;
  }

  /** False, with nothing added, if the requests would take more than `bytesMax` together. */
  add(request: Request, bytesMax: number): boolean {
    const { argc } = request;
    let length = 0;
    for (let i = 0; i < argc; i++) length += request.lengths[i]!;
    if (this.sizeBytes + length + argc * BYTES_PER_ARGUMENT > Math.min(bytesMax, QUEUE_BYTES_MAX))
      return false;
    this.#makeRoom(length, argc);
    for (let i = 0; i < argc; i++) {
      const size = request.lengths[i]!;
      copyBytes(this.#bytes, this.#used, request.bytes, request.offsets[i]!, size);
      this.#offsets[this.#argumentCount] = this.#used;
      this.#lengths[this.#argumentCount++] = size;
      this.#used += size;
    }
    this.#firsts[++this.count] = this.#argumentCount;
    return true;
  }

  /** Points `into` at request `index`; valid until the queue is changed. */
  load(index: number, into: Request): void {
    const first = this.#firsts[index]!;
    const argc = this.#firsts[index + 1]! - first;
    into.reserve(argc);
    into.bytes = this.#bytes;
    into.argc = argc;
    for (let i = 0; i < argc; i++) {
      into.offsets[i] = this.#offsets[first + i]!;
      into.lengths[i] = this.#lengths[first + i]!;
    }
    into.start = argc === 0 ? 0 : into.offsets[0]!;
    into.end = argc === 0 ? 0 : into.offsets[argc - 1]! + into.lengths[argc - 1]!;
    into.verbatim = false;
  }

  clear(): void {
    this.#used = 0;
    this.#argumentCount = 0;
    this.count = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(INITIAL_BYTES);
    if (this.#offsets.length > KEPT_ARGUMENTS_MAX) {
      this.#offsets = new Int32Array(INITIAL_ARGUMENTS);
      this.#lengths = new Int32Array(INITIAL_ARGUMENTS);
    }
    if (this.#firsts.length > KEPT_ARGUMENTS_MAX) this.#firsts = new Int32Array(INITIAL_ARGUMENTS);
  }

  #makeRoom(bytes: number, argc: number): void {
    const neededBytes = this.#used + bytes;
    if (neededBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(Math.max(neededBytes, this.#bytes.length * 2), QUEUE_BYTES_MAX));
      copyBytes(grown, 0, this.#bytes, 0, this.#used);
      this.#bytes = grown;
    }
    this.#offsets = withRoom(this.#offsets, this.#argumentCount + argc);
    this.#lengths = withRoom(this.#lengths, this.#argumentCount + argc);
    this.#firsts = withRoom(this.#firsts, this.count + 2);
  }
}

function withRoom(table: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= table.length) return table;
  const grown = new Int32Array(Math.max(length, table.length * 2));
  grown.set(table);
  return grown;
}
