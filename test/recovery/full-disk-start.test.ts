/** A start over a log that was not synced, when there is no room to secure it: reads are served, nothing is lost. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { Rig } from "../support/sim-rig.ts";

/** What a server leaves that was killed after a sync of its log had failed. */
async function killedAfterFailedSync(): Promise<Rig> {
  const rig = await Rig.open();
  const client = rig.connect();
  await client.ask("SET durable 1");
  await rig.pass(2500);
  expect(await client.ask(`SET fresh ${"f".repeat(400)}`)).toBe("+OK\r\n");
  rig.fault = (operation) => (operation === "sync" ? { code: "EIO" } : undefined);
  await rig.pass(1200);
  expect(rig.database.log!.canWrite).toBe(false);
  return rig;
}

describe("a start without room for the unsynced end of the log", () => {
  it("serves reads, refuses writes, and heals when there is room", async () => {
    const before = await killedAfterFailedSync();
    const remains = before.fileSystem.kill({ fault: () => undefined });
    before.fileSystem.halt();
    remains.setCapacity(remains.usedBytes + 100);
    const rig = await Rig.open({ fileSystem: remains });
    const client = rig.connect();
    expect(await client.ask("GET durable", "STRLEN fresh", "SET more 1")).toBe(
      "$1\r\n1\r\n:400\r\n-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    );
    rig.fileSystem.setCapacity(Number.POSITIVE_INFINITY);
    await rig.pass(15_000);
    expect(await client.ask("SET more 1")).toBe("+OK\r\n");
    await rig.pass(2000);
    for (let seed = 0; seed < 20; seed++) {
      const next = await Rig.open({ fileSystem: rig.fileSystem.crash(new SeededRandom(seed)) });
      expect(await next.connect().ask("GET durable", "STRLEN fresh", "GET more")).toBe(
        "$1\r\n1\r\n:400\r\n$1\r\n1\r\n",
      );
    }
  });

  it("never trusts what a failed sync may have dropped: a power cut leaves a log that can be read", async () => {
    const before = await killedAfterFailedSync();
    for (let seed = 0; seed < 50; seed++) {
      const remains = before.fileSystem.kill({ fault: () => undefined });
      remains.setCapacity(remains.usedBytes + 100);
      const rig = await Rig.open({ fileSystem: remains });
      await rig.pass(3000);
      const next = await Rig.open({
        fileSystem: rig.fileSystem.crash(new SeededRandom(seed), { capacityBytes: 1e9 }),
      });
      expect(await next.connect().ask("GET durable")).toBe("$1\r\n1\r\n");
    }
  });
});
