/** A limit that was lowered concerns what is written from now on, never what the log holds already. */
import { describe, expect, it } from "vitest";
import { Rig } from "../support/sim-rig.ts";

describe("a start with a lower proto-max-bulk-len", () => {
  it("loads longer strings, and refuses to make any", async () => {
    const before = await Rig.open();
    const writer = before.connect();
    expect(await writer.ask("SETRANGE k 2000000 x", "SETBIT bits 9000000 1")).toBe(":2000001\r\n:0\r\n");
    await before.until(before.running.stop());

    const after = await Rig.open({
      fileSystem: before.fileSystem,
      settings: { "server.proto_max_bulk_len": "1MB" },
    });
    const client = after.connect();
    expect(await client.ask("STRLEN k", "GETBIT bits 100", "BITCOUNT bits")).toBe(":2000001\r\n:0\r\n:1\r\n");
    expect(await client.ask("APPEND k x")).toBe(
      "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
    );
    await after.until(after.running.stop());
  });
});
