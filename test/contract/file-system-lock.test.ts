/** Locks between processes: who holds one, and that death of any kind gives it back. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { composeNote, isHeldByNote } from "../../src/adapters/files/lock-note.ts";
import { NativeFileSystem } from "../../src/adapters/native/file-system.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { portableLock } from "../../src/adapters/node/portable-lock.ts";
import type { FileLock } from "../../src/ports/file-system.ts";
import { ADDON_PATH, addon } from "./file-systems.ts";

const NO_FLOCK = { flock: "no-such-program" };
const hasFlock = spawnSync("flock", ["--version"]).status === 0;
const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
const project = fileURLToPath(new URL("../../", import.meta.url));

type Way = "native" | "portable" | "note";
const native: Way[] = addon === undefined ? [] : ["native"];
const kernel: Way[] = hasFlock ? [...native, "portable"] : native;

/** A child cannot run TypeScript: the adapters are compiled once, into a folder of their own. */
let compiled: string;
beforeAll(() => {
  compiled = mkdtempSync(join(tmpdir(), "ferrite-lock-code-"));
  const sources = ["native/file-system.ts", "node/file-system.ts", "node/portable-lock.ts"];
  const parameters = [
    "--outDir",
    compiled,
    "--rootDir",
    "src",
    "--noCheck",
    "--module",
    "nodenext",
    "--target",
    "es2023",
  ];
  const result = spawnSync(
    process.execPath,
    [
      compiler,
      ...parameters,
      "--rewriteRelativeImportExtensions",
      "--ignoreConfig",
      ...sources.map((s) => `src/adapters/${s}`),
    ],
    { cwd: project, encoding: "utf8" },
  );
  writeFileSync(join(compiled, "package.json"), '{"type":"module"}');
  if (!existsSync(join(compiled, "adapters"))) throw new Error(`${result.stdout}${result.stderr}`);
});
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

let root: string;
let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "ferrite-lock-"));
  path = join(root, "LOCK");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

function lockHere(way: Way): FileLock | undefined {
  if (way === "native") return new NativeFileSystem(addon!).lockSync(path, "here");
  if (way === "portable") return new PortableFileSystem().lockSync(path, "here");
  return portableLock(path, "here", NO_FLOCK);
}

const EXPRESSIONS: Readonly<Record<Way, string>> = {
  native: `new (await import(at("native/file-system.js"))).NativeFileSystem(require(${JSON.stringify(ADDON_PATH)})).lockSync(path, "child")`,
  portable: `new (await import(at("node/file-system.js"))).PortableFileSystem().lockSync(path, "child")`,
  note: `(await import(at("node/portable-lock.js"))).portableLock(path, "child", ${JSON.stringify(NO_FLOCK)})`,
};

/** A process that tries to take the lock, says how it went, and lives until it is killed. */
async function lockInChild(way: Way): Promise<{ child: ChildProcess; answer: string }> {
  const script = `
    import { createRequire } from "node:module";
    const require = createRequire("/");
    const at = (name) => new URL("adapters/" + name, ${JSON.stringify(pathToFileURL(`${compiled}/`).href)}).href;
    const path = ${JSON.stringify(path)};
    const lock = ${EXPRESSIONS[way]};
    process.stdout.write(lock === undefined ? "refused" : "held");
    globalThis.kept = lock;
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const answer = await new Promise<string>((resolve) =>
    child.stdout!.once("data", (data) => resolve(String(data))),
  );
  return { child, answer };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

describe("locks among processes", () => {
  for (const theirs of [...kernel, "note"] as Way[]) {
    for (const ours of theirs === "note" ? ([...native, "portable", "note"] as Way[]) : kernel) {
      it(`a lock of another process (${theirs}) is refused here (${ours}) and free when it is killed`, async () => {
        const { child, answer } = await lockInChild(theirs);
        expect(answer).toBe("held");
        expect(lockHere(ours)).toBeUndefined();
        expect(readFileSync(path, "utf8")).toContain("child");
        expect(readFileSync(path, "utf8")).toContain(`pid ${child.pid}`);
        await kill(child);
        const lock = lockHere(ours);
        expect(lock).toBeDefined();
        lock!.release();
      });
    }
    it(`a lock held here (${theirs}) is refused to another process (${theirs})`, async () => {
      const lock = lockHere(theirs);
      expect((await lockInChild(theirs)).answer).toBe("refused");
      lock!.release();
      expect((await lockInChild(theirs)).answer).toBe("held");
    });
  }

  it("one process cannot take a lock twice by note either, and leaves no file behind but the lock", () => {
    const lock = lockHere("note");
    expect(lock).toBeDefined();
    expect(lockHere("note")).toBeUndefined();
    expect(readdirSync(root)).toEqual(["LOCK"]);
    lock!.release();
    lock!.release();
    expect(readdirSync(root)).toEqual([]);
  });
});

describe("the note of a lock", () => {
  it("holds for a living process of the same start only", () => {
    const note = composeNote("note", "version 1");
    expect(isHeldByNote(note)).toBe(true);
    expect(isHeldByNote(note.replace(/^boot .*$/m, "boot of-another-machine-start"))).toBe(false);
    expect(isHeldByNote(composeNote("kernel", "version 1"))).toBe(false);
    expect(isHeldByNote("")).toBe(false);
    expect(isHeldByNote("anything else\n")).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("does not take a reused process id for its holder", () => {
    const note = composeNote("note", "version 1");
    expect(isHeldByNote(note.replace(/^started .*$/m, "started 1"))).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("counts as held if its process cannot be seen from here", () => {
    const note = composeNote("note", "version 1").replace(/^space .*$/m, "space pid:[1]");
    expect(isHeldByNote(note.replace(/^pid .*$/m, "pid 4194303"))).toBe(true);
  });
});
