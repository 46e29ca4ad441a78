/** A stop that was asked for: exit code 0, and everything acknowledged is there afterwards. */
import { describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { Writers } from "./writers.ts";

describe("stopping under load", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    for (const sync of ["everysec", "always"] as const) {
      it(`${signal} ends with 0 and loses nothing acknowledged, with aof_sync = ${sync}`, async () => {
        const random = new Randomness(seedOf(`${signal}, ${sync}`));
        const writers = new Writers(16, random);
        let server = await FerriteServer.start({ sync });
        await writers.writeUntil(server.port, random.between(500, 3000), () => server.process.signal(signal));
        expect(await server.process.exited, server.process.log).toEqual({ code: 0, signal: null });
        server = await server.restarted();
        const { acknowledged, found } = await writers.verify(server.port);
        expect(found).toBeGreaterThanOrEqual(acknowledged);
        await server.stop();
      });
    }
  }

  it("SHUTDOWN ends with 0, closes the connection without a reply and keeps the data", async () => {
    let server = await FerriteServer.start();
    const client = await server.client();
    await client.ask("SET", "kept", "value");
    const refused = client.send("SHUTDOWN").catch((error: Error) => error.name);
    expect(await refused).toBe("ConnectionEnded");
    expect(await server.process.exited, server.process.log).toEqual({ code: 0, signal: null });
    server = await server.restarted();
    const again = await server.client();
    expect(await again.ask("GET", "kept")).toEqual({ kind: "text", text: "value" });
    await again.close();
    await server.stop();
  });

  it("frees the data directory: a second server can take it at once", async () => {
    const first = await FerriteServer.start();
    await first.stop();
    const second = await FerriteServer.start({ dataDir: first.dataDir });
    await second.stop();
  });
});
