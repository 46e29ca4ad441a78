/** restore, verify and inspect on the files of a real data set. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NodeClock } from "../../src/adapters/node/clock.ts";
import { createAofTools } from "../../src/cli/aof-tools.ts";
import { open } from "../../src/index.ts";
import { temporaryFolder } from "../support/temp.ts";
import { FakeHost } from "./fake-host.ts";

/** A data set with a backup, two checkpoints and a log behind them; nobody changes it. */
const SOURCE = join(temporaryFolder("cli-source"), "d");

async function contents(folder: string): Promise<unknown> {
  const db = await open(folder);
  try {
    const keys = (await db.call("DBSIZE")) as number;
    return [
      keys,
      String(await db.callText("GET", "text")),
      await db.call("HLEN", "big"),
      await db.call("ZCARD", "z"),
    ];
  } finally {
    await db.close();
  }
}

beforeAll(async () => {
  const db = await open(SOURCE);
  await db.call("SET", "text", 'a "quoted"\n\u0001value');
  await db.call("SET", "timed", "v", "PXAT", 4_000_000_000_000);
  for (let i = 0; i < 200; i++) {
    await db.call("HSET", "big", `field-${i}`, "v".repeat(40));
    await db.call("ZADD", "z", i + 0.5, `member-${i}-${"m".repeat(30)}`);
  }
  await db.call("SAVE");
  await db.call("BACKUP", "night");
  await db.call("SET", "later", "1");
  await db.close();
});

let host: FakeHost;
let folder = "";
beforeEach(() => {
  host = new FakeHost();
  Object.assign(host, { aof: createAofTools(host.files, new NodeClock()) });
  folder = host.path("d");
  cpSync(SOURCE, folder, { recursive: true });
});
afterEach(() => host.dispose());

const backup = (): string => join(folder, "backups", "night");
const firstOf = (sub: string, ending: string): string =>
  join(folder, sub, readdirSync(join(folder, sub)).find((name) => name.endsWith(ending))!);
const lastOf = (sub: string, ending: string): string =>
  join(folder, sub, readdirSync(join(folder, sub)).findLast((name) => name.endsWith(ending))!);

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 0xff;
  writeFileSync(path, bytes);
}

/** Names, sizes and bytes of all files. */
const everything = (): unknown =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [path, readFileSync(path).toString("base64")]);

describe("restore", () => {
  it("makes a directory that opens with exactly the state of the backup", async () => {
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new/place")).toBe(0);
    expect(host.output).toContain(`start with: ferrite --data-dir ${host.path("new", "place")}`);
    expect(readFileSync(host.path("new", "place", "IDENTITY"))).toEqual(
      readFileSync(join(folder, "IDENTITY")),
    );
    expect(await contents(host.path("new", "place"))).toEqual([4, 'a "quoted"\n\u0001value', 200, 200]);
    expect(await contents(folder)).toEqual([5, 'a "quoted"\n\u0001value', 200, 200]);
  });

  it("tells about it as JSON", async () => {
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new", "--json")).toBe(0);
    expect(JSON.parse(host.output)).toMatchObject({ dataDir: host.path("new"), lsn: 402, keys: 4 });
  });

  it("refuses a directory that holds data or is in use, and says what is there", async () => {
    expect(await host.run("restore", "--from", backup(), "--data-dir", "d")).toBe(4);
    expect(host.errors).toContain("holds data (IDENTITY, aof, checkpoints)");
    mkdirSync(host.path("new"));
    const lock = host.files.lockSync(host.path("new", "LOCK"), "somebody");
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new")).toBe(4);
    lock!.release();
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new")).toBe(0);
  });

  it("refuses a damaged backup before anything has its name, and may be repeated", async () => {
    const size = readFileSync(backup()).length;
    for (const at of [3, 70, Math.floor(size / 2), size - 5]) {
      flip(backup(), at);
      host.errors = "";
      expect(await host.run("restore", "--from", backup(), "--data-dir", "new"), `byte ${at}`).toBe(5);
      expect(host.errors).toContain(backup());
      expect(readdirSync(host.path("new")).sort()).toEqual(["LOCK", "checkpoints.restoring"]);
      expect(readdirSync(host.path("new", "checkpoints.restoring"))).toEqual(["segments"]);
      flip(backup(), at);
    }
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new")).toBe(0);
    expect(readdirSync(host.path("new")).sort()).toEqual(["IDENTITY", "LOCK", "checkpoints"]);
  });

  it("that was interrupted keeps a server from starting empty", async () => {
    mkdirSync(host.path("new", "checkpoints.restoring"), { recursive: true });
    writeFileSync(host.path("new", "checkpoints.restoring", "0000000001.index"), "half");
    await expect(open(host.path("new"))).rejects.toThrow("a restore did not come to its end");
    expect(await host.run("restore", "--from", backup(), "--data-dir", "new")).toBe(0);
    expect(await contents(host.path("new"))).toEqual([4, 'a "quoted"\n\u0001value', 200, 200]);
  });

  it("needs a backup", async () => {
    expect(await host.run("restore", "--data-dir", "new")).toBe(2);
    expect(await host.run("restore", "--from", "none", "--data-dir", "new")).toBe(2);
    expect(await host.run("restore", "--from", join(folder, "IDENTITY"), "--data-dir", "new")).toBe(5);
  });
});

