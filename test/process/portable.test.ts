/** Without the native addon, as after `npm ci --ignore-scripts`: everything works on Node's own sockets and files. */
import { describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { textOf } from "../support/resp-value.ts";
import { Randomness, seedOf } from "../support/seed.ts";
import { Writers } from "./writers.ts";

describe("without the native addon", () => {
  it("serves, says so, and survives kill -9", async () => {
    const random = new Randomness(seedOf("portable"));
    const writers = new Writers(8, random);
    let server = await FerriteServer.start({ env: { FERRITE_NO_NATIVE: "1" } });
    const client = await server.client();
    const info = textOf(await client.ask("INFO", "server"));
    expect(info).toContain("transport:portable");
    expect(info).toContain("file_system:portable");
    expect(server.process.log).toContain("portable");
    await client.close();
    await writers.writeUntil(server.port, 2000, () => server.process.signal("SIGKILL"));
    await server.process.exited;
    server = await server.restarted();
    await writers.verify(server.port);
    await server.stop();
  });

  it("reads what the native path wrote, and the other way round", async () => {
    const writers = new Writers(4, new Randomness(seedOf("portable and native")));
    let server = await FerriteServer.start();
    for (const env of [{ FERRITE_NO_NATIVE: "1" }, { FERRITE_NO_NATIVE: "0" }]) {
      await writers.writeUntil(server.port, 500, () => server.process.signal("SIGTERM"));
      await server.process.exited;
      server = await FerriteServer.start({ dataDir: server.dataDir, env });
      await writers.verify(server.port);
    }
    await server.stop();
  });
});
