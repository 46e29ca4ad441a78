/**
 * A disk that fills up: writes are refused with MISCONF, reads go on, and when there is room again writes resume by
 * themselves. Nothing acknowledged before, during or after is lost.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import type { RespClient } from "../support/resp-client.ts";
import { mountTmpfs, reasonNoTmpfs, unmount } from "./tmpfs.ts";

const reason = reasonNoTmpfs();
/** More than the rest of the volume: what was not yet synced is written anew, whole, when there is room again. */
const BALLAST_BYTES = 24 * 1024 * 1024;
const VALUE = "v".repeat(20_000);
const STATUS_TIMEOUT_MS = 30_000;

class Ledger {
  readonly #client: RespClient;
  #next = 0;
  #isOver = false;
  readonly #acknowledged: string[] = [];

  constructor(client: RespClient) {
    this.#client = client;
  }

  /** Writes one key; answers the error's text, or undefined if it was acknowledged. May wait for a disk that is full. */
  async write(): Promise<string | undefined> {
    const key = `key:${this.#next++}`;
    const reply = await this.#client.send("SET", key, VALUE + key);
    if (reply.kind === "error") return reply.text;
    this.#acknowledged.push(key);
    return undefined;
  }

  /** Writes until `finish`, whatever the answers; the write that filled the disk may wait for its reply meanwhile. */
  async writeOn(): Promise<void> {
    while (!this.#isOver) {
      const refusal = await this.write();
      if (refusal === undefined) continue;
      expect(refusal).toMatch(/^MISCONF /);
      await pause(20);
    }
  }
  finish(): void {
    this.#isOver = true;
  }

  async expectAll(client: RespClient): Promise<void> {
    expect(this.#acknowledged.length).toBeGreaterThan(10);
    for (const key of [...this.#acknowledged]) {
      const reply = await client.send("GET", key);
      if (reply.kind !== "text" || reply.text !== VALUE + key)
        throw new Error(`${key} was acknowledged and is lost`);
    }
  }
}

const pause = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));

/**
 * Waits until INFO says that writing the log works, or fails; answers a connection that was opened after that.
 * A connection that asked while the write that failed was under way has to wait with it: what it read might be lost.
 */
async function untilStatus(server: FerriteServer, status: "ok" | "err"): Promise<RespClient> {
  const deadline = performance.now() + STATUS_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const client = await server.client();
    const info = await Promise.race([client.ask("INFO", "persistence").catch(() => undefined), pause(500)]);
    if (info?.kind === "text" && info.text.includes(`aof_last_write_status:${status}\r`)) return client;
    await client.close();
    await pause(20);
  }
  throw new Error(`aof_last_write_status did not become ${status}\n${server.process.log}`);
}

describe.skipIf(reason !== undefined)(`a full disk${reason ? ` (${reason})` : ""}`, () => {
  for (const sync of ["everysec", "always"] as const) {
    it(`refuses writes, serves reads, resumes and keeps all it acknowledged, with aof_sync = ${sync}`, async () => {
      const volume = mountTmpfs("40m");
      try {
        const ballast = join(volume, "ballast");
        writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES, 1));
        let server = await FerriteServer.start({ dataDir: join(volume, "data"), sync });
        const ledger = new Ledger(await server.client());
        const writing = ledger.writeOn();

        const reader = await untilStatus(server, "err");
        const refused = await reader.send("SET", "another", "1");
        expect(refused.kind === "error" && refused.text).toMatch(/^MISCONF /);
        expect(await reader.send("PING")).toEqual({ kind: "text", text: "PONG" });
        await ledger.expectAll(reader);

        rmSync(ballast);
        await (await untilStatus(server, "ok")).close();
        expect(await reader.send("SET", "another", "2")).toEqual({ kind: "text", text: "OK" });
        ledger.finish();
        await writing;
        await ledger.expectAll(reader);

        await server.kill9();
        server = await server.restarted();
        const again = await server.client();
        await ledger.expectAll(again);
        await again.close();
        await server.stop();
      } finally {
        unmount(volume);
      }
    });
  }
});
