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
 * A log that has failed is the exception: nobody knows for how long, so those who do not wait themselves read on
 * beside the queue (FrontEnd).
 */
import { OUTPUT_STRIDE, type OutputBatch, type Transport } from "../ports/transport.ts";
import type { Output } from "./output.ts";

/** What follows the replies of a slot: closing it, giving it back, asking for its `drained` event. */
export interface Afterward {
  readonly slot: number;
  readonly run: () => void;
}

export interface HeldTurn {
  readonly lsn: number;
  readonly transport: Transport;
  readonly output: Output;
  readonly batches: readonly OutputBatch[];
  readonly afterwards: readonly Afterward[];
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

  /** Keeps replies, detached from `output`, until `release(lsn)` or later is called. */
  hold(
    lsn: number,
    transport: Transport,
    output: Output,
    batches: readonly OutputBatch[],
    afterwards: readonly Afterward[],
  ): void {
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
      for (const { run } of held.afterwards) run();
      sent++;
    }
    if (sent > 0) this.#held = this.#held.slice(sent);
  }

  /** The slots of a transport that have something here: what comes next for them must wait behind it. */
  slotsWaiting(transport: Transport): Set<number> {
    const slots = new Set<number>();
    for (const held of this.#held) {
      if (held.transport !== transport) continue;
      for (const batch of held.batches) {
        for (let i = 0; i < batch.count; i++) slots.add(batch.entries[i * OUTPUT_STRIDE]!);
      }
      for (const { slot } of held.afterwards) slots.add(slot);
    }
    return slots;
  }
}
