/**
 * Random SORT commands, answered by redis-server 7.0 and by the command bodies on a real engine: the same bytes.
 *
 * Afterwards the logged effects are replayed into a second engine, and it must hold the same. FERRITE_SEED repeats a run,
 * FERRITE_FUZZ_SECONDS makes it longer.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { genericCommands } from "../../src/commands/generic.ts";
import { hashCommands } from "../../src/commands/hashes.ts";
import { listCommands } from "../../src/commands/lists.ts";
import { setCommands } from "../../src/commands/sets.ts";
import { sortCommands } from "../../src/commands/sort-specs.ts";
import { sortedSetCommands } from "../../src/commands/sorted-set-specs.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { sortGroup } from "../differential/groups/sorts.ts";
import { sameReply } from "../differential/rules.ts";
import { rig, settle } from "../engine/support.ts";
import { type Argument, CommandHarness } from "../support/command-harness.ts";
import { KEYS, Vocabulary } from "../support/random-commands.ts";
import { RedisOracle, redisVersion } from "../support/redis-oracle.ts";
import { Randomness, seedOf } from "../support/seed.ts";

const UNITS = 4000;
const FUZZ_SECONDS = Number(process.env["FERRITE_FUZZ_SECONDS"] ?? 0);
const COMMANDS = [
  ...listCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...hashCommands,
  ...genericCommands,
  ...sortCommands,
  ...stringCommands,
];

function makeHarness(resp: 2 | 3): { h: CommandHarness; verify: () => void } {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness(COMMANDS, { keyspace, structures: engine, resp });
  return {
    h,
    verify: () => {
      settle(engine);
      engine.verify();
    },
  };
}

const latin1 = (command: readonly Argument[]): Buffer[] =>
  command.map((argument) =>
    typeof argument === "string" ? Buffer.from(argument, "latin1") : Buffer.from(argument as Uint8Array),
  );

describe.skipIf(redisVersion() === undefined)(
  "SORT beside redis-server (skipped: redis-server 7.0 is not installed)",
  () => {
    let redis: RedisOracle;
    beforeAll(async () => {
      redis = await RedisOracle.start();
    });
    afterAll(async () => {
      await redis.stop();
    });

    async function compare(seed: number, resp: 2 | 3): Promise<void> {
      await redis.ask([["HELLO", String(resp)], ["FLUSHALL"]]);
      const words = new Vocabulary(new Randomness(seed), Date.now());
      const commands: (readonly Argument[])[] = [];
      while (commands.length < UNITS) commands.push(...sortGroup.next(words).commands);
      for (const key of KEYS) commands.push(["LRANGE", key, "0", "-1"]);
      const { h, verify } = makeHarness(resp);
      const asked = commands.filter(([name]) => name !== "MULTI" && name !== "EXEC").map(latin1);
      const replies = await redis.ask(asked);
      h.effects.take();
      asked.forEach((command, index) => {
        const ours = h.run(...command);
        const theirs = replies[index]!;
        if (sameReply(command, Buffer.from(theirs, "latin1"), Buffer.from(ours, "latin1"))) return;
        const shown = asked
          .slice(Math.max(0, index - 3), index + 1)
          .map((c) => JSON.stringify(c.map(String)));
        expect(ours, `seed ${seed}, reply ${index}:\n${shown.join("\n")}`).toBe(theirs);
      });
      verify();
      const replayed = makeHarness(resp);
      replayed.h.replay(h.effects.take());
      replayed.verify();
      for (const key of [...KEYS, "sort:l", "sort:m", "n_1", "w_a"]) {
        for (const question of [
          ["TYPE", key],
          ["LRANGE", key, "0", "-1"],
          ["PEXPIRETIME", key],
        ] as const) {
          expect(replayed.h.run(...question), `seed ${seed}, ${question.join(" ")}`).toBe(h.run(...question));
        }
      }
    }

    it("answers the same, and logs what gives the same", {
      timeout: 60_000 + FUZZ_SECONDS * 1000,
    }, async () => {
      const random = new Randomness(seedOf("sort"));
      const end = performance.now() + FUZZ_SECONDS * 1000;
      let resp: 2 | 3 = 2;
      do {
        await compare(random.fork(), resp);
        resp = resp === 2 ? 3 : 2;
      } while (performance.now() < end);
    });
  },
);
