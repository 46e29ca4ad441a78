/**
 * Clients that wait for lists, on redis-server 7.0 and on Ferrite: after every command of somebody the same clients go on
 * waiting, and those that were served got the same bytes.
 *
 * Nothing here depends on time: no time-out is finite, and a step is over when the client has its reply or is listed as
 * blocked. Left out is a transaction that pushes to several keys at once, of which one client waits for two: 7.0 serves it
 * from the key that was pushed to first, 7.2 from the one it named first. FERRITE_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { RedisServer, requireRedis } from "../support/redis-server.ts";
import { type Argument, type Command, encodeCommand, type RespClient } from "../support/resp-client.ts";
import { textOf } from "../support/resp-value.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { showCommand } from "./pair.ts";

const CONNECTIONS = 5;
const STEPS = 800;
const KEYS: readonly Argument[] = ["a", "b", "c", "d"];
const skipped = requireRedis();

type Server = RedisServer | FerriteServer;

/** The connections to one server, and one more that looks at them. */
class Side {
  readonly #clients: readonly RespClient[];
  readonly #ids: readonly string[];
  readonly #control: RespClient;
  /** Who waits, and for each the reply that is still to come. */
  readonly #waiting = new Map<number, Promise<Buffer>>();

  private constructor(clients: readonly RespClient[], ids: readonly string[], control: RespClient) {
    this.#clients = clients;
    this.#ids = ids;
    this.#control = control;
  }

  static async on(server: Server): Promise<Side> {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => server.client()));
    const ids: string[] = [];
    for (const client of clients) ids.push((await client.pipeline([["CLIENT", "ID"]]))[0]!.toString());
    return new Side(clients, ids, await server.client());
  }

  waits(index: number): boolean {
    return this.#waiting.has(index);
  }

  /** Sends on a connection that does not wait; answers who waits then, and what each of the others received. */
  async step(index: number, command: Command): Promise<string[]> {
    const client = this.#clients[index]!;
    client.write(encodeCommand(command));
    const reply = client.reply();
    let replied = false;
    const settle = (): void => {
      replied = true;
    };
    // Also if the connection ends: those that wait at the end of the test get no reply.
    const done = reply.then(settle, settle);
    this.#waiting.set(index, reply);
    let blocked = await this.#blocked();
    while (!replied && !blocked.has(index)) {
      await Promise.race([done, this.#control.ask("PING")]);
      blocked = await this.#blocked();
    }
    return this.#collect(await this.#blocked());
  }

  /** CLIENT UNBLOCK by number of the connection. */
  async unblock(index: number, how: Argument): Promise<string[]> {
    await this.#control.ask("CLIENT", "UNBLOCK", this.#idOf(index), how);
    return this.#collect(await this.#blocked());
  }

  async #collect(blocked: ReadonlySet<number>): Promise<string[]> {
    const lines: string[] = [];
    for (const [index, reply] of [...this.#waiting].sort(([a], [b]) => a - b)) {
      if (blocked.has(index)) {
        lines.push(`${index} waits`);
        continue;
      }
      this.#waiting.delete(index);
      lines.push(`${index} received ${JSON.stringify((await reply).toString("latin1"))}`);
    }
    return lines;
  }

  #idOf(index: number): string {
    return this.#ids[index]!.slice(1).trim();
  }

  async #blocked(): Promise<Set<number>> {
    const blocked = new Set<number>();
    const list = textOf(await this.#control.ask("CLIENT", "LIST"));
    for (const line of list.split("\n")) {
      const index = this.#ids.findIndex((_, i) => line.startsWith(`id=${this.#idOf(i)} `));
      if (index >= 0 && / flags=[^ ]*b/.test(line)) blocked.add(index);
    }
    return blocked;
  }

  async contents(): Promise<string> {
    return contentsOf(this.#control);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients, this.#control].map((client) => client.close()));
  }
}

async function contentsOf(client: RespClient): Promise<string> {
  const replies = await client.pipeline(KEYS.map((key) => ["LRANGE", key, "0", "-1"]));
  return replies.map((reply) => reply.toString("latin1")).join();
}

function waitingCommand(random: Randomness): Command {
  const key = (): Argument => random.pick(KEYS);
  const side = (): Argument => random.pick(["LEFT", "RIGHT"]);
  return random.pick<() => Command>([
    () => [random.pick(["BLPOP", "BRPOP"]), ...random.several(3, key), "0"],
    () => ["BLMOVE", key(), key(), side(), side(), "0"],
    () => ["BRPOPLPUSH", key(), key(), "0"],
    () => {
      const keys = random.several(3, key);
      return ["BLMPOP", "0", String(keys.length), ...keys, side(), "COUNT", String(random.between(1, 3))];
    },
  ])();
}

function otherCommand(random: Randomness): Command {
  const key = (): Argument => random.pick(KEYS);
  return random.pick<() => Command>([
    () => [random.pick(["LPUSH", "RPUSH"]), key(), ...random.several(4, () => String(random.below(100)))],
    () => [random.pick(["LPUSH", "RPUSH"]), key(), ...random.several(4, () => String(random.below(100)))],
    () => ["RPOPLPUSH", key(), key()],
    () => ["LMOVE", key(), key(), "LEFT", "LEFT"],
    () => [random.pick(["LPOP", "RPOP", "LLEN"]), key()],
    () => ["RENAME", key(), key()],
    () => ["COPY", key(), key(), "REPLACE"],
    () => ["SET", key(), "a string"],
    () => ["DEL", key()],
  ])();
}

describe.skipIf(skipped !== undefined)(`waiting for lists beside redis-server (skipped: ${skipped})`, () => {
  let redis: RedisServer;
  let ferrite: FerriteServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    ferrite = await FerriteServer.start();
  });
  afterAll(async () => {
    await redis.stop();
    await ferrite.kill9();
  });

  it("serves the same clients with the same elements, and logs what they took", async () => {
    const random = new Randomness(seedOf("waiting for lists"));
    const left = await Side.on(redis);
    const right = await Side.on(ferrite);
    const told: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const index = random.below(CONNECTIONS);
      let received: [string[], string[]];
      if (left.waits(index)) {
        const how = random.pick(["TIMEOUT", "ERROR"]);
        told.push(`connection ${index} is unblocked with ${how}`);
        received = [await left.unblock(index, how), await right.unblock(index, how)];
      } else {
        const command = random.oneIn(2) ? waitingCommand(random) : otherCommand(random);
        told.push(`connection ${index}: ${showCommand(command)}`);
        received = await Promise.all([left.step(index, command), right.step(index, command)]);
      }
      expect(received[1], told.slice(-25).join("\n")).toEqual(received[0]);
    }
    const contents = await left.contents();
    expect(await right.contents()).toBe(contents);
    await Promise.all([left.close(), right.close()]);
    await ferrite.kill9();
    ferrite = await ferrite.restarted();
    const again = await ferrite.client();
    expect(await contentsOf(again)).toBe(contents);
    await again.close();
  }, 120_000);
});
