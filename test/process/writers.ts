/**
 * Connections that write without pause, and the account of what each was promised.
 *
 * Each connection numbers its operations: odd ones INCR a counter, even ones SET one of a few keys to the number.
 * So what a server holds for a connection must be exactly the state after some prefix of what it sent:
 *  - no shorter than what was acknowledged (nothing lost),
 *  - no longer than what was sent (nothing invented),
 *  - every key as that prefix leaves it (nothing out of order, nothing half done).
 */
import { type Command, ConnectionEnded, encodeCommand, RespClient } from "../support/resp-client.ts";
import { decodeReply, describe, textOf } from "../support/resp-value.ts";
import { Randomness } from "../support/seed.ts";

const SLOTS = 40;
const PIPELINE_MAX = 24;

export interface Account {
  /** Operations that a reply came for, over all connections. */
  acknowledged: number;
  sent: number;
  /** Operations that were found after the restart. */
  found: number;
}

export class Writer {
  readonly #id: number;
  readonly #random: Randomness;
  #sent = 0;
  #acknowledged = 0;

  constructor(id: number, seed: number) {
    this.#id = id;
    this.#random = new Randomness(seed);
  }

  get sent(): number {
    return this.#sent;
  }
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Writes until the connection ends or `isOver` answers true. Throws at a reply that cannot be. */
  async write(port: number, acknowledged: () => void, isOver: () => boolean = () => false): Promise<void> {
    const client = await RespClient.connect({ port });
    try {
      while (!isOver()) {
        const batch = Array.from({ length: this.#random.between(1, PIPELINE_MAX) }, () => ++this.#sent);
        client.write(Buffer.concat(batch.map((number) => encodeCommand(this.#command(number)))));
        const replies = batch.map(async (number) => {
          this.#settle(number, await client.reply());
          acknowledged();
        });
        const results = await Promise.allSettled(replies);
        for (const result of results) if (result.status === "rejected") throw result.reason;
      }
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error;
    } finally {
      await client.close();
    }
  }

  /** Compares what the server holds with what was sent and acknowledged; answers how much of it was found. */
  async verify(client: RespClient): Promise<number> {
    const found = await this.check(client, this.#acknowledged);
    this.#sent = found;
    this.#acknowledged = found;
    return found;
  }

  /** As `verify` for a server that holds a copy: at least the first `least` operations have to be there. */
  async check(client: RespClient, least: number): Promise<number> {
    const keys = [this.#counter, ...Array.from({ length: SLOTS }, (_, slot) => this.#slot(slot * 2))];
    const [count = 0, ...slots] = (await client.pipeline(keys.map((key) => ["GET", key]))).map((raw) => {
      const value = decodeReply(raw);
      return value.kind === "null" ? 0 : Number(textOf(value));
    });
    const increments = 2 * count;
    // The counter tells the last increment; whether the SET after it happened, only that SET can tell.
    const found = slots[count % SLOTS] === increments ? increments : Math.max(0, increments - 1);
    if (found < least) {
      throw new Error(`connection ${this.#id}: ${least} were acknowledged, ${found} are there`);
    }
    if (found > this.#sent)
      throw new Error(`connection ${this.#id}: ${this.#sent} were sent, ${found} are there`);
    for (let slot = 0; slot < SLOTS; slot++) {
      const expected = lastNumberIn(slot, found);
      if (slots[slot] === expected) continue;
      throw new Error(`connection ${this.#id}: ${this.#slot(slot * 2)} is ${slots[slot]}, not ${expected}`);
    }
    return found;
  }

  #command(number: number): Command {
    return number % 2 === 1 ? ["INCR", this.#counter] : ["SET", this.#slot(number), String(number)];
  }

  #settle(number: number, reply: Buffer): void {
    const value = decodeReply(reply);
    const wanted =
      number % 2 === 1 ? `{"kind":"integer","value":"${(number + 1) / 2}"}` : '{"kind":"text","text":"OK"}';
    if (describe(value) !== wanted) {
      throw new Error(
        `connection ${this.#id}, operation ${number}: expected ${wanted}, found ${describe(value)}`,
      );
    }
    this.#acknowledged = number;
  }

  get #counter(): string {
    return `count:${this.#id}`;
  }
  #slot(number: number): string {
    return `slot:${this.#id}:${(number / 2) % SLOTS}`;
  }
}

/** The last even number up to `upTo` that was set in the slot; 0 if there was none. */
function lastNumberIn(slot: number, upTo: number): number {
  const sets = Math.floor(upTo / 2);
  const back = (((sets - slot) % SLOTS) + SLOTS) % SLOTS;
  return Math.max(0, sets - back) * 2;
}

export class Writers {
  readonly #writers: readonly Writer[];

  constructor(count: number, random: Randomness) {
    this.#writers = Array.from({ length: count }, (_, id) => new Writer(id, random.fork()));
  }

  /** Writes until the server goes away; `end` is called once, when `enough` operations were acknowledged. */
  async writeUntil(port: number, enough: number, end: () => void): Promise<void> {
    let acknowledged = 0;
    await Promise.all(
      this.#writers.map((writer) =>
        writer.write(port, () => {
          if (++acknowledged === enough) end();
        }),
      ),
    );
  }

  /** Writes while `isOn` answers true. */
  async writeWhile(port: number, isOn: () => boolean): Promise<void> {
    await Promise.all(
      this.#writers.map((writer) =>
        writer.write(
          port,
          () => {},
          () => !isOn(),
        ),
      ),
    );
  }

  /** What each connection was promised by now. */
  acknowledged(): readonly number[] {
    return this.#writers.map((writer) => writer.acknowledged);
  }

  /** A copy holds at least so much of each connection, and the state after a prefix of what it sent; answers how much. */
  async checkCopy(port: number, least: readonly number[]): Promise<number> {
    const client = await RespClient.connect({ port });
    try {
      let found = 0;
      for (const [i, writer] of this.#writers.entries()) found += await writer.check(client, least[i]!);
      return found;
    } finally {
      await client.close();
    }
  }

  account(): Account {
    const total = (of: (writer: Writer) => number): number =>
      this.#writers.reduce((sum, writer) => sum + of(writer), 0);
    return {
      acknowledged: total((writer) => writer.acknowledged),
      sent: total((writer) => writer.sent),
      found: 0,
    };
  }

  /** Throws if anything acknowledged is lost or anything was invented. */
  async verify(port: number): Promise<Account> {
    const account = this.account();
    const client = await RespClient.connect({ port });
    try {
      for (const writer of this.#writers) account.found += await writer.verify(client);
    } finally {
      await client.close();
    }
    return account;
  }
}
