/**
 * The times of hash fields, kept until the HSET that makes the fields is complete: commands do not nest.
 *
 * Invariant: at most as many fields as a command has; their bytes are copies. Neighbours with the same time share a command.
 *
 * `HPEXPIREAT` is a command of Redis 7.4: a base with such fields is loaded by that or later.
 */
import { copyBytes } from "../base/bytes.ts";
import type { CommandSink } from "./base-commands.ts";

const KEPT_BYTES_MAX = 256 * 1024;

export class FieldTimes {
  #bytes = new Uint8Array(1024);
  #length = 0;
  readonly #ends: number[] = [];
  readonly #times: number[] = [];

  add(bytes: Uint8Array, offset: number, length: number, expiryMs: number): void {
    const end = this.#length + length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(end * 2);
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    copyBytes(this.#bytes, this.#length, bytes, offset, length);
    this.#length = end;
    this.#ends.push(end);
    this.#times.push(expiryMs);
  }

  /** Writes the commands that give the fields of this key their times, and forgets them. */
  flush(out: CommandSink, db: number, key: Uint8Array, keyLength: number): void {
    const count = this.#times.length;
    for (let first = 0; first < count; ) {
      let end = first + 1;
      while (end < count && this.#times[end] === this.#times[first]) end++;
      out.begin(db, 5 + end - first);
      out.argumentText("HPEXPIREAT");
      out.argument(key, 0, keyLength);
      out.argumentInteger(this.#times[first]!);
      out.argumentText("FIELDS");
      out.argumentInteger(end - first);
      for (let i = first; i < end; i++) {
        const start = i === 0 ? 0 : this.#ends[i - 1]!;
        out.argument(this.#bytes, start, this.#ends[i]! - start);
      }
      out.end();
      first = end;
    }
    if (count === 0) return;
    this.#ends.length = this.#times.length = this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(1024);
  }
}
