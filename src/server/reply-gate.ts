/**
 * Holds the replies of turns whose effects may not be acknowledged yet.
 *
 * Invariants: batches leave in the order in which they were held, each not before the log's acknowledged LSN
 * has reached the LSN of its turn; so no reply precedes the durability that the policy promises, and no
 * reader learns of a write that a crash could still take back. What must follow the replies (closing a
 * connection, giving its slot back) is held with them, so a held batch never meets a reused slot.
 *
 * A queue of whole turns rather than per connection: turns become durable in order, so there is nothing that
 * a finer queue would let out earlier but replies of commands that ran after the write they would overtake.
 */
import { OUTPUT_STRIDE, type OutputBatch, type Transport } from "../ports/transport.ts";
import type { Output } from "./output.ts";

export interface HeldTurn {
  readonly lsn: number;
  readonly transport: Transport;
  readonly output: Output;
  readonly batches: readonly OutputBatch[];
  readonly afterwards: readonly (() => void)[];
}

export class ReplyGate {
  #held: HeldTurn[] = [];
  #heldBytes = 0;

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Bytes of replies that wait; part of the memory that counts against the cap. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Keeps the present turn's replies until `release(lsn)` or later is called. */
  hold(lsn: number, transport: Transport, output: Output, afterwards: readonly (() => void)[]): void {
    const batches = output.detach();
    if (batches.length === 0 && afterwards.length === 0) return;
    for (const batch of batches) this.#heldBytes += batch.bytes.length;
    this.#held.push({ lsn, transport, output, batches, afterwards });
  }

  /** Sends what may leave now that everything up to `acknowledgedLsn` is acknowledged. */
  release(acknowledgedLsn: number): void {
    let sent = 0;
    while (sent < this.#held.length) {
      const held = this.#held[sent]!;
      if (held.lsn > acknowledgedLsn) break;
      for (const batch of held.batches) {
        held.transport.send(batch);
        this.#heldBytes -= batch.bytes.length;
        held.output.giveBack(batch);
      }
      for (const run of held.afterwards) run();
      sent++;
    }
    if (sent > 0) this.#held = this.#held.slice(sent);
  }

  /** Names every slot whose replies wait. */
  forEachWaiting(visit: (transport: Transport, slot: number) => void): void {
    for (const held of this.#held) {
      for (const batch of held.batches) {
        for (let i = 0; i < batch.count; i++) visit(held.transport, batch.entries[i * OUTPUT_STRIDE]!);
      }
    }
  }
}
