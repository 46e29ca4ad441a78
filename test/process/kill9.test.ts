/**
 * kill -9 while sixteen connections write: after each restart everything acknowledged is there, and nothing that
 * was not sent. A killed process loses nothing that it gave to the operating system, so this holds for `everysec`
 * as for `always`.
 *
 * FERRITE_KILL9_ROUNDS sets the rounds (bench/kill9.mjs runs 20), FERRITE_KILL9_REPORT names a file for the figures.
 */
import { appendFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { freePort } from "../support/child-process.ts";
import { FerriteServer, launch } from "../support/ferrite-server.ts";
import { textOf } from "../support/resp-value.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { Writer, Writers } from "./writers.ts";

const ROUNDS = Number(process.env["FERRITE_KILL9_ROUNDS"] ?? 3);
const CONNECTIONS = 16;

describe("kill -9 under sixteen writing connections", () => {
  for (const sync of ["everysec", "always"] as const) {
    it(
      `loses nothing acknowledged and invents nothing, with aof_sync = ${sync}`,
      async () => {
        const random = new Randomness(seedOf(`kill -9, ${sync}`));
        const writers = new Writers(CONNECTIONS, random);
        const totals = {
          policy: sync,
          rounds: 0,
          acknowledged: 0,
          beyondAcknowledged: 0,
          lost: 0,
          invented: 0,
        };
        let server = await FerriteServer.start({ sync });
        for (let round = 0; round < ROUNDS; round++) {
          const before = writers.account().acknowledged;
          const enough = random.between(200, 6000);
          await writers.writeUntil(server.port, enough, () => server.process.signal("SIGKILL"));
          expect((await server.process.exited).signal).toBe("SIGKILL");
          if (round % 3 === 2) await killWhileRecovering(server, random.between(20, 400));
          server = await server.restarted();
          const { acknowledged, found } = await writers.verify(server.port);
          expect(acknowledged - before).toBeGreaterThanOrEqual(enough);
          totals.rounds++;
          totals.acknowledged += acknowledged - before;
          totals.beyondAcknowledged += found - acknowledged;
        }
        await server.stop();
        console.log(JSON.stringify(totals));
        const report = process.env["FERRITE_KILL9_REPORT"];
        if (report !== undefined) appendFileSync(report, `${JSON.stringify(totals)}\n`);
      },
      60_000 + ROUNDS * 30_000,
    );
  }
});

describe("the account that the kill -9 test keeps", () => {
  it("notices what was lost, invented or changed", async () => {
    const server = await FerriteServer.start();
    const writer = new Writer(0, 1);
    let acknowledged = 0;
    await writer.write(
      server.port,
      () => acknowledged++,
      () => acknowledged > 500,
    );
    const client = await server.client();
    expect(await writer.verify(client)).toBe(writer.acknowledged);
    const count = await client.ask("GET", "count:0");
    for (const [key, value, complaint] of [
      ["count:0", "10", /were acknowledged, \d+ are there/],
      ["count:0", "100000", /were sent, \d+ are there/],
      ["slot:0:3", "6", /slot:0:3 is 6, not \d+/],
    ] as const) {
      const before = textOf(await client.ask("GET", key));
      await client.ask("SET", key, value);
      await expect(writer.verify(client)).rejects.toThrow(complaint);
      await client.ask("SET", key, before);
    }
    expect(await client.ask("GET", "count:0")).toEqual(count);
    expect(await writer.verify(client)).toBe(writer.sent);
    await client.close();
    await server.kill9();
  });
});

/** A crash while it reads its log must leave the log as readable as it was. */
async function killWhileRecovering(server: FerriteServer, delayMs: number): Promise<void> {
  const starting = launch({ dataDir: server.dataDir, port: await freePort() });
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await starting.kill9();
}
