/** BACKUP writes below one folder, whatever it is asked for. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { backupPath } from "../../src/backup/backup-place.ts";
import { temporaryFolder } from "../support/temp.ts";

let directory = "";
let outside = "";
beforeEach(() => {
  outside = temporaryFolder("outside");
  directory = join(temporaryFolder("backups"), "backups");
});

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const place = (asked?: string): string =>
  backupPath(
    { fs: new PortableFileSystem(), directory, fileName: "checkpoint.ferrite", nowMs: NOW_MS },
    asked,
  );

describe("the place of a backup", () => {
  it("is below the folder, which is made", () => {
    expect(place("a")).toBe(`${directory}/a`);
    mkdirSync(join(directory, "daily"));
    expect(place("daily/a.ferrite")).toBe(`${directory}/daily/a.ferrite`);
    expect(place(`${directory}/daily/b`)).toBe(`${directory}/daily/b`);
  });

  it("has the configured name, with the time in it if that exists", () => {
    expect(place()).toBe(`${directory}/checkpoint.ferrite`);
    writeFileSync(join(directory, "checkpoint.ferrite"), "");
    expect(place()).toBe(`${directory}/checkpoint-20260102T030405Z.ferrite`);
    writeFileSync(join(directory, "checkpoint-20260102T030405Z.ferrite"), "");
    expect(() => place()).toThrow("exists and is left as it is");
  });

  it("is never outside of the folder, and the refusal names it", () => {
    for (const asked of [
      "../a",
      "x/../../a",
      "/etc/a",
      `${directory}/../a`,
      "",
      ".",
      "a/",
      "a//b",
      "a\0b",
      `${directory}x/a`,
    ]) {
      expect(() => place(asked), asked).toThrow(`backups are written below ${directory} only`);
    }
  });

  it("is not where a link leads outside", () => {
    place("a");
    symlinkSync(outside, join(directory, "link"));
    expect(() => place("link/a")).toThrow(`backups are written below ${directory} only`);
    writeFileSync(join(outside, "file"), "");
    symlinkSync(join(outside, "file"), join(directory, "file"));
    expect(() => place("file")).toThrow("exists");
    mkdirSync(join(directory, "real"));
    symlinkSync(join(directory, "real"), join(directory, "inner"));
    expect(place("inner/a")).toBe(`${directory}/inner/a`);
  });

  it("is no file that exists, none in a folder that does not, and none that looks unfinished", () => {
    place("a");
    writeFileSync(join(directory, "a"), "");
    expect(() => place("a")).toThrow(`ERR ${directory}/a exists`);
    expect(() => place("none/a")).toThrow(`create ${directory}/none first`);
    expect(() => place("a/b")).toThrow(`create ${directory}/a first`);
    expect(() => place("b.new")).toThrow("not finished");
  });
});
