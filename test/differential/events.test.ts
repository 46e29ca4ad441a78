/**
 * The keyspace events of random commands, published by redis-server 7.0 and by Ferrite: the same ones, in the same
 * order, for every command.
 *
 * A subscriber listens to everything while another connection executes; a message of our own after each unit tells
 * where its events end. Expired keys are removed by access alone on both sides, so that they are told of in order too.
 * FERRITE_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { type CommandGroup, type Unit, Vocabulary } from "../support/random-commands.ts";
import { RedisServer, requireRedis } from "../support/redis-server.ts";
import { type Command, encodeCommand, type RespClient } from "../support/resp-client.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { bitmapGroup } from "./groups/bitmaps.ts";
import { genericGroup } from "./groups/generic.ts";
import { sortGroup } from "./groups/sorts.ts";
import { stringGroup } from "./groups/strings.ts";
import { showCommand } from "./pair.ts";

const UNITS = 1500;
const FENCE = "fence";
const skipped = requireRedis();

/** Groups whose commands tell of what they do; a family is added here with its first event. */
const TELLING: readonly CommandGroup[] = [stringGroup, bitmapGroup, genericGroup, sortGroup];

/** One server, its subscriber and the connection that executes. */
class Side {
  readonly #server: RedisServer | FerriteServer;
  readonly executor: RespClient;
  readonly subscriber: RespClient;

  private constructor(server: RedisServer | FerriteServer, executor: RespClient, subscriber: RespClient) {
    this.#server = server;
    this.executor = executor;
    this.subscriber = subscriber;
  }

  static async on(server: RedisServer | FerriteServer): Promise<Side> {
    const side = new Side(server, await server.client(), await server.client());
    await side.executor.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await side.executor.ask("CONFIG", "SET", "notify-keyspace-events", "KEAnm");
    return side;
  }

  /** Subscribes in this protocol, and ends what was before. */
  async listen(protocol: 2 | 3): Promise<void> {
    await this.subscriber.ask("RESET");
    if (protocol === 3) await this.subscriber.ask("HELLO", "3");
    await this.subscriber.ask("PSUBSCRIBE", "__key*");
    await this.subscriber.ask("SUBSCRIBE", FENCE);
  }

  /** Executes the unit; answers its events as they were sent, one character per byte. */
  async eventsOf(unit: Unit): Promise<string[]> {
    this.executor.write(
      Buffer.concat([...unit.commands.map(encodeCommand), encodeCommand(["PUBLISH", FENCE, ""])]),
    );
    await this.executor.replies((unit.replies ?? unit.commands.length) + 1);
    const events: string[] = [];
    for (;;) {
      const message = (await this.subscriber.reply()).toString("latin1");
      if (message.includes(`\r\n${FENCE}\r\n`)) return events;
      events.push(message);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.executor.close(), this.subscriber.close()]);
    await (this.#server instanceof RedisServer ? this.#server.stop() : this.#server.kill9());
  }
}

