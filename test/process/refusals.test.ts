/** Starts that must fail: at once, with one line that names what is wrong, and an exit code that says whose turn it is. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "../support/child-process.ts";
import { FerriteServer, failedStart } from "../support/ferrite-server.ts";
import { temporaryFolder } from "../support/temp.ts";
import { mountTmpfs, reasonNoTmpfs, unmount } from "./tmpfs.ts";

const UNAVAILABLE = 3;
const CONFLICT = 4;
const USAGE = 2;

/** What a person sees: one line per problem, no stack. */
function expectOneLine(log: string, ...words: string[]): void {
  const message = log.split("\n").find((line) => line.startsWith("ferrite: ")) ?? "";
  for (const word of words) expect(message, log).toContain(word);
  expect(log).not.toMatch(/^\s+at .*:\d+:\d+/m);
}

describe("a start that cannot be", () => {
  it("names the port that is taken", async () => {
    const first = await FerriteServer.start();
    const { exit, log } = await failedStart({ dataDir: temporaryFolder("data"), port: first.port });
    expect(exit.code, log).toBe(UNAVAILABLE);
    expectOneLine(log, String(first.port));
    await first.stop();
  });

  it("names the data directory that another server owns, and leaves that server alone", async () => {
    const first = await FerriteServer.start();
    const { exit, log } = await failedStart({ dataDir: first.dataDir, port: await freePort() });
    expect(exit.code, log).toBe(CONFLICT);
    expectOneLine(log, first.dataDir, String(first.process.pid));
    const client = await first.client();
    expect(await client.ask("SET", "still", "here")).toEqual({ kind: "text", text: "OK" });
    await client.close();
    await first.stop();
  });

  it("takes over a data directory whose owner was killed", async () => {
    const first = await FerriteServer.start();
    await first.kill9();
    const second = await FerriteServer.start({ dataDir: first.dataDir });
    await second.stop();
  });

  it("names a data directory that cannot be created", async () => {
    const file = join(temporaryFolder("data"), "file");
    writeFileSync(file, "");
    const { exit, log } = await failedStart({ dataDir: join(file, "data"), port: await freePort() });
    expect(exit.code, log).toBe(UNAVAILABLE);
    expectOneLine(log, join(file, "data"));
  });

  const reason = reasonNoTmpfs();
  it.skipIf(reason !== undefined)(
    `names a data directory on a read-only volume${reason ? ` (${reason})` : ""}`,
    async () => {
      const folder = mountTmpfs("4m", "ro");
      try {
        const { exit, log } = await failedStart({ dataDir: folder, port: await freePort() });
        expect(exit.code, log).toBe(UNAVAILABLE);
        expectOneLine(log, folder);
      } finally {
        unmount(folder);
      }
    },
  );

  it("names an option that it does not know, and the nearest one", async () => {
    const dataDir = temporaryFolder("data");
    const { exit, log } = await failedStart({ dataDir, port: await freePort(), settings: ["server.prot=1"] });
    expect(exit.code, log).toBe(USAGE);
    expectOneLine(log, "server.prot", "server.port");
  });

  it("does not start empty where data is but its identity is not", async () => {
    const dataDir = temporaryFolder("data");
    mkdirSync(join(dataDir, "aof"));
    const { exit, log } = await failedStart({ dataDir, port: await freePort() });
    expect(exit.code, log).toBe(5);
    expectOneLine(log, join(dataDir, "IDENTITY"));
  });
});