describe("verify", () => {
  it("finds everything whole, and changes nothing", async () => {
    const before = everything();
    expect(await host.run("verify", "--data-dir", "d")).toBe(0);
    for (const word of [
      "IDENTITY: database",
      "checkpoint 2: LSN 402, 4 keys",
      "the log is intact up to LSN 403",
      `backup ${backup()}`,
    ])
      expect(host.output).toContain(word);
    expect(host.output).toContain(`${folder} is whole: 0 findings`);
    expect(everything()).toEqual(before);
  });

  it("takes no lock", async () => {
    const lock = host.files.lockSync(join(folder, "LOCK"), "a server");
    expect(await host.run("verify", "d", "--json")).toBe(0);
    expect(JSON.parse(host.output)).toMatchObject({ verdict: "whole", findings: [] });
    lock!.release();
  });

  it.each([
    ["IDENTITY", () => join(folder, "IDENTITY"), "restore it from a copy"],
    ["a manifest", () => join(folder, "checkpoints", "0000000002.manifest"), "checkpoint 1 is whole"],
    ["an index", () => join(folder, "checkpoints", "0000000002.index"), "checkpoint 1 is whole"],
    ["values", () => firstOf("checkpoints", ".values"), "no checkpoint is whole"],
    ["a segment", () => firstOf("checkpoints/segments", ".segment"), "no checkpoint is whole"],
    ["a backup", backup, "use another backup"],
  ])("finds damage in %s, and says what to do", async (_, pathOf, advice) => {
    const path = pathOf();
    flip(path, Math.floor(readFileSync(path).length / 2));
    expect(await host.run("verify", "--data-dir", "d", "--json")).toBe(5);
    const { verdict, findings } = JSON.parse(host.output);
    expect(verdict).toBe("damaged");
    expect(findings[0]).toMatchObject({ file: path, what: expect.any(String) });
    expect(findings[0].advice).toContain(advice);
    host.output = "";
    expect(await host.run("verify", "--data-dir", "d")).toBe(5);
    expect(host.output).toContain(`DAMAGED  ${path}`);
  });

  it("finds damage in the log, and a log that does not follow the checkpoints", async () => {
    // Not the first file: that part has left the log, and waits to be removed.
    const part = lastOf("aof", ".incr.aof");
    flip(part, 60);
    expect(await host.run("verify", "--data-dir", "d")).toBe(5);
    expect(host.output).toContain("ferrite aof repair");
    flip(part, 60);
    host.output = "";
    rmSync(join(folder, "checkpoints"), { recursive: true });
    expect(await host.run("verify", "--data-dir", "d")).toBe(5);
    expect(host.output).toMatch(/there is no whole checkpoint, and its part .* begins at LSN/);
  });

  it("reads a backup file by itself", async () => {
    expect(await host.run("verify", backup())).toBe(0);
    expect(host.output).toContain("checkpoint 2 at LSN 402, 4 keys");
    flip(backup(), 100);
    expect(await host.run("verify", backup())).toBe(5);
    expect(await host.run("verify", "nowhere")).toBe(2);
  });

  it("shows how far it has come on a terminal only", async () => {
    host.outputIsTerminal = true;
    expect(await host.run("verify", "--data-dir", "d")).toBe(0);
    expect(host.errors).toMatch(/\rverifying: \d+ %/);
  });
});

