/** How a server ends: what was acknowledged is on disk, what was not is not answered, the directory is free. */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { Rig } from "../support/sim-rig.ts";

/** The next server over what a power cut now would leave. */
async function afterPowerLoss(rig: Rig): Promise<Rig> {
  const remains = rig.fileSystem.crash(new SeededRandom(7));
  rig.fileSystem.halt();
  return Rig.open({ fileSystem: remains });
}

describe("a stop", () => {
  it("leaves everything that was acknowledged on disk, also under no", async () => {
    for (const policy of ["always", "everysec", "no"]) {
      const rig = await Rig.open({ settings: { "persistence.aof_sync": policy } });
      const client = rig.connect();
      for (let i = 0; i < 50; i++) await client.ask(`SET k${i} ${i}`);
      await rig.until(rig.running.stop());
      expect(client.closed).toBe("ended");
      const next = await afterPowerLoss(rig);
      expect(await next.connect().ask("DBSIZE", "GET k49")).toBe(":50\r\n$2\r\n49\r\n");
    }
  });

  it("under load answers a prefix of what each client sent, and that prefix is on disk", async () => {
    const rig = await Rig.open({ settings: { "persistence.aof_sync": "always" } });
    const clients = Array.from({ length: 5 }, () => rig.connect());
    rig.holdDisk();
    for (let turn = 0; turn < 20; turn++) {
      clients.forEach((client, index) => {
        client.send(`APPEND k${index} x`);
      });
      for (let step = 0; step < 3; step++) rig.clock.step();
    }
    const stopping = rig.running.stop();
    rig.releaseDisk();
    await rig.until(stopping);
    const next = await afterPowerLoss(rig);
    const reader = next.connect();
    for (const [index, client] of clients.entries()) {
      const answered = client.take();
      const count = answered.split("\r\n").length - 1;
      expect(answered).toBe(Array.from({ length: count }, (_, i) => `:${i + 1}\r\n`).join(""));
      const onDisk = Number(/:(\d+)/.exec(await reader.ask(`STRLEN k${index}`))![1]);
      expect(onDisk).toBeGreaterThanOrEqual(count);
    }
  });

  it("refuses new connections", async () => {
    const rig = await Rig.open();
    await rig.until(rig.running.stop());
    expect(() => rig.connect()).toThrow(/not listening/);
  });

  it("does not wait for ever for a client that does not read", async () => {
    const rig = await Rig.open({ settings: { "server.shutdown_timeout": "2s" } });
    const client = rig.connect();
    await client.ask(`SET v ${"v".repeat(900_000)}`);
    client.pipe.stall();
    await client.ask("GET v");
    const before = rig.clock.monotonicMs();
    await rig.until(rig.running.stop());
    expect(rig.clock.monotonicMs() - before).toBeLessThan(3000);
  });

  it("frees the directory for the next server", async () => {
    const rig = await Rig.open();
    await rig.connect().ask("SET a 1");
    await rig.until(rig.running.stop());
    const again = await Rig.open({ fileSystem: rig.fileSystem });
    expect(await again.connect().ask("GET a")).toBe("$1\r\n1\r\n");
  });
});

describe("SHUTDOWN", () => {
  it("stops the server; the client sees the end of the connection", async () => {
    const rig = await Rig.open();
    const client = rig.connect();
    await client.ask("SET a 1");
    client.send("SHUTDOWN", "SET a 2");
    await rig.until(rig.running.ended);
    await rig.settle();
    expect(client.closed).not.toBe("no");
    const next = await afterPowerLoss(rig);
    expect(await next.connect().ask("GET a")).toBe("$1\r\n1\r\n");
  });
});
