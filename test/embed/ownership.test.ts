/** Who may have a directory, and how processes and threads that have opened one come to their end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { open } from "../../src/index.ts";
import { freePort, RunningProcess } from "../support/child-process.ts";
import { temporaryFolder } from "../support/temp.ts";
import { builtProject } from "./built-package.ts";
import { fileKinds, openFolder } from "./support.ts";

/** Opens a directory in another process, prints a line, and holds it until its input ends. */
const HOLDER = `
  import { open } from "ferrite";
  const db = await open(process.argv[2], { config: { "server.io": process.argv[3] }, logger: "silent" });
  await db.set("from", "another process");
  console.log("open");
  process.stdin.resume();
  process.stdin.on("end", async () => { await db.close(); });
`;

describe.each(fileKinds)("on %s files a directory", (kind) => {
  const config = { "server.io": kind } as const;

  it("is one opener's within a process", async () => {
    const folder = temporaryFolder("embed-twice");
    const db = await openFolder(folder, config);
    await db.set("k", 1);
    for (const io of fileKinds) {
      await expect(open(folder, { logger: "silent", config: { "server.io": io } })).rejects.toMatchObject({
        name: "FerriteError",
        kind: "conflict",
        message: expect.stringContaining(folder),
      });
    }
    expect(await db.getText("k")).toBe("1");
    await db.close();
    const again = await openFolder(folder, config);
    expect(await again.getText("k")).toBe("1");
  });

  it("is one process's", async () => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-processes");
    const script = project.write(`holder-${kind}.mjs`, HOLDER);
    const holder = spawn(process.execPath, [script, folder, kind], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    await expect(openFolder(folder, config)).rejects.toMatchObject({ kind: "conflict" });
    holder.stdin.end();
    expect(await once(holder, "exit")).toEqual([0, null]);
    const db = await openFolder(folder, config);
    expect(await db.getText("from")).toBe("another process");
  });

  it("is free, and whole, after its process was killed", async () => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-killed");
    const script = project.write(`killed-${kind}.mjs`, HOLDER);
    const holder = spawn(process.execPath, [script, folder, kind], { stdio: ["pipe", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const db = await openFolder(folder, config);
    expect(await db.getText("from")).toBe("another process");
  });

  it("is a server's while it runs", async () => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-server");
    const main = join(project.folder, "node_modules/ferrite/dist/cli/main.js");
    const port = await freePort();
    const words = [main, "--data-dir", folder, "--port", String(port), "--set", `server.io=${kind}`];
    const server = new RunningProcess(process.execPath, words, { cwd: project.folder });
    while (!server.log.includes("ready to accept")) await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(openFolder(folder, config)).rejects.toMatchObject({ kind: "conflict" });
    expect((await server.terminate()).code).toBe(0);
    const db = await openFolder(folder, config);
    await db.set("k", 1);
    const second = new RunningProcess(process.execPath, words, { cwd: project.folder });
    expect((await second.exited).code).not.toBe(0);
    expect(second.log).toMatch(/in use/);
  });
});

describe("a process", () => {
  it("ends by itself with a database open and idle, and loses nothing", async () => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-exit");
    const output = await project.module(
      `
      import { open } from "ferrite";
      const db = await open(process.argv[2]);
      const client = db.client();
      await client.set("k", "v", { ttlMs: 1000000 });
      console.log("done");
    `,
      [folder],
    );
    expect(output).toBe("done\n");
    expect(await (await openFolder(folder)).getText("k")).toBe("v");
  });

  it("does not end while a call waits", async () => {
    const project = await builtProject();
    const output = await project.module(
      `
      import { open } from "ferrite";
      const db = await open(process.argv[2], { config: { "persistence.aof_sync": "always" } });
      await db.call("CLIENT", "PAUSE", 300, "WRITE");
      await db.set("k", "v");
      console.log("after the pause");
      console.log(await db.call("WAITAOF", 0, 1, 300));
    `,
      [temporaryFolder("embed-pause")],
    );
    expect(output).toBe("after the pause\n[ 1, 0 ]\n");
  });
});

describe("a worker thread", () => {
  const WORKER = `
    import { open } from "ferrite";
    import { parentPort, workerData } from "node:worker_threads";
    const { folder, io, mode } = workerData;
    const db = await open(folder, { config: { "server.io": io, "persistence.aof_sync": "always" }, logger: "silent" });
    await Promise.all(Array.from({ length: 100 }, (_, i) => db.set("k" + i, i)));
    parentPort.postMessage(await db.getText("k99"));
    if (mode === "close") await db.close();
    if (mode === "stay") setInterval(() => {}, 1000);
  `;

  it.each(fileKinds)("opens a database on %s files, closes it, and ends by itself", async (io) => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-worker");
    const script = project.write(`worker-${io}.mjs`, WORKER);
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(script, { workerData: { folder, io, mode: "close" } });
      const exited = once(worker, "exit");
      expect(await once(worker, "message")).toEqual(["99"]);
      expect(await exited).toEqual([0]);
    }
    expect(await (await openFolder(folder)).dbSize()).toBe(100);
  });

  it.each(fileKinds)("has a directory on %s files to itself", async (io) => {
    const project = await builtProject();
    const folder = temporaryFolder("embed-worker-lock");
    const script = project.write(`worker-lock-${io}.mjs`, WORKER);
    const db = await openFolder(folder, { "server.io": io });
    const worker = new Worker(script, { workerData: { folder, io, mode: "close" } });
    const [error] = (await once(worker, "error")) as [Error];
    expect(error).toMatchObject({ kind: "conflict" });
    await db.close();
  });

  it.each(fileKinds)("that ends without closing leaves a directory on %s files free", async (io) => {
    const project = await builtProject();
    const script = project.write(`worker-end-${io}.mjs`, WORKER);
    for (const mode of ["leave", "stay"]) {
      const folder = temporaryFolder("embed-worker-end");
      const worker = new Worker(script, { workerData: { folder, io, mode } });
      const exited = once(worker, "exit");
      await once(worker, "message");
      if (mode === "stay") await worker.terminate();
      await exited;
      expect(await (await openFolder(folder, { "server.io": io })).dbSize()).toBe(100);
    }
  });
});
