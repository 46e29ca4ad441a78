/**
 * kill -9 while checkpoints are written and the log is rewritten back to back, under sixteen writing connections: after each
 * restart everything acknowledged is there, and nothing that was not sent. The moments of the kills are random; that every
 * single step of the file system is safe is shown in test/checkpoint/crash.test.ts.
 *
 * FERRITE_KILL9_ROUNDS sets the rounds.
 */
import { describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { ConnectionEnded } from "../support/resp-client.ts";
import { describe as described } from "../support/resp-value.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { Writers } from "./writers.ts";

const ROUNDS = Number(process.env["FERRITE_KILL9_ROUNDS"] ?? 3);
const CONNECTIONS = 16;
/** Small parts, so that the log goes on in a new one, and drops old ones, while it is written. */
const SETTINGS = ["persistence.aof_part_max_size=1MB"];
const REFUSED = /already in progress|Another child process is active|scheduled/;

/** Asks for checkpoints and rewrites until the server is gone; answers how many checkpoints were published. */
async function saveUntilGone(server: FerriteServer, random: Randomness): Promise<number> {
  const client = await server.client();
  let saves = 0;
  try {
    for (;;) {
      const command =
        random.between(0, 3) === 0 ? "BGREWRITEAOF" : random.between(0, 1) === 0 ? "BGSAVE" : "SAVE";
      const reply = await client.send(command);
      const text = described(reply);
      if (reply.kind === "error" && !REFUSED.test(text)) throw new Error(`${command}: ${text}`);
      if (command === "SAVE" && reply.kind !== "error") saves++;
    }
  } catch (error) {
    if (!(error instanceof ConnectionEnded)) throw error;
    return saves;
  } finally {
    await client.close();
  }
}

describe("kill -9 while checkpoints are taken back to back", () => {
  for (const sync of ["everysec", "always"] as const) {
    it(
      `loses nothing acknowledged and invents nothing, with aof_sync = ${sync}`,
      async () => {
        const random = new Randomness(seedOf(`kill -9 and checkpoints, ${sync}`));
        const writers = new Writers(CONNECTIONS, random);
        let server = await FerriteServer.start({ sync, settings: SETTINGS });
        let saves = 0;
        for (let round = 0; round < ROUNDS; round++) {
          const saving = saveUntilGone(server, random);
          const enough = random.between(500, 12_000);
          await writers.writeUntil(server.port, enough, () => server.process.signal("SIGKILL"));
          expect((await server.process.exited).signal, server.process.log).toBe("SIGKILL");
          saves += await saving;
          server = await server.restarted();
          await writers.verify(server.port);
          expect(server.process.log).not.toContain("damaged");
        }
        expect(saves).toBeGreaterThan(0);
        await server.stop();
      },
      60_000 + ROUNDS * 30_000,
    );
  }
});
