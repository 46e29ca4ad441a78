/** The addon's life in its environment: workers, exits, abandoned transports, exceptions of the handler. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { addonProblem } from "../../src/adapters/native/addon.ts";

const folder = process.env["FERRITE_NATIVE_BUILD"] === "Sanitize" ? "Sanitize" : "Release";
const addonPath = fileURLToPath(new URL(`../../build/${folder}/ferrite.node`, import.meta.url));

/** A server on the bare addon functions, as a program text: workers and child processes cannot load TypeScript. */
const SERVER = `
  const addon = require(${JSON.stringify(addonPath)});
  const { isMainThread, parentPort } = require("node:worker_threads");
  function serve(onEvent) {
    const arena = new Uint8Array(65536), events = new Int32Array(64);
    const handle = addon.transportCreate(arena, events, new Float64Array(100), new Int32Array(2));
    let stopped = false;
    addon.transportStart(handle, (count) => {
      for (let i = 0; i < count; i++) onEvent(handle, events[i * 4], events[i * 4 + 1], events[i * 4 + 3], arena);
    }, () => { stopped = true; });
    return { handle, port: addon.transportListenTcp(handle, "127.0.0.1", 0, 511, 0), isStopped: () => stopped };
  }
  const echo = (handle, slot, kind, length, arena) => {
    if (kind === 1) addon.transportSend(handle, arena, Int32Array.of(slot, 0, length), 1);
    if (kind === 2) addon.transportClose(handle, slot, true);
    if (kind === 3) addon.transportRelease(handle, slot);
  };
  const client = (port, onData) => require("node:net").connect(port, "127.0.0.1").on("data", onData).on("error", () => {});
`;

function run(program: string): { status: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, ["--expose-gc", "-e", SERVER + program], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status: result.status, stdout: result.stdout.trim(), stderr: result.stderr };
}

describe.skipIf(addonProblem() !== "")(
  "native transport in its environment (skipped without the addon)",
  () => {
    it("serves from several workers, and each can be terminated with connections open and output queued", async () => {
      const program = `${SERVER}
      const big = new Uint8Array(8 << 20);
      const server = serve((handle, slot, kind) => {
        if (kind === 1) addon.transportSend(handle, big, Int32Array.of(slot, 0, big.length), 1);
      });
      parentPort.postMessage(server.port);`;
      for (let round = 0; round < 5; round++) {
        const workers = [1, 2, 3].map(() => new Worker(program, { eval: true }));
        const sockets = await Promise.all(
          workers.map(async (worker) => {
            const [port] = (await once(worker, "message")) as [number];
            const socket = connect(port, "127.0.0.1");
            socket.on("error", () => {});
            socket.write("x");
            await once(socket, "data");
            socket.pause();
            return socket;
          }),
        );
        const closed = sockets.map((socket) => once(socket, "close"));
        await Promise.all(workers.map((worker) => worker.terminate()));
        for (const socket of sockets) socket.resume();
        await Promise.all(closed);
      }
    });

    it("lets a process end by itself after a stop, and at once by process.exit", () => {
      const stopping = run(`
      const server = serve(echo);
      const socket = client(server.port, () => { addon.transportStop(server.handle, true); });
      socket.write("hello");
      socket.on("close", () => setImmediate(() => setImmediate(() => console.log("stopped", server.isStopped()))));`);
      expect(stopping).toEqual({ status: 0, stdout: "stopped true", stderr: "" });
      const exiting = run(`
      const server = serve(echo);
      client(server.port, () => { console.log("bye"); process.exit(7); }).write("hello");`);
      expect(exiting).toEqual({ status: 7, stdout: "bye", stderr: "" });
    });

    it("does not keep a process alive whose listening failed", () => {
      const result = run(`
      const { handle } = serve(echo);
      addon.transportCloseListener(handle, 0);
      console.log(addon.transportListenTcp(handle, "192.0.2.1", 1, 511, 1) < 0);`);
      expect(result).toEqual({ status: 0, stdout: "true", stderr: "" });
    });

    it("is collected after a stop, or when it was never started", () => {
      const result = run(`
      for (let i = 0; i < 50; i++) addon.transportCreate(new Uint8Array(65536), new Int32Array(64), new Float64Array(10), new Int32Array(2));
      let server = serve(echo);
      const registry = new FinalizationRegistry(() => console.log("collected"));
      registry.register(server.handle, 0);
      addon.transportStop(server.handle, false);
      server = undefined;
      let rounds = 0;
      const timer = setInterval(() => { gc(); if (++rounds === 20) clearInterval(timer); }, 5);`);
      expect(result).toEqual({ status: 0, stdout: "collected", stderr: "" });
    });

    it("passes an exception of the handler to uncaughtException and goes on", () => {
      const result = run(`
      let thrown = 0;
      process.on("uncaughtException", (error) => { thrown++; console.log(error.message); });
      const server = serve((handle, slot, kind, length, arena) => {
        if (kind === 1 && thrown === 0) throw new Error("once");
        echo(handle, slot, kind, length, arena);
      });
      const socket = client(server.port, (data) => { console.log(String(data)); process.exit(0); });
      socket.write("a");
      const timer = setInterval(() => { if (thrown > 0) { clearInterval(timer); socket.write("b"); } }, 1);`);
      expect(result.stdout).toBe("once\nb");
      expect(result.status).toBe(0);
    });

    it("runs promises and ticks of one turn before anything else", () => {
      const result = run(`
      const order = [];
      const server = serve((handle, slot, kind, length, arena) => {
        if (kind !== 1) return;
        setImmediate(() => { order.push("immediate"); console.log(order.join()); process.exit(0); });
        process.nextTick(() => order.push("tick"));
        Promise.resolve().then(() => order.push("promise"));
      });
      client(server.port, () => {}).write("a");`);
      expect(result.stdout).toBe("tick,promise,immediate");
    });

    it("keeps serving when the process has no descriptors left", () => {
      const result = run(`
      const { openSync, closeSync } = require("node:fs");
      const held = [];
      const server = serve(echo);
      try { for (;;) held.push(openSync("/dev/null")); } catch (error) { if (error.code !== "EMFILE") throw error; }
      closeSync(held.pop());
      const refused = client(server.port, () => {});
      refused.on("close", () => {
        for (const descriptor of held.splice(0)) closeSync(descriptor);
        client(server.port, (data) => { console.log(String(data)); process.exit(0); }).write("served");
      });`);
      expect(result.stdout).toBe("served");
    });
  },
);
