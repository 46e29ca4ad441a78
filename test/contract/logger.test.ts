/** The log: Redis's levels, one line per event, whatever the fields hold. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { createLogger, type LoggerOptions } from "../../src/adapters/node/logger.ts";

function capture(options: Partial<LoggerOptions>): { log: ReturnType<typeof createLogger>; lines: string[] } {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  return {
    log: createLogger({ level: "notice", clock: new VirtualClock(), format: "json", sink, ...options }),
    lines,
  };
}

describe("logger", () => {
  it("writes JSON lines with the clock's time, the level's name and the fields", () => {
    const { log, lines } = capture({});
    log.notice("ready to accept connections", { port: 6379, tls: false, path: undefined });
    expect(lines).toHaveLength(1);
    expect(lines[0]!.endsWith("\n")).toBe(true);
    expect(JSON.parse(lines[0]!)).toEqual({
      level: "notice",
      time: "2001-09-09T01:46:40.000Z",
      pid: process.pid,
      port: 6379,
      tls: false,
      event: "ready to accept connections",
    });
  });

  it("holds back what is below the level, also after it was changed", () => {
    const { log, lines } = capture({ level: "verbose" });
    const all = (): void => {
      log.debug("d");
      log.verbose("v");
      log.notice("n");
      log.warning("w");
    };
    all();
    log.setLevel("warning");
    all();
    log.setLevel("debug");
    all();
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(["v", "n", "w", "w", "d", "v", "n", "w"]);
  });

  it("never lets a field hide a part of the line", () => {
    const { log, lines } = capture({});
    log.warning("taken", { level: "mine", time: 1, event: "other", pid: 2 });
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: "warning",
      event: "taken",
      pid: process.pid,
      level_: "mine",
      time_: 1,
      event_: "other",
      pid_: 2,
    });
    expect(lines[0]!.match(/"level":/g)).toHaveLength(1);
  });

  it("is one line in either form, even for hostile values", () => {
    for (const format of ["json", "pretty"] as const) {
      const { log, lines } = capture({ format });
      log.notice("event", { a: "two\nlines", b: "\u001b[31m", c: "with space", d: "" });
      expect(lines).toHaveLength(1);
      expect(lines[0]!.indexOf("\n")).toBe(lines[0]!.length - 1);
      expect(lines[0]).not.toContain("\u001b");
    }
  });

  it("is readable on a terminal", () => {
    const { log, lines } = capture({ format: "pretty", level: "debug" });
    log.notice("aof opened", { file: "data/aof", bytes: 12 });
    log.warning("slow sync", { why: "disk is busy" });
    expect(lines).toEqual([
      "2001-09-09T01:46:40.000Z * aof opened file=data/aof bytes=12\n",
      '2001-09-09T01:46:40.000Z # slow sync why="disk is busy"\n',
    ]);
  });

  it("appends to a file, makes its folder, and follows a rotation", () => {
    const folder = mkdtempSync(join(tmpdir(), "ferrite-log-"));
    const file = join(folder, "logs", "ferrite.log");
    const log = createLogger({ level: "notice", clock: new VirtualClock(), file, format: "pretty" });
    log.notice("one");
    expect(JSON.parse(readFileSync(file, "utf8")).event).toBe("one");
    renameSync(file, `${file}.1`);
    log.reopen();
    log.notice("two");
    expect(JSON.parse(readFileSync(file, "utf8")).event).toBe("two");
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(!existsSync("/dev/full"))("does not stop, nor grow, when its disk is full", () => {
    const log = createLogger({ level: "notice", clock: new VirtualClock(), file: "/dev/full" });
    for (let i = 0; i < 30_000; i++) log.notice("x".repeat(100), { i });
    expect(log).toBeDefined();
  });

  it.skipIf(!existsSync("/proc/self"))("says at once that its folder cannot be made", () => {
    const file = "/proc/none/ferrite.log";
    expect(() => createLogger({ level: "notice", clock: new VirtualClock(), file })).toThrow(/ENOENT/);
  });
});
