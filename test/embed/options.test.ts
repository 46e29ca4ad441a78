/** What a program may say when it opens a database, and what it hears when that is wrong. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ConfigOptions, FerriteError, type LogFields, open } from "../../src/index.ts";
import { temporaryFolder } from "../support/temp.ts";
import { builtProject } from "./built-package.ts";
import { closeAfterTest, openFolder } from "./support.ts";

const refusal = async (attempt: Promise<unknown>): Promise<FerriteError> => {
  const reason = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(reason).toBeInstanceOf(FerriteError);
  return reason as FerriteError;
};

describe("options", () => {
  it("mean what they mean in the configuration file", async () => {
    const db = await openFolder(undefined, {
      "persistence.aof_sync": "always",
      "storage.max_memory": "100MB",
      "storage.max_memory_policy": "allkeys-lru",
      "server.databases": 4,
      "server.hz": 50,
      "logging.level": "debug",
    });
    expect(
      await db.callText("CONFIG", "GET", "maxmemory", "maxmemory-p*", "appendfsync", "databases", "hz"),
    ).toEqual(
      new Map([
        ["maxmemory", String(100 * 1024 * 1024)],
        ["maxmemory-policy", "allkeys-lru"],
        ["appendfsync", "always"],
        ["databases", "4"],
        ["hz", "50"],
      ]),
    );
  });

  it("can be changed while the database is open", async () => {
    const db = await openFolder();
    await db.call("CONFIG", "SET", "appendfsync", "always", "maxmemory", "1gb");
    expect(await db.set("k", 1)).toBe(true);
    expect(await db.call("WAITAOF", 1, 0, 0)).toEqual([1, 0]);
  });

  it("enforce the memory limit", async () => {
    const db = await openFolder(undefined, { "storage.max_memory": "1MB" });
    // As in Redis the limit is looked at before a command: the one that crosses it is still executed.
    await db.set("k", Buffer.alloc(4 * 1024 * 1024));
    await expect(db.set("l", 1)).rejects.toMatchObject({ code: "OOM" });
    expect(await db.strlen("k")).toBe(4 * 1024 * 1024);
  });

  it("are refused where they are wrong, each with its reason", async () => {
    const folder = temporaryFolder("embed-options");
    const attempt = (config: object): Promise<FerriteError> =>
      refusal(open(folder, { config: config as ConfigOptions, logger: "silent" }));
    expect((await attempt({ "persistence.aof_sink": "always" })).message).toMatch(
      /did you mean 'persistence.aof_sync'/,
    );
    const several = await attempt({ "persistence.aof_sync": "sometimes", "server.hz": 0 });
    expect(several.kind).toBe("usage");
    expect(several.message).toMatch(/persistence\.aof_sync.*\n.*server\.hz/s);
    expect((await attempt({ "server.port": 6379 })).message).toMatch(/belongs to the server/);
    expect((await attempt({ "server.tls.port": 1 })).message).toMatch(/belongs to the server/);
    expect((await attempt({ "storage.data_dir": "x" })).message).toMatch(/first argument/);
    const db = await openFolder(folder, {});
    expect(await db.dbSize()).toBe(0);
  });

  it("must name a directory, or none at all", async () => {
    for (const where of ["", undefined, null, {}, { memory: false }, 5]) {
      expect((await refusal(open(where as string))).kind).toBe("usage");
    }
    const config = { "persistence.aof_enabled": true };
    expect((await refusal(open({ memory: true, config }))).message).toMatch(/kept nowhere/);
    const file = join(temporaryFolder("embed-file"), "file");
    writeFileSync(file, "");
    expect((await refusal(open(file, { logger: "silent" }))).kind).toBe("unavailable");
  });

  it("do not come from the environment or from a file in the working directory", async () => {
    const project = await builtProject();
    project.write("ferrite.toml", "[server]\nno_such_option = 1\n");
    const output = await project.module(`
      process.env.FERRITE_SERVER_DATABASES = "3";
      process.env.FERRITE_NO_SUCH_OPTION = "3";
      const { open } = await import("ferrite");
      const db = await open({ memory: true });
      console.log(await db.callText("CONFIG", "GET", "databases"));
      await db.close();
    `);
    expect(output).toBe("Map(1) { 'databases' => '16' }\n");
  });
});

describe("events", () => {
  it("go to the program's own logger, or to the file it names", async () => {
    const folder = temporaryFolder("embed-events");
    const first = await openFolder(folder);
    await first.set("k", 1);
    await first.close();
    const aof = join(folder, "aof");
    const name = readdirSync(aof).find((entry) => entry.endsWith(".aof"))!;
    writeFileSync(join(aof, name), Buffer.concat([readFileSync(join(aof, name)), Buffer.from("#torn")]));
    const events: [string, LogFields | undefined][] = [];
    const note = (event: string, fields?: LogFields): void => void events.push([event, fields]);
    const logger = { debug: note, verbose: note, notice: note, warning: note, setLevel() {} };
    const db = closeAfterTest(await open(folder, { logger }));
    expect(events.map(([event]) => event).join("\n")).toMatch(/torn/);
    await db.close();
    const log = join(folder, "events.log");
    writeFileSync(join(aof, name), Buffer.concat([readFileSync(join(aof, name)), Buffer.from("#torn")]));
    closeAfterTest(await open(folder, { config: { "logging.file": log } }));
    expect(readFileSync(log, "utf8")).toMatch(/^\{"level":"warning".*torn.*\}\n/);
  });

  it("go to standard error, from warnings up, and never to standard output", async () => {
    const project = await builtProject();
    const output = await project.module(`
      import { open } from "ferrite";
      const db = await open("./events", { config: { "server.enable_debug_command": "yes", "logging.level": "debug" } });
      await db.call("DEBUG", "LOG", "to standard error");
      await db.close();
    `);
    expect(output).toBe("");
  });
});

describe("a defect inside", () => {
  it("refuses every call and is told to the process, instead of leaving promises open", async () => {
    const project = await builtProject();
    const output = await project.module(`
      const inside = new URL("./node_modules/ferrite/dist/", import.meta.url);
      const { openWith } = await import(new URL("embed/open.js", inside));
      const { configFor } = await import(new URL("embed/options.js", inside));
      const { NodeClock } = await import(new URL("adapters/node/clock.js", inside));
      const { NodeRandom } = await import(new URL("adapters/node/random.js", inside));
      const { MemoryFileSystem } = await import(new URL("adapters/memory/file-system.js", inside));
      const { heapBuffers } = await import(new URL("ports/buffers.js", inside));
      class Clock extends NodeClock {
        wallMs() {
          if (this.broken) throw new Error("the clock stands still");
          return super.wallMs();
        }
      }
      const clock = new Clock();
      const random = new NodeRandom();
      const logger = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };
      const fileSystem = new MemoryFileSystem({ random, soon: setImmediate });
      const db = await openWith(configFor(undefined, {}), { clock, random, logger, fileSystem, buffers: heapBuffers });
      const waiting = db.call("WAITAOF", 0, 1, 0).catch((error) => error.kind);
      const clients = [db.client(), db.client()];
      await clients[0].set("k", 1);
      process.on("uncaughtException", (error) => console.log("uncaught:", error.message));
      clock.broken = true;
      const gets = clients.map((client) => client.get("k").catch((error) => error));
      const [one, two] = await Promise.all(gets);
      clock.broken = false;
      console.log(one.kind, two.message);
      console.log(await waiting, await db.get("k").catch((error) => error.kind));
    `);
    expect(output).toContain("uncaught: the clock stands still\n");
    expect(output).toMatch(/^closed the database stopped: the clock stands still; /m);
    expect(output).toContain("closed closed\n");
  });
});
