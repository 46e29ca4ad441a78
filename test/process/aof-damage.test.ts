/** A damaged append-only file: a cut end is repaired and told, damage before it stops the start with file and offset. */
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "../support/child-process.ts";
import { FerriteServer, failedStart } from "../support/ferrite-server.ts";
import type { RespClient } from "../support/resp-client.ts";
import { temporaryFolder } from "../support/temp.ts";

const CORRUPTION = 5;
const KEYS = 200;

/** A data directory with KEYS keys, one write each, left by kill -9. */
async function written(): Promise<{ dataDir: string; part: string }> {
  const server = await FerriteServer.start({ dataDir: temporaryFolder("data"), sync: "always" });
  const client = await server.client();
  for (let i = 0; i < KEYS; i++) await client.ask("SET", `key:${i}`, `value:${i}`);
  await client.close();
  await server.kill9();
  return { dataDir: server.dataDir, part: partOf(server.aofFolder) };
}

function partOf(folder: string): string {
  const parts = readdirSync(folder).filter((name) => name.endsWith(".incr.aof"));
  const largest = parts.sort((a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size)[0];
  return join(folder, largest!);
}

async function countOf(client: RespClient): Promise<number> {
  const reply = await client.ask("DBSIZE");
  return reply.kind === "integer" ? Number(reply.value) : -1;
}

describe("a damaged append-only file", () => {
  it("cut in its last write: starts with all writes before it, and says what it did", async () => {
    const { dataDir, part } = await written();
    // Behind the log lies prepared space, empty comment lines.
    const log = readFileSync(part, "latin1").replace(/(#\n)+$/, "");
    truncateSync(part, log.length - 7);
    const server = await FerriteServer.start({ dataDir });
    const client = await server.client();
    expect(await countOf(client)).toBe(KEYS - 1);
    expect(await client.send("GET", `key:${KEYS - 1}`)).toEqual({ kind: "null" });
    expect(server.process.log).toContain(part.split("/").at(-1)!);
    expect(server.process.log).toMatch(/torn|truncat|cut/i);
    await client.ask("SET", "after", "1");
    await client.close();
    await server.kill9();
    const again = await server.restarted();
    const reader = await again.client();
    expect(await countOf(reader)).toBe(KEYS);
    await reader.close();
    await again.stop();
  });

  it("followed by zeros, as after a power cut: starts with all writes", async () => {
    const { dataDir, part } = await written();
    appendFileSync(part, Buffer.alloc(5000));
    const server = await FerriteServer.start({ dataDir });
    const client = await server.client();
    expect(await countOf(client)).toBe(KEYS);
    await client.close();
    await server.stop();
  });

  it("with one bit flipped in the middle: refuses, names file and offset, and changes nothing", async () => {
    const { dataDir, part } = await written();
    const bytes = readFileSync(part);
    const at = bytes.indexOf("value:77");
    bytes[at] = bytes[at]! ^ 4;
    writeFileSync(part, bytes);
    const before = new Map(
      readdirSync(join(dataDir, "aof")).map((name) => [name, readFileSync(join(dataDir, "aof", name))]),
    );
    const { exit, log } = await failedStart({ dataDir, port: await freePort() });
    expect(exit.code, log).toBe(CORRUPTION);
    expect(log).toContain(part);
    const offsets = [...log.matchAll(/\b\d{3,}\b/g)].map(([digits]) => Number(digits));
    // The frame that holds the damaged byte begins at most one small frame before it.
    expect(
      offsets.some((offset) => offset <= at && offset > at - 200),
      log,
    ).toBe(true);
    expect(log).toMatch(/aof (check|repair)/);
    for (const [name, content] of before) expect(readFileSync(join(dataDir, "aof", name))).toEqual(content);
  });

  it("with a part missing: refuses and names it", async () => {
    const { dataDir, part } = await written();
    renameSync(part, `${dataDir}/elsewhere`);
    const { exit, log } = await failedStart({ dataDir, port: await freePort() });
    expect(exit.code, log).toBe(CORRUPTION);
    expect(log).toContain(part);
  });
});
