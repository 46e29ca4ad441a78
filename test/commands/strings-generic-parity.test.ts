/**
 * Random string and generic commands, answered by redis-server 7.0 and by the command bodies: the same bytes.
 *
 * Afterwards the logged effects are replayed into a second keyspace and into a fresh redis-server, and all
 * three must hold the same. FERRITE_SEED chooses another sequence.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { Engine } from "../../src/engine/engine.ts";
import { type Keyspace, TYPE_HASH } from "../../src/engine/keyspace.ts";
import { type Argument, CommandHarness, contents } from "../support/command-harness.ts";
import { MapKeyspace } from "../support/map-keyspace.ts";
import { decodeReply, RedisOracle, redisVersion } from "../support/redis-oracle.ts";

type Pick = <T>(choices: readonly T[]) => T;
type Command = readonly Argument[];

/** mulberry32: small, seeded, good enough to choose commands. */
function seeded(seed: number): (bound: number) => number {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

const SEED = Number(process.env["FERRITE_SEED"] ?? 20_700_15);
const COMMANDS_PER_RUN = 6000;
const DATABASES = 3;
const KEYS = ["a", "b", "c", "d", "hash", "", "key:\u00ff\r\n"];
const VALUES: readonly Argument[] = [
  "",
  "0",
  "7",
  "-5",
  "10",
  "3.25",
  "-0",
  "012",
  " 1",
  "abc",
  "ababcbdab",
  "123456789012345",
  "1234567890123456",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "1e3",
  "x".repeat(44),
  "y".repeat(45),
  new Uint8Array([0, 255, 13, 10, 36]),
];
const INTEGERS = [
  "0",
  "1",
  "-1",
  "3",
  "-4",
  "100",
  "+1",
  "01",
  "",
  "x",
  "999999999999999",
  "-9007199254740993",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
];
const FLOATS = ["0", "1", "0.1", "-2.5", "1e2", "3.0", "0x10", "nan", "inf", "-inf", "x", "", " 1", "1.5e-3"];

class Generator {
  readonly #below: (bound: number) => number;
  readonly #nowMs: number;
  readonly #pick: Pick;

  constructor(below: (bound: number) => number, nowMs: number) {
    this.#below = below;
    this.#nowMs = nowMs;
    this.#pick = (choices) => choices[below(choices.length)]!;
  }

  next(): Command {
    const command = [...this.#sound()];
    // Wrong arity now and then (not SCAN's: where a short scan stops is each server's own), and names in any case.
    const mayBreak = command[0] !== "SCAN";
    if (mayBreak && this.#below(40) === 0) command.pop();
    if (mayBreak && this.#below(60) === 0) command.push(this.#pick(VALUES));
    if (command.length === 0) command.push("GET");
    if (this.#below(4) === 0) command[0] = String(command[0]).toLowerCase();
    return command;
  }

  #key(): Argument {
    return this.#pick(KEYS);
  }
  #keys(): Argument[] {
    return Array.from({ length: 1 + this.#below(4) }, () => this.#key());
  }
  #pairs(): Argument[] {
    return Array.from({ length: 1 + this.#below(3) }, () => [this.#key(), this.#pick(VALUES)]).flat();
  }
  #db(): string {
    return this.#pick(["0", "1", "2", "0", "1", "2", "-1", "16", "x", "99999999999", "9223372036854775808"]);
  }

  /** A relative or absolute time that is never near: far away, past, or invalid. */
  #time(unitMs: number, absolute: boolean): string {
    const farMs = 1e7 + this.#below(1e9) * 1000;
    switch (this.#below(8)) {
      case 0:
        return absolute ? "1" : this.#pick(["-1", "-100", "-9223372036854775808"]);
      case 1:
        // Times beyond 2^53 ms are held as that one, which Redis does not; so none that Redis accepts is tried.
        return this.#pick([
          "0",
          "x",
          "",
          "1.5",
          unitMs === 1 ? "-1" : "99999999999999999",
          "-9223372036854775809",
        ]);
      default:
        return String(Math.floor(((absolute ? this.#nowMs : 0) + farMs) / unitMs));
    }
  }
  #expiry(): Argument[] {
    switch (this.#below(5)) {
      case 0:
        return ["EX", this.#time(1000, false)];
      case 1:
        return ["px", this.#time(1, false)];
      case 2:
        return ["EXAT", this.#time(1000, true)];
      case 3:
        return ["PxAt", this.#time(1, true)];
      default:
        return [this.#pick(["KEEPTTL", "PERSIST", "EX", "bad"])];
    }
  }
  #options(): Argument[] {
    const options: Argument[] = [];
    if (this.#below(3) === 0) options.push(this.#pick(["NX", "XX", "nx"]));
    if (this.#below(3) === 0) options.push("GET");
    if (this.#below(2) === 0) options.push(...this.#expiry());
    if (this.#below(12) === 0) options.push(...this.#expiry());
    if (this.#below(12) === 0) options.push(this.#pick(["XX", "GET", "KEEPTTL"]));
    return options;
  }
  #conditions(): Argument[] {
    if (this.#below(3) > 0) return [];
    const one = this.#pick(["NX", "xx", "GT", "lt", "LT", "bad"]);
    return this.#below(4) > 0 ? [one] : [one, this.#pick(["NX", "XX", "GT", "LT"])];
  }

  #sound(): Command {
    const key = this.#key();
    const value = this.#pick(VALUES);
    const integer = this.#pick(INTEGERS);
    const rare = this.#below(30);
    if (rare === 0) return this.#iteration();
    if (rare === 1) return ["SELECT", String(this.#below(DATABASES))];
    if (rare < 10) return this.#whole(key, value, integer);
    if (rare < 16) return this.#times(key);
    return this.#pick<() => Command>([
      () => ["GET", key],
      () => ["GETDEL", key],
      () => ["GETEX", key, ...(this.#below(2) === 0 ? [] : this.#expiry())],
      () => ["GETSET", key, value],
      () => ["GETRANGE", key, integer, this.#pick(INTEGERS)],
      () => ["SUBSTR", key, integer, this.#pick(INTEGERS)],
      () => ["STRLEN", key],
      () => ["MGET", ...this.#keys()],
      () => ["APPEND", key, value],
      () => [
        "SETRANGE",
        key,
        this.#pick(["0", "1", "5", "50", "-1", "x", "536870912", "9223372036854775807"]),
        value,
      ],
      () => ["INCR", key],
      () => ["DECR", key],
      () => ["INCRBY", key, integer],
      () => ["DECRBY", key, integer],
      () => ["INCRBYFLOAT", key, this.#pick(FLOATS)],
      () => this.#lcs(key),
    ])();
  }

  #lcs(key: Argument): Command {
    const options: Argument[] = [];
    if (this.#below(3) === 0) options.push("LEN");
    if (this.#below(3) === 0) options.push("idx");
    if (this.#below(3) === 0) options.push("MINMATCHLEN", this.#pick(["0", "1", "2", "-3", "x"]));
    if (this.#below(3) === 0) options.push("WITHMATCHLEN");
    return ["LCS", key, this.#key(), ...options];
  }

  #whole(key: Argument, value: Argument, integer: string): Command {
    return this.#pick<() => Command>([
      () => ["SET", key, value],
      () => ["SET", key, value],
      () => ["SET", key, value, ...this.#options()],
      () => ["SET", key, value, ...this.#options()],
      () => ["SETNX", key, value],
      () => ["SETEX", key, this.#time(1000, false), value],
      () => ["PSETEX", key, this.#time(1, false), value],
      () => ["MSET", ...this.#pairs()],
      () => ["MSETNX", ...this.#pairs()],
      () => ["DEL", ...this.#keys()],
      () => ["UNLINK", ...this.#keys()],
      () => ["EXISTS", ...this.#keys()],
      () => ["TOUCH", ...this.#keys()],
      () => ["TYPE", key],
      () => ["RENAME", key, this.#key()],
      () => ["RENAMENX", key, this.#key()],
      () => ["MOVE", key, this.#db()],
      () => ["COPY", key, this.#key(), ...this.#copyOptions()],
      () => ["OBJECT", this.#pick(["ENCODING", "REFCOUNT", "freq", "IDLETIME", "foo"]), key],
      () => ["OBJECT", "HELP"],
      () => ["WAIT", this.#pick(["0", "-1", "x"]), integer],
    ])();
  }
  #copyOptions(): Argument[] {
    const options: Argument[] = [];
    if (this.#below(2) === 0) options.push("REPLACE");
    if (this.#below(2) === 0) options.push("db", this.#db());
    return options;
  }

  #times(key: Argument): Command {
    return this.#pick<() => Command>([
      () => ["EXPIRE", key, this.#time(1000, false), ...this.#conditions()],
      () => ["PEXPIRE", key, this.#time(1, false), ...this.#conditions()],
      () => ["EXPIREAT", key, this.#time(1000, true), ...this.#conditions()],
      () => ["PEXPIREAT", key, this.#time(1, true), ...this.#conditions()],
      () => ["TTL", key],
      () => ["PTTL", key],
      () => ["EXPIRETIME", key],
      () => ["PEXPIRETIME", key],
      () => ["PERSIST", key],
    ])();
  }

  #iteration(): Command {
    const pattern = this.#pick([
      "*",
      "a",
      "[a-c]",
      "?",
      "h*h",
      "key:*",
      "[^a]",
      "\\a",
      "",
      "**",
      "h[",
      "[b-a]*",
    ]);
    return this.#pick<() => Command>([
      () => ["KEYS", pattern],
      () => [
        "SCAN",
        "0",
        "COUNT",
        this.#pick(["1000", "9223372036854775807", "5000000000"]),
        "MATCH",
        pattern,
      ],
      () => [
        "SCAN",
        this.#pick(["0", "", "+0"]),
        "COUNT",
        "1000",
        "TYPE",
        this.#pick(["string", "HASH", "zset", "x"]),
      ],
      () => ["SCAN", this.#pick(["x", " 1", "1 ", "99999999999999999999", "-"])],
      () => ["SCAN", "0", "COUNT", this.#pick(["0", "-1", "x"])],
      () => ["SCAN", "0", this.#pick(["COUNT", "MATCH", "bad"])],
      () => ["RANDOMKEY"],
    ])();
  }
}

const TIME_TOLERANCE_MS = 30_000;

/** Replies that may legitimately differ, brought into a form that may not. */
function normalise(command: Command, reply: string): string {
  const name = String(command[0]).toUpperCase();
  if (reply.startsWith("-") || name === "LCS") return reply;
  if (name === "KEYS") return JSON.stringify([...(decodeReply(reply) as string[])].sort());
  if (name === "SCAN") {
    const [cursor, keys] = decodeReply(reply) as [string, string[]];
    return JSON.stringify([cursor, [...keys].sort()]);
  }
  if (name === "RANDOMKEY") return /^(\$-1|_)/.test(reply) ? "nil" : "some key";
  // Redis shares small integers; a copy or an edit in place may hold one of its own, which a restart shares again.
  if (name === "OBJECT" && /refcount/i.test(String(command[1])))
    return reply.startsWith(":") ? "count" : reply;
  return reply;
}

function agree(command: Command, ours: string, theirs: string): boolean {
  if (normalise(command, ours) === normalise(command, theirs)) return true;
  const unit = { TTL: 1000, EXPIRETIME: 1000, PTTL: 1, PEXPIRETIME: 1 }[String(command[0]).toUpperCase()];
  const [a, b] = [ours, theirs].map((reply) => (reply.startsWith(":") ? Number(reply.slice(1)) : -1));
  return unit !== undefined && a! > 0 && b! > 0 && Math.abs(a! - b!) * unit < TIME_TOLERANCE_MS;
}

interface Store {
  readonly keyspace: Keyspace;
  /** What goes on between two commands. */
  readonly rest: () => void;
}

const STORES: Readonly<Record<string, () => Store>> = {
  "the model": () => ({ keyspace: new MapKeyspace(16, seeded(SEED + 1)), rest: () => {} }),
  "the engine": () => {
    const engine = new Engine({
      databases: 16,
      hashSeed: [SEED, 1],
      clock: new VirtualClock(),
      random: new SeededRandom(SEED),
      segmentBytes: 4096,
    });
    return { keyspace: engine.keyspace, rest: () => void engine.maintain(0) };
  },
};

interface Subject {
  readonly harness: CommandHarness;
  readonly rest: () => void;
}

function newSubject(store: string, nowMs: number, resp: 2 | 3): Subject {
  const { keyspace, rest } = STORES[store]!();
  const harness = new CommandHarness([...stringCommands, ...genericCommands], { keyspace, nowMs, resp });
  const key = Buffer.from("hash");
  for (let db = 0; db < DATABASES; db++) {
    keyspace.put(db, key, 0, key.length, TYPE_HASH, 0, Buffer.from("field"), 0, 5, -1);
  }
  return { harness, rest };
}

async function resetOracle(oracle: RedisOracle, resp: 2 | 3): Promise<void> {
  await oracle.ask([["HELLO", resp], ["FLUSHALL"]]);
  for (let db = DATABASES - 1; db >= 0; db--)
    await oracle.ask([
      ["SELECT", db],
      ["HSET", "hash", "field", "value"],
    ]);
}

/** What clients can see of every key. */
function observations(): Command[] {
  const commands: Command[] = [];
  for (let db = 0; db < DATABASES; db++) {
    commands.push(["SELECT", String(db)], ["KEYS", "*"]);
    for (const key of KEYS) commands.push(["TYPE", key], ["GET", key], ["PTTL", key]);
  }
  return commands;
}

function runHere(harness: CommandHarness, command: Command): string {
  if (/^select$/i.test(String(command[0])) && command.length === 2 && /^[0-2]$/.test(String(command[1]))) {
    harness.db = Number(command[1]);
    return "+OK\r\n";
  }
  return harness.run(...command);
}

/** SELECT is not among the commands under test: only its sound form is sent. */
function isSound(command: Command): boolean {
  return (
    !/^select$/i.test(String(command[0])) || (command.length === 2 && /^[0-2]$/.test(String(command[1])))
  );
}

async function differences(
  oracle: RedisOracle,
  { harness, rest }: Subject,
  commands: readonly Command[],
): Promise<string[]> {
  const theirs = await oracle.ask(commands);
  const found: string[] = [];
  commands.forEach((command, index) => {
    const ours = runHere(harness, command);
    rest();
    if (!agree(command, ours, theirs[index]!)) {
      found.push(
        `seed ${SEED}, command ${index} ${JSON.stringify(command)}: ours ${JSON.stringify(ours)}, redis ${JSON.stringify(theirs[index])}`,
      );
    }
  });
  return found.slice(0, 5);
}

const version = redisVersion();

describe.skipIf(version === undefined)("against redis-server 7.0 (skipped where it is not installed)", () => {
  let oracle: RedisOracle;
  beforeAll(async () => {
    oracle = await RedisOracle.start();
  });
  afterAll(async () => {
    await oracle?.stop();
  });

  for (const store of Object.keys(STORES)) {
    for (const resp of [2, 3] as const) {
      it(`${store} answers the same in RESP${resp}, and its effects rebuild the same contents`, async () => {
        await resetOracle(oracle, resp);
        const nowMs = Date.now();
        const generator = new Generator(seeded(SEED + resp), nowMs);
        const subject = newSubject(store, nowMs, resp);
        const commands = Array.from({ length: COMMANDS_PER_RUN }, () => generator.next()).filter(isSound);
        expect(await differences(oracle, subject, commands)).toEqual([]);
        expect(await differences(oracle, subject, observations())).toEqual([]);

        const effects = subject.harness.effects.take();
        expect(effects.length).toBeGreaterThan(COMMANDS_PER_RUN / 10);
        const second = newSubject(store, nowMs, resp);
        second.harness.replay(effects);
        expect(contents(second.harness.keyspace)).toEqual(contents(subject.harness.keyspace));

        await resetOracle(oracle, resp);
        const replayed = await oracle.ask(
          effects.flatMap(({ db, args }) => [["SELECT", db], args.map((arg) => Buffer.from(arg, "latin1"))]),
        );
        expect(replayed.filter((reply) => reply.startsWith("-"))).toEqual([]);
        expect(await differences(oracle, subject, observations())).toEqual([]);
      });
    }
  }
});
