/** What only the addon's threads promise: no waiting for other files, clean ends of workers and processes. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NativeFileSystem } from "../../src/adapters/native/file-system.ts";
import { ADDON_PATH, addon, append, bytesOf, pattern, settle, textOf, write } from "./file-systems.ts";

describe.skipIf(addon === undefined)("native files", () => {
  let root: string;
  const path = (name: string): string => join(root, name);
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "ferrite-native-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("syncs one file while the threads of twenty others are stuck", async () => {
    const system = new NativeFileSystem(addon!);
    const bytes = pattern(300_000);
    // A pipe that nobody reads takes 64 KiB; an append of more holds its thread until somebody does.
    const stuck = Array.from({ length: 20 }, (_, i) => {
      spawnSync("mkfifo", [path(`pipe${i}`)]);
      const file = system.openSync(path(`pipe${i}`), "append");
      return { file, appended: settle((done) => file.append(bytes, 0, bytes.length, false, done)) };
    });
    const log = system.openSync(path("log"), "append");
    await append(log, "entry", true);
    const into = new Uint8Array(5);
    expect(await log.read(0, into, 0, 5)).toBe(5);
    log.close();
    expect(textOf(into)).toBe("entry");
    for (const { file } of stuck) expect(Buffer.compare(drain(file.path, bytes.length), bytes)).toBe(0);
    await Promise.all(stuck.map(({ appended }) => appended));
    for (const { file } of stuck) file.close();
  });

  it("survives more operations at once than it has threads", async () => {
    const system = new NativeFileSystem(addon!);
    const files = Array.from({ length: 200 }, (_, i) => system.openSync(path(`f${i}`), "create"));
    await Promise.all(files.map((file) => append(file, "x", true)));
    await Promise.all(files.map((file) => settle((done) => file.sync(done))));
    for (const file of files) file.close();
    expect(readdirSync(root)).toHaveLength(200);
  });

  it("keeps the array of an append until its callback, even if nobody else does", async () => {
    const system = new NativeFileSystem(addon!);
    const file = system.openSync(path("a"), "append");
    for (let round = 0; round < 20; round++) {
      const appended = settle((done) =>
        file.append(new Uint8Array(1_000_000).fill(round), 0, 1_000_000, false, done),
      );
      for (let i = 0; i < 20; i++) new Uint8Array(1_000_000);
      await appended;
    }
    file.close();
    const found = system.readFileSync(path("a"));
    for (let round = 0; round < 20; round++) expect(found[round * 1_000_000 + 999_999]).toBe(round);
  });

  it("turns an exception of a callback into an uncaught one, and goes on", () => {
    const script = `
      const addon = require(${JSON.stringify(ADDON_PATH)});
      const fd = addon.fileOpen(${JSON.stringify(path("a"))}, 1);
      process.on("uncaughtException", (error) => {
        process.stdout.write("caught " + error.message + ";");
        addon.fileBeginSync(fd, () => process.stdout.write("next"));
      });
      addon.fileBeginSync(fd, () => { Promise.resolve().then(() => process.stdout.write("reaction;")); });
      addon.fileBeginSync(fd, () => { throw new Error("mine"); });`;
    const child = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(child.stderr).toBe("");
    expect(child.stdout.split(";").sort()).toEqual(["caught mine", "next", "reaction"]);
    expect(child.status).toBe(0);
  });

  it("keeps the process alive exactly until what is under way has ended", () => {
    const script = `
      const addon = require(${JSON.stringify(ADDON_PATH)});
      const fd = addon.fileOpen(${JSON.stringify(path("a"))}, 1);
      const bytes = Buffer.alloc(5e6, 1);
      addon.fileBeginAppend(fd, bytes, 0, bytes.length, true, (n) => process.stdout.write("done " + n));`;
    const child = spawnSync(process.execPath, ["-e", script], { encoding: "utf8", timeout: 30_000 });
    expect(child).toMatchObject({ status: 0, stdout: "done 5000000" });
  });

  it("ends with process.exit in the middle of everything", () => {
    const script = `
      const addon = require(${JSON.stringify(ADDON_PATH)});
      const bytes = Buffer.alloc(3e6, 1);
      for (let i = 0; i < 100; i++) {
        const fd = addon.fileOpen(${JSON.stringify(path("x"))} + i, 1);
        addon.fileBeginAppend(fd, bytes, 0, bytes.length, true, () => { if (i === 3) process.exit(7); });
      }`;
    const child = spawnSync(process.execPath, ["-e", script], { encoding: "utf8", timeout: 30_000 });
    expect(child).toMatchObject({ status: 7, stderr: "" });
  });

  it("ends with process.exit while blocks are being written, and is kept alive by them", () => {
    const script = (exit: string): string => `
      const addon = require(${JSON.stringify(ADDON_PATH)});
      const path = ${JSON.stringify(path("blocks"))};
      require("node:fs").writeFileSync(path, Buffer.alloc(1 << 20, 1), { flush: true });
      const fd = addon.fileOpen(path, 3);
      const bytes = Buffer.alloc(addon.FILE_BLOCK_BYTES * 2, 2);
      const done = (n) => process.stdout.write("done " + (n === bytes.length));
      if (addon.fileOpenDirect(fd, path) !== 0) process.stdout.write("done true");
      else if (addon.fileBeginDirect(fd, 0, bytes, 0, bytes.length, done) !== 0) process.stdout.write("refused");
      else if (addon.fileBeginDirect(fd, 0, bytes, 0, bytes.length, done) === 0) process.stdout.write("twice");
      ${exit}`;
    const run = (exit: string) => {
      const child = spawnSync(process.execPath, ["-e", script(exit)], { encoding: "utf8", timeout: 30_000 });
      return { status: child.status, stdout: child.stdout, stderr: child.stderr };
    };
    expect(run("")).toEqual({ status: 0, stdout: "done true", stderr: "" });
    expect(run("addon.fileClose(fd);")).toEqual({ status: 0, stdout: "done true", stderr: "" });
    expect(run("process.exit(7);")).toMatchObject({ status: 7, stderr: "" });
    expect(run("addon.fileClose(fd); process.exit(7);")).toMatchObject({ status: 7, stderr: "" });
    expect(
      readFileSync(path("blocks"))
        .subarray(0, 8192)
        .every((byte) => byte === 2),
    ).toBe(true);
  });

  it("writes blocks only where they were opened: another file under the same name is none of its business", () => {
    write(new NativeFileSystem(addon!), path("a"), "first");
    const descriptor = addon!.fileOpen(path("a"), 3);
    rmSync(path("a"));
    write(new NativeFileSystem(addon!), path("a"), "second");
    expect(addon!.fileOpenDirect(descriptor, path("a"))).toBeLessThan(0);
    const bytes = new Uint8Array(addon!.FILE_BLOCK_BYTES);
    expect(addon!.fileBeginDirect(descriptor, 0, bytes, 0, bytes.length, () => {})).toBeLessThan(0);
    addon!.fileClose(descriptor);
  });

  it("lets workers end with files open, mapped and being written, and leaks no descriptor", async () => {
    const script = `
      const { parentPort, workerData } = require("node:worker_threads");
      const addon = require(workerData.addon);
      const bytes = Buffer.alloc(1e6, 1);
      for (let i = 0; i < 20; i++) {
        const fd = addon.fileOpen(workerData.path + i, 1);
        addon.fileAppend(fd, bytes, 0, 10);
        const { map, PROT_READ, MAP_SHARED } = addon.mapping;
        globalThis["kept" + i] = map(10, PROT_READ, MAP_SHARED, fd);
        addon.fileBeginAppend(fd, bytes, 0, bytes.length, true, () => {});
        const over = addon.fileOpen(workerData.path + i, 3);
        if (addon.fileOpenDirect(over, workerData.path + i) === 0)
          addon.fileBeginDirect(over, 0, bytes, 0, addon.FILE_BLOCK_BYTES, () => {});
      }
      parentPort.postMessage("busy");
      setInterval(() => {}, 1000);`;
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) {
      const worker = new Worker(script, {
        eval: true,
        workerData: { addon: ADDON_PATH, path: path(`w${round}-`) },
      });
      await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
      await worker.terminate();
    }
    expect(openDescriptors()).toBeLessThanOrEqual(before + 3);
  });

  it("reserves disk space before it is written", () => {
    const system = new NativeFileSystem(addon!);
    const file = system.openSync(path("a"), "append");
    file.allocateSync(4_000_000);
    const blocks = spawnSync("stat", ["-c", "%b %s", path("a")], { encoding: "utf8" });
    file.close();
    if (blocks.status !== 0) return; // macOS spells it differently; the size is checked by the contract
    const [used, size] = blocks.stdout.split(" ").map(Number);
    expect(size).toBe(0);
    expect(used! * 512).toBeGreaterThanOrEqual(4_000_000);
  });

  it("reads bytes just written without going to the disk", () => {
    if (process.platform !== "linux") return; // elsewhere the answer is always -1
    const system = new NativeFileSystem(addon!);
    write(system, path("a"), "0123456789");
    const file = system.openSync(path("a"), "read");
    const into = new Uint8Array(10);
    expect(file.readResidentSync(2, into, 0, 4)).toBe(4);
    expect(textOf(into.subarray(0, 4))).toBe("2345");
    expect(file.readResidentSync(8, into, 0, 10)).toBe(2);
    expect(file.readResidentSync(10, into, 0, 10)).toBe(0);
    file.close();
  });

  it("closes only what it has opened", () => {
    expect(addon!.fileClose(1)).toBeLessThan(0);
    expect(addon!.fileOpen(path("no/a"), 0)).toBeLessThan(0);
    const descriptor = addon!.fileOpen(path("a"), 1);
    expect(addon!.fileAppend(descriptor, bytesOf("x"), 0, 1)).toBe(1);
    expect(addon!.fileClose(descriptor)).toBe(0);
    expect(addon!.fileClose(descriptor)).toBeLessThan(0);
    expect(readFileSync(path("a"), "utf8")).toBe("x");
  });
});

function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}

function drain(pipe: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const descriptor = openSync(pipe, "r+");
  for (let done = 0; done < length; ) done += readSync(descriptor, bytes, done, length - done, null);
  closeSync(descriptor);
  return bytes;
}
