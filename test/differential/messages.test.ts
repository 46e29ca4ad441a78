/**
 * Random publishing and subscribing on several connections to redis-server 7.0 and to Ferrite: every connection
 * receives the same bytes, step by step.
 *
 * After each command every connection is asked for a PONG with a token of its own; what came before it is compared.
 * Free are only the order in which matching patterns are served, and that in which UNSUBSCRIBE without names ends what
 * there is: both are a hash table's in Redis. FERRITE_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { RedisServer, requireRedis } from "../support/redis-server.ts";
import { type Argument, type Command, encodeCommand, type RespClient } from "../support/resp-client.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { showCommand } from "./pair.ts";

const CONNECTIONS = 5;
const STEPS = 600;
const skipped = requireRedis();

const CHANNELS: readonly Argument[] = ["a", "b", "ab", "news:1", "", "\xff\x00\r\n", "c".repeat(300)];
const PATTERNS: readonly Argument[] = ["*", "a*", "?", "[ab]", "", "news:[0-9]", "\xff*", "c*c", "\\a"];
const MESSAGES: readonly Argument[] = [
  "",
  "hello",
  "\r\n$5\r\n",
  "m".repeat(100),
  "m".repeat(20_000),
  "\x00\xff",
];

/** The connections to one server. Those with an odd number begin in RESP3. */
class Side {
  readonly clients: readonly RespClient[];
  #token = 0;

  private constructor(clients: readonly RespClient[]) {
    this.clients = clients;
  }

  static async on(server: RedisServer | FerriteServer): Promise<Side> {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => server.client()));
    for (const client of clients.filter((_, index) => index % 2 === 1)) await client.ask("HELLO", "3");
    return new Side(clients);
  }

  /** Executes on one connection; answers what each has received since the last step, one character per byte. */
  async step(index: number, commands: readonly Command[]): Promise<string[][]> {
    this.clients[index]!.write(Buffer.concat(commands.map(encodeCommand)));
    const received: string[][] = this.clients.map(() => []);
    received[index] = await this.#until(this.clients[index]!);
    for (const [other, client] of this.clients.entries()) {
      if (other !== index) received[other] = await this.#until(client);
    }
    return received;
  }

  async #until(client: RespClient): Promise<string[]> {
    const token = `token ${this.#token++}`;
    client.write(encodeCommand(["PING", token]));
    const received: string[] = [];
    for (;;) {
      const reply = (await client.reply()).toString("latin1");
      if (reply.includes(token)) return received;
      received.push(reply);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

describe.skipIf(skipped !== undefined)(`messages beside redis-server (skipped: ${skipped})`, () => {
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

  it("are the same for random commands", { timeout: 60_000 }, async () => {
    const random = new Randomness(seedOf("messages"));
    const sides = [await Side.on(redis), await Side.on(ferrite)];
    const done: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      const index = random.below(CONNECTIONS);
      const commands = next(random);
      for (const command of commands) done.push(`${index}: ${showCommand(command)}`);
      const [left, right] = await Promise.all(sides.map((side) => side.step(index, commands)));
      const last = done.slice(-20).join("\n");
      expect(right!.map(canonical), `after\n${last}`).toEqual(left!.map(canonical));
    }
    await Promise.all(sides.map((side) => side.close()));
  });

  it("end with the connection", { timeout: 20_000 }, async () => {
    for (const server of [redis, ferrite]) {
      const [gone, asking] = [await server.client(), await server.client()];
      await gone.ask("SUBSCRIBE", "gone");
      await gone.ask("PSUBSCRIBE", "gone*");
      await gone.ask("SSUBSCRIBE", "gone");
      await gone.close();
      // The server learns of it by itself; until then the message has receivers.
      await expect.poll(async () => asking.ask("PUBLISH", "gone", "x")).toMatchObject({ value: 0n });
      const counts = await asking.pipeline([
        ["PUBSUB", "NUMSUB", "gone"],
        ["PUBSUB", "NUMPAT"],
        ["PUBSUB", "SHARDNUMSUB", "gone"],
      ]);
      expect(counts.join("")).toBe("*2\r\n$4\r\ngone\r\n:0\r\n:0\r\n*2\r\n$4\r\ngone\r\n:0\r\n");
      await asking.close();
    }
  });
});

function next(random: Randomness): Command[] {
  // What is silenced is the subscription, not the PONG behind it; and a subscription is not silenced.
  if (random.oneIn(20)) return [["CLIENT", "REPLY", "SKIP"], nextOne(random)];
  return [nextOne(random)];
}

function nextOne(random: Randomness): Command {
  const channels = (): Argument[] => random.several(3, () => random.pick(CHANNELS));
  const patterns = (): Argument[] => random.several(3, () => random.pick(PATTERNS));
  const some = (names: Argument[]): Argument[] => (random.oneIn(4) ? [] : names);
  const publish = (): Command => ["PUBLISH", random.pick(CHANNELS), random.pick(MESSAGES)];
  return random.pick<() => Command>([
    () => ["SUBSCRIBE", ...channels()],
    () => ["PSUBSCRIBE", ...patterns()],
    () => ["SSUBSCRIBE", ...channels()],
    () => ["UNSUBSCRIBE", ...some(channels())],
    () => ["PUNSUBSCRIBE", ...some(patterns())],
    () => ["SUNSUBSCRIBE", ...some(channels())],
    ...Array.from({ length: 6 }, () => publish),
    () => ["SPUBLISH", random.pick(CHANNELS), random.pick(MESSAGES)],
    () => ["PUBSUB", "NUMSUB", ...some(channels())],
    () => ["PUBSUB", "SHARDNUMSUB", ...some(channels())],
    () => ["PUBSUB", "NUMPAT"],
    () => ["PUBSUB", "CHANNELS", random.pick(["a", "b", "news:?", "nothing*"])],
    () => ["PUBSUB", "SHARDCHANNELS", random.pick(["a", "nothing*"])],
    () =>
      random.pick([
        ["SUBSCRIBE"],
        ["PUBLISH", "a"],
        ["PUBSUB", "NUMPAT", "x"],
        ["PUBSUB", "CHANNELS", "a", "b"],
      ]),
    () => ["PING"],
    () => ["PING", "x", "y"],
    () => ["GET", "nothing"],
    () => random.pick([["RESET"], ["HELLO", "3"], ["HELLO", "2"], ["SELECT", "0"]]),
  ])();
}

const PATTERN_MESSAGE = /^[*>]4\r\n\$8\r\npmessage\r\n/;
const ENDED = /^([*>]3\r\n\$1[123]\r\n[ps]?unsubscribe\r\n)([\s\S]*)(:\d+\r\n)$/;
const HELLO = /^[%*]\d+\r\n\$6\r\nserver\r\n/;

/** With what is free in one order. */
function canonical(received: readonly string[]): string[] {
  const patterns = received.filter((text) => PATTERN_MESSAGE.test(text)).sort();
  const ended = received.map((text) => ENDED.exec(text)).filter((match) => match !== null);
  const names = ended.map((match) => `${match[1]}${match[2]}`).sort();
  return received.map((text) => {
    if (PATTERN_MESSAGE.test(text)) return patterns.shift()!;
    const match = ENDED.exec(text);
    if (match !== null) return `${names.shift()!}${match[3]}`;
    return HELLO.test(text) ? "hello" : text;
  });
}
