/** A stock redis-server for parity tests: started on a free port, killed with the tests, absent if not installed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import type { Reply } from "../../src/protocol/reply.ts";
import { ReplyReader } from "../../src/protocol/reply-reader.ts";

/** Why parity tests cannot run here, or undefined. The texts compared are those of Redis 7.0. */
export function whyNoRedis(): string | undefined {
  const version = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return "redis-server is not installed";
  return version.stdout.includes("v=7.0.") ? undefined : `redis-server is not 7.0: ${version.stdout.trim()}`;
}

export interface StockRedis {
  readonly port: number;
  stop(): void;
}

export async function startRedis(): Promise<StockRedis> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    "redis-server",
    [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--enable-debug-command",
      "yes",
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise<void>((resolve, reject) => {
    let log = "";
    child.stdout?.on("data", (data: Buffer) => {
      log += data.toString();
      if (log.includes("Ready to accept connections")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
  });
  return { port, stop: () => child.kill("SIGKILL") };
}

/** Sends the bytes, ends the sending side, and answers all that comes back until the server closes. */
export function converse(port: number, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(bytes));
    socket.on("data", (data) => answer.push(data));
    // A server that closes while bytes are still under way resets the connection; what it said has arrived.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : reject(error),
    );
    socket.on("close", () => resolve(new Uint8Array(Buffer.concat(answer))));
  });
}

/** Sends commands and answers their replies, one per command. */
export function ask(port: number, commands: readonly string[]): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    const reader = new ReplyReader();
    const replies: Reply[] = [];
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write(commands.join(""), "latin1"));
    socket.on("error", reject);
    socket.on("close", () =>
      reject(new Error(`closed after ${replies.length} of ${commands.length} replies`)),
    );
    socket.on("data", (data) => {
      reader.push(data);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
      if (replies.length < commands.length) return;
      resolve(replies);
      socket.destroy();
    });
  });
}

export function repliesIn(bytes: Uint8Array): Reply[] {
  const reader = new ReplyReader();
  reader.push(bytes);
  const replies: Reply[] = [];
  for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
  return replies;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
