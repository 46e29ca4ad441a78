/**
 * Random bitmap commands, answered by redis-server 7.0 and by the command bodies: the same bytes, the same contents.
 *
 * The differential tests compare whole servers on few of everything; here fields of every width meet every offset,
 * argument and kind of overflow. Effects are replayed into a second keyspace, which must then hold the same.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { bitmapCommands } from "../../src/commands/bitmaps.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { Engine } from "../../src/engine/engine.ts";
import { type Keyspace, TYPE_HASH } from "../../src/engine/keyspace.ts";
import { bitmapUnit } from "../differential/groups/bitmaps.ts";
import { type Argument, CommandHarness, contents } from "../support/command-harness.ts";
import { MapKeyspace } from "../support/map-keyspace.ts";
import { Vocabulary } from "../support/random-commands.ts";
import { RedisOracle, redisVersion } from "../support/redis-oracle.ts";
import { Randomness, seedOf } from "../support/seed.ts";

const SEED = seedOf("bitmaps");
const ROUNDS = 12_000;
const KEYS = ["a", "b", "c", "d", "e", "key:1", "key:2", "", "\xff\x00\r\n", "{tag}x", "hash"];

type Command = readonly Argument[];

const STORES: Readonly<Record<string, () => { keyspace: Keyspace; rest: () => void }>> = {
  "the model": () => ({ keyspace: new MapKeyspace(16), rest: () => {} }),
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

function harnessOn(keyspace: Keyspace, resp: 2 | 3): CommandHarness {
  const specs = [...bitmapCommands, ...stringCommands, ...genericCommands];
  const key = Buffer.from("hash");
  keyspace.put(0, key, 0, key.length, TYPE_HASH, 0, Buffer.from("field"), 0, 5, -1);
  return new CommandHarness(specs, { keyspace, resp });
}

function commandsFor(resp: number): Command[] {
  const words = new Vocabulary(new Randomness(SEED + resp), 1_700_000_000_000);
  const { random } = words;
  return Array.from({ length: ROUNDS }, () => {
    if (random.oneIn(12)) return ["SET", words.key(), random.bytes(random.below(24))];
    if (random.oneIn(30)) return ["SET", words.key(), words.value()];
    if (random.oneIn(30)) return ["OBJECT", "ENCODING", words.key()];
    if (random.oneIn(40)) return ["DEL", words.key()];
    if (random.oneIn(60)) return ["BITOP", random.pick(["OR", "and"]), words.key(), "hash", words.key()];
    if (random.oneIn(60)) return [random.pick(["BITCOUNT", "BITFIELD"]), "hash"];
    return bitmapUnit(words).commands[0]!;
  });
}

describe.skipIf(redisVersion() === undefined)(
  "bitmaps against redis-server 7.0 (skipped where it is not installed)",
  () => {
    let oracle: RedisOracle;
    beforeAll(async () => {
      oracle = await RedisOracle.start();
    });
    afterAll(async () => {
      await oracle?.stop();
    });

    for (const [name, make] of Object.entries(STORES)) {
      for (const resp of [2, 3] as const) {
        it(`${name} answers the same in RESP${resp}, and its effects rebuild the same contents`, async () => {
          await oracle.ask([["HELLO", resp], ["FLUSHALL"], ["HSET", "hash", "field", "value"]]);
          const { keyspace, rest } = make();
          const harness = harnessOn(keyspace, resp);
          const commands = [...commandsFor(resp), ...KEYS.map((key) => ["GET", key])];
          const theirs = await oracle.ask(commands);
          const different = commands.flatMap((command, index) => {
            const ours = harness.run(...command);
            rest();
            return ours === theirs[index]
              ? []
              : [{ seed: SEED, index, command, ours, theirs: theirs[index] }];
          });
          expect(different.slice(0, 5)).toEqual([]);

          const effects = harness.effects.take();
          const second = harnessOn(make().keyspace, resp);
          second.replay(effects);
          expect(contents(second.keyspace)).toEqual(contents(keyspace));
        });
      }
    }
  },
);