describe("inspect", () => {
  it("prints every kind of file", async () => {
    expect(await host.run("inspect", "d")).toBe(0);
    for (const kind of [
      "identity",
      "aof-manifest",
      "aof-part",
      "checkpoint-manifest",
      "index-image",
      "values-file",
      "segment",
      "backup",
    ]) {
      expect(host.output, kind).toMatch(new RegExp(`^${kind} file=`, "m"));
    }
    expect(host.output).toContain('record offset=8 key="text" keyspace=0 type=string encoding=0');
    expect(host.output).toContain("expiry=2096-10-02T07:06:40.000Z");
    expect(host.output).toContain('words="SET" "later" "1"');
    expect(host.output).toContain('member member="member-0-');
    expect(host.output).toMatch(/^packed-file name=0000000002\.manifest bytes=\d+$/m);
    expect(host.output).not.toMatch(/[^\n\x20-\x7e]/);
  });

  it("quotes bytes as redis-cli does", async () => {
    const log = await open(host.path("q"));
    await log.call("SET", "k", Buffer.from('\x00\x07\b\t\n\r"\\\xffé', "latin1"));
    await log.close();
    const name = readdirSync(host.path("q", "aof")).find((each) => each.endsWith(".incr.aof"))!;
    expect(await host.run("inspect", join("q", "aof", name))).toBe(0);
    expect(host.output).toContain('words="SET" "k" "\\x00\\a\\b\\t\\n\\r\\"\\\\\\xff\\xe9"');
  });

  it("prints the base of a log that was rewritten", async () => {
    const db = await open(host.path("r"), { config: { "persistence.checkpoint_enabled": false } });
    await db.call("SET", "k", "v");
    await db.call("BGREWRITEAOF");
    while (!/aof_rewrite_in_progress:0/.test(String(await db.callText("INFO", "persistence"))));
    await db.close();
    expect(await host.run("inspect", "r")).toBe(0);
    expect(host.output).toMatch(/^base name=appendonly\.aof\.1\.base\.aof seq=1 lsn=1 /m);
    expect(host.output).toMatch(/^frame offset=0 type=#B /m);
    expect(host.output).toContain('command db=0 words="SET" "k" "v"');
    expect(await host.run("verify", "r")).toBe(0);
  });

  it("prints JSON lines, and only so many entries", async () => {
    expect(await host.run("inspect", "d", "--json", "--limit", "1")).toBe(0);
    const lines = host.output
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string });
    expect(lines.filter(({ kind }) => ["field", "member"].includes(kind))).toHaveLength(1);
    expect(lines).toContainEqual({ kind: "more", what: "elements", count: 199 });
    host.output = "";
    expect(await host.run("inspect", firstOf("checkpoints", ".values"), "--limit", "0")).toBe(0);
    expect(host.output.match(/^field /gm)).toHaveLength(200);
    expect(host.output.match(/^member /gm)).toHaveLength(200);
    expect(host.output).not.toContain("more");
  });

  it("prints the slots of an index where they are asked for", async () => {
    const index = join(folder, "checkpoints", "0000000002.index");
    expect(await host.run("inspect", index)).toBe(0);
    expect(host.output).not.toContain("slot ");
    expect(host.output).toContain("index-summary subTables=1 keys=4 withExpiry=1 structures=2");
    expect(await host.run("inspect", index, "--keys")).toBe(0);
    expect(host.output.match(/^slot keyspace=0 prefix=00000000\/0 tag=[0-9a-f]{7} /gm)).toHaveLength(4);
  });

  it("prints what is before the damage, then the damage", async () => {
    const part = firstOf("aof", ".incr.aof");
    const size = readFileSync(part).length;
    truncateSync(part, size - 3);
    expect(await host.run("inspect", part)).toBe(5);
    expect(host.output).toMatch(/^aof-part file=/);
    expect(host.errors).toMatch(/at offset \d+: .*as after an interrupted write\n$/);
    for (const path of [
      join(folder, "IDENTITY"),
      join(folder, "checkpoints", "0000000002.manifest"),
      join(folder, "checkpoints", "0000000002.index"),
      firstOf("checkpoints", ".values"),
      firstOf("checkpoints/segments", ".segment"),
      firstOf("aof", ".manifest"),
      backup(),
    ]) {
      flip(path, Math.floor(readFileSync(path).length * 0.7));
      host.errors = "";
      expect(await host.run("inspect", path), path).toBe(5);
      expect(host.errors, path).toContain(path);
    }
  });

  it("refuses what it does not know", async () => {
    host.write("note.txt", "hello");
    expect(await host.run("inspect", "note.txt")).toBe(2);
    expect(await host.run("inspect")).toBe(2);
    expect(await host.run("inspect", "none")).toBe(2);
    expect(await host.run("inspect", "d", "--limit", "x")).toBe(2);
  });
});
