/**
 * Random sorted-set commands, answered by redis-server 7.0 and by the command bodies on a real engine: the same bytes.
 *
 * Afterwards the logged effects are replayed into a second engine, and it must hold the same. FERRITE_SEED repeats a run,
 * FERRITE_FUZZ_SECONDS makes it longer.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { setCommands } from "../../src/commands/sets.ts";
import { sortedSetCommands } from "../../src/commands/sorted-set-specs.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { GROUPS } from "../differential/groups/all.ts";
import { sameReply } from "../differential/rules.ts";
import { rig, settle } from "../engine/support.ts";
import { type Argument, CommandHarness } from "../support/command-harness.ts";
import { Vocabulary } from "../support/random-commands.ts";
import { RedisOracle, redisVersion } from "../support/redis-oracle.ts";
import { Randomness, seedOf } from "../support/seed.ts";

const NOW = 1_700_000_000_000;
const COMMANDS = 3000;
const FUZZ_SECONDS = Number(process.env["FERRITE_FUZZ_SECONDS"] ?? 0);
const COMMAND_LISTS = [...sortedSetCommands, ...genericCommands, ...stringCommands, ...setCommands];
/** Waiting, transactions and options of the server need more than command bodies. */
const NOT_HERE = /^(BZ|MULTI|EXEC|CONFIG)/i;

const group = GROUPS.find(({ name }) => name === "sorted-set")!;

function randomCommand(words: Vocabulary): readonly Argument[] {
  if (words.random.oneIn(25)) return ["SET", words.key(), words.value()];
  if (words.random.oneIn(12))
    return ["SADD", words.key(), ...words.random.several(8, () => setMember(words))];
  if (words.random.oneIn(15)) return ["DEL", words.key()];
  const [command] = group.next(words).commands;
  return command === undefined || NOT_HERE.test(String(command[0])) ? ["ZCARD", words.key()] : command;
}

/** Those of sorted sets, and integers. */
function setMember(words: Vocabulary): Argument {
  return words.random.oneIn(2)
    ? String(words.random.below(30))
    : words.random.pick(["a", "b", "ab", "x".repeat(65)]);
}

function makeHarness(resp: 2 | 3): { h: CommandHarness; verify: () => void } {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness(COMMAND_LISTS, { keyspace, structures: engine, resp });
  const verify = (): void => {
    settle(engine);
    engine.verify();
  };
  return { h, verify };
}

const latin1 = (command: readonly Argument[]): Buffer[] =>
  command.map((argument) =>
    typeof argument === "string" ? Buffer.from(argument, "latin1") : Buffer.from(argument as Uint8Array),
  );

describe.skipIf(redisVersion() === undefined)(
  "sorted sets beside redis-server (skipped: redis-server 7.0 is not installed)",
  () => {
    let redis: RedisOracle;
    beforeAll(async () => {
      redis = await RedisOracle.start();
    });
    afterAll(async () => {
      await redis.stop();
    });

    for (const resp of [2, 3] as const) {
      it(
        `answers the same bytes over RESP${resp}, and its log gives the same data`,
        async () => {
          const seeds = new Randomness(seedOf(`sorted sets over RESP${resp}`));
          const end = performance.now() + FUZZ_SECONDS * 500;
          do await compare(redis, resp, seeds.fork());
          while (performance.now() < end);
        },
        120_000 + FUZZ_SECONDS * 1000,
      );
    }
  },
);

async function compare(redis: RedisOracle, resp: 2 | 3, seed: number): Promise<void> {
  const words = new Vocabulary(new Randomness(seed), NOW);
  const { h, verify } = makeHarness(resp);
  const [entries, bytes] = words.random.pick([
    [128, 64],
    [128, 64],
    [4, 64],
    [128, 2],
    [0, 64],
    [1000, 200],
  ] as const);
  const limits = { sortedSetEntriesMax: entries, sortedSetValueBytesMax: bytes };
  Object.assign(h.context.limits, limits);
  await redis.ask([
    ["FLUSHALL"],
    ["HELLO", String(resp)],
    ["CONFIG", "SET", "zset-max-listpack-entries", String(entries), "zset-max-listpack-value", String(bytes)],
  ]);
  const commands = Array.from({ length: COMMANDS }, () => latin1(randomCommand(words)));
  const replies = await redis.ask(commands);
  for (const [index, command] of commands.entries()) {
    const reply = h.run(...command);
    const expected = replies[index]!;
    if (sameReply(command, Buffer.from(expected, "latin1"), Buffer.from(reply, "latin1"))) continue;
    // Small sets have another name since Redis 7.2.
    if (expected.includes("hashtable")) continue;
    const shown = command.map((argument) => argument.toString("latin1").slice(0, 80)).join(" ");
    expect(`${seed} ${index} ${shown}: ${reply}`).toBe(`${seed} ${index} ${shown}: ${expected}`);
  }
  verify();
  const { h: second, verify: verifySecond } = makeHarness(resp);
  Object.assign(second.context.limits, limits);
  second.replay(h.effects.take());
  verifySecond();
  expect(snapshot(second)).toEqual(snapshot(h));
}

function snapshot(h: CommandHarness): string[] {
  const keys = new Set<string>();
  const { keyspace } = h;
  let cursor = 0;
  do {
    cursor = keyspace.scan(0, cursor, 100, () => {
      const { keyBytes, keyOffset, keyLength } = keyspace;
      keys.add(Buffer.from(keyBytes.slice(keyOffset, keyOffset + keyLength)).toString("latin1"));
    });
  } while (cursor !== 0);
  return [...keys].sort().map((key) => {
    const name = Buffer.from(key, "latin1");
    const type = h.run("TYPE", name);
    if (type.includes("zset")) return `${key} ${type} ${h.run("ZRANGE", name, 0, -1, "WITHSCORES")}`;
    return `${key} ${type} ${type.includes("set") ? h.run("SCARD", name) : h.run("GET", name)}`;
  });
}
