import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeClock } from "../../src/adapters/node/clock.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { openLog } from "../../src/aof/open-log.ts";
import { readLog } from "../../src/aof/read-log.ts";
import { createAofTools } from "../../src/cli/aof-tools.ts";
import type { Logger } from "../../src/ports/logger.ts";

const STEM = "appendonly.aof";
const silent: Logger = { debug() {}, verbose() {}, notice() {}, warning() {}, setLevel() {} };
const files = new PortableFileSystem();
const clock = new NodeClock();
const tools = createAofTools(files, clock);

let base = "";
let folder = "";
beforeEach(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "ferrite-aof-")));
  folder = join(base, "aof");
  await writeLog(10);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** One frame per effect: SET k<i> v. */
async function writeLog(effects: number): Promise<void> {
  const summary = await readLog({ fs: files, folder: ensure(folder), handler: { effect() {} } });
  const log = await openLog({ fs: files, folder, summary, clock, logger: silent, policy: "no" });
  for (let i = 0; i < effects; i++) {
    log.begin(0, 3);
    for (const word of ["SET", `k${i}`, "v"]) log.argumentText(word);
    log.end();
    log.commitTurn(1_700_000_000_000 + i);
  }
  await log.close();
}

function ensure(path: string): string {
  files.makeDirectorySync(path);
  return path;
}

const part = (): string => join(folder, files.listSync(folder).find((name) => name.endsWith(".incr.aof"))!);

function damageMiddle(): void {
  const bytes = readFileSync(part());
  bytes[bytes.indexOf("k4")]! ^= 1;
  writeFileSync(part(), bytes);
}

describe("the tools of the append-only file", () => {
  it("report on an intact log", () => {
    expect(tools.check(folder, STEM)).toMatchObject({
      verdict: "intact",
      summary: "the log is intact up to LSN 10",
    });
    const { report, summary } = tools.stats(folder, STEM);
    expect(report).toMatchObject({ effects: 10, lastLsn: 10, commands: { SET: 10 } });
    expect(summary).toMatch(/^10 effects in 1 parts, \d+ bytes, up to LSN 10$/);
  });

  it("call an incomplete end torn and damage before valid frames damaged, with part and offset", () => {
    appendFileSync(part(), "#F 11 1 99");
    const torn = tools.check(folder, STEM);
    expect(torn.verdict).toBe("torn");
    expect(torn.summary).toMatch(
      /^the last write is incomplete \(appendonly\.aof\.1\.incr\.aof at offset \d+: /,
    );
    damageMiddle();
    const damaged = tools.check(folder, STEM);
    expect(damaged.verdict).toBe("damaged");
    expect(damaged.summary).toMatch(/^the log is damaged: appendonly\.aof\.1\.incr\.aof at offset \d+: /);
  });

  it("repair into a copy that is intact, leave the original alone and say what is lost", () => {
    damageMiddle();
    const before = statSync(part()).size;
    const into = join(base, "fixed");
    const cut = tools.repair(folder, STEM, { mode: "cut", into });
    expect(cut.summary).toMatch(/^kept \d+ bytes up to LSN 4; dropped \d+ bytes; lost: LSN 5 to /);
    expect(tools.check(into, STEM)).toMatchObject({
      verdict: "intact",
      summary: "the log is intact up to LSN 4",
    });
    expect(tools.check(folder, STEM).verdict).toBe("damaged");
    expect(statSync(part()).size).toBe(before);
  });

  it("truncate a copy, say where it was cut, and leave the original alone", () => {
    const into = join(base, "cut");
    const { summary } = tools.truncate(folder, STEM, { target: { lsn: 4 }, into });
    expect(summary).toMatch(
      /ends at LSN 4 \(2023-11-14T22:13:20\.003Z\), verified; cut in appendonly\.aof\.1\.incr\.aof at /,
    );
    expect(tools.check(into, STEM).summary).toBe("the log is intact up to LSN 4");
    expect(tools.check(folder, STEM).summary).toBe("the log is intact up to LSN 10");
  });
});