describe.skipIf(skipped !== undefined)(`keyspace events beside redis-server (skipped: ${skipped})`, () => {
  let sides: readonly [Side, Side];

  beforeAll(async () => {
    sides = [await Side.on(await RedisServer.start()), await Side.on(await FerriteServer.start())];
  });
  afterAll(async () => {
    await Promise.all(sides.map((side) => side.stop()));
  });

  /** Answers how many events there were. */
  async function compare(units: readonly Unit[]): Promise<number> {
    const done: Command[] = [];
    let told = 0;
    for (const unit of units) {
      done.push(...unit.commands);
      const [redis, ferrite] = await Promise.all(sides.map((side) => side.eventsOf(unit)));
      const last = done.slice(-12).map(showCommand).join("\n");
      expect(ferrite, `events of the last of\n${last}`).toEqual(redis);
      told += redis?.length ?? 0;
    }
    return told;
  }

  it("are the same for random commands, in RESP2", { timeout: 60_000 }, async () => {
    await Promise.all(sides.map((side) => side.listen(2)));
    expect(await compare(randomUnits(seedOf("events")))).toBeGreaterThan(UNITS / 2);
  });

  it("are the same for keys that expire and for odd cases, in RESP3", { timeout: 30_000 }, async () => {
    await Promise.all(sides.map((side) => side.listen(3)));
    await compare(
      [
        "FLUSHALL",
        "SET e 1 PXAT 1",
        "GET e",
        "SET e 1 PXAT 1",
        "SET e 2",
        "SET e 1 PXAT 1",
        "SET e 2 NX",
        "SET e 1 PXAT 1",
        "INCR e",
        "SET e 1 PXAT 1",
        "APPEND e x",
        "SET e 1 PXAT 1",
        "SETRANGE e 3 x",
        "SET e 1 PXAT 1",
        "MSET a 1 e 2 a 3",
        "SET e 1 PXAT 1",
        "MSETNX e 1 f 2",
        "SET e 1 PXAT 1",
        "DEL e e a",
        "SET e 1 PXAT 1",
        "UNLINK f e",
        "SET e 1 PXAT 1",
        "EXISTS e e",
        "SET e 1 PXAT 1",
        "TTL e",
        "SET e 1 PXAT 1",
        "TYPE e",
        "SET e 1 PXAT 1",
        "OBJECT ENCODING e",
        "SET e 1 PXAT 1",
        "TOUCH e",
        "SET a 1",
        "SET e 1 PXAT 1",
        "RENAME a e",
        "SET a 1 PXAT 1",
        "RENAME a e",
        "SET a 1",
        "RENAME a e",
        "RENAMENX e e",
        "RENAME e e",
        "SET a 1 PXAT 1",
        "RENAMENX e a",
        "SET e 1 PXAT 1",
        "COPY a e",
        "COPY a e",
        "COPY a e REPLACE",
        "COPY a e DB 1",
        "COPY nothing e",
        "MOVE a 1",
        "SET a 1",
        "MOVE a 1",
        "MOVE a 2",
        "EXPIRE a 100",
        "EXPIRE e 100",
        "EXPIRE e -1",
        "SET e 1 EX 100",
        "PERSIST e",
        "PERSIST e",
        "GETEX e EX 100",
        "GETEX e PERSIST",
        "GETEX e PXAT 1",
        "GETEX e",
        "SET e 1",
        "GETDEL e",
        "GETDEL e",
        "GETSET e 1",
        "GETSET e 2",
        "SET e 3 GET",
        "SET f 3 GET",
        "SET f 3 GET NX",
        "SET f 3 XX KEEPTTL EX 1",
        "SET f 3 XX EX 100",
        "SET f 3 KEEPTTL",
        "SETEX f 100 v",
        "PSETEX f 100000 v",
        "SETNX f v",
        "SETNX g v",
        "INCRBYFLOAT n 1.5",
        "DECRBY m 9223372036854775807",
        "INCR m",
        "DECR m",
        "STRLEN nothing",
        "GETRANGE nothing 0 -1",
        "LCS nothing f",
        "MGET nothing f nothing",
        "RANDOMKEY",
        "SWAPDB 0 1",
        "FLUSHDB",
        "FLUSHALL",
      ].map((line) => ({ commands: [line.split(" ")] })),
    );
  });

  it("go by the classes that are asked for", { timeout: 30_000 }, async () => {
    for (const classes of ["K$", "E$", "Kg", "EA", "KEx", "KEn", "Em", "K", "A", "", "KEl"]) {
      for (const side of sides) await side.executor.ask("CONFIG", "SET", "notify-keyspace-events", classes);
      await compare(
        ["DEL k", "SET k 1 EX 100", "GET nothing", "DEL k", "SET k 1 PXAT 1", "GET k"].map((line) => ({
          commands: [line.split(" ")],
        })),
      );
    }
  });
});

/** Units that answer once per command and end by themselves. */
function randomUnits(seed: number): Unit[] {
  const words = new Vocabulary(new Randomness(seed), Date.now());
  const units = Array.from({ length: UNITS }, () => words.random.pick(TELLING).next(words));
  return units.filter((unit) => unit.pauseMs === undefined && unit.commands.every(isComparable));
}

/**
 * SCAN and RANDOMKEY meet keys in an order of their own, and with them those that have expired; so does SORT with the keys
 * that it makes of members.
 */
function isComparable([name, key]: Command): boolean {
  const word = String(name).toUpperCase();
  if (word === "SORT" || word === "SORT_RO") return key === "sort:l" || key === "sort:m";
  return !["SCAN", "RANDOMKEY", "KEYS"].includes(word);
}
