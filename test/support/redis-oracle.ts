/**
 * A stock redis-server on a Unix socket, asked for raw replies: what it answers is what we have to answer.
 *
 * Pipelined: a batch of any size is one write, and its replies are cut apart by their grammar alone.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Argument } from "./command-harness.ts";

/** The version text if redis-server 7.0 is installed, else undefined: then tests against it are skipped. */
export function redisVersion(): string | undefined {
  const { status, stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  return status === 0 ? /v=(7\.0\.\d+)/.exec(stdout)?.[1] : undefined;
}

export class RedisOracle {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #socket: Socket;
  /** Bytes that belong to no reply yet, and those that arrived since they were last joined. */
  #received = Buffer.alloc(0);
  #arrived: Buffer[] = [];

  private constructor(process: ChildProcess, folder: string, socket: Socket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    // One listener for good: data that comes while nobody waits must not be lost.
    socket.on("data", (data: Buffer) => this.#arrived.push(data));
  }

  static async start(): Promise<RedisOracle> {
    const folder = mkdtempSync(join(tmpdir(), "redis-oracle-"));
    const path = join(folder, "socket");
    const process = spawn(
      "redis-server",
      ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder],
      { stdio: "ignore" },
    );
    for (let attempt = 0; attempt < 200; attempt++) {
      const socket = connect(path);
      const connected = await once(socket, "connect").then(
        () => true,
        () => false,
      );
      if (connected) return new RedisOracle(process, folder, socket);
      await delay(25);
    }
    process.kill();
    throw new Error("redis-server did not start");
  }

  /** The raw reply of each command, one character per byte. */
  async ask(commands: readonly (readonly Argument[])[]): Promise<string[]> {
    this.#socket.write(Buffer.concat(commands.map(encode)));
    const replies: string[] = [];
    let position = 0;
    while (replies.length < commands.length) {
      const end = replyEnd(this.#received, position);
      if (end < 0) {
        if (this.#arrived.length === 0) await once(this.#socket, "data");
        this.#received = Buffer.concat([this.#received.subarray(position), ...this.#arrived]);
        this.#arrived = [];
        position = 0;
        continue;
      }
      replies.push(this.#received.toString("latin1", position, end));
      position = end;
    }
    this.#received = this.#received.subarray(position);
    return replies;
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    this.#process.kill("SIGKILL");
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, "exit");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function encode(command: readonly Argument[]): Buffer {
  const parts = [Buffer.from(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = typeof argument === "object" ? Buffer.from(argument) : Buffer.from(String(argument));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** Where the reply that begins at `start` ends, or -1 if it is not all there. */
function replyEnd(bytes: Buffer, start: number): number {
  const line = bytes.indexOf("\r\n", start);
  if (line < 0) return -1;
  const count = Number(bytes.toString("latin1", start + 1, line));
  let position = line + 2;
  switch (String.fromCharCode(bytes[start]!)) {
    case "$":
    case "=":
      if (count < 0) return position;
      position += count + 2;
      return position <= bytes.length ? position : -1;
    case "*":
    case "~":
    case "%": {
      const children = bytes[start] === 37 ? count * 2 : count;
      for (let i = 0; i < children && position >= 0; i++) position = replyEnd(bytes, position);
      return position;
    }
    default:
      return position;
  }
}

export type Decoded = string | number | null | readonly Decoded[];

/** A RESP2 reply (one character per byte) as plain values; errors as their text. */
export function decodeReply(raw: string): Decoded {
  return decodeAt(raw, 0)[0];
}

function decodeAt(raw: string, start: number): [Decoded, number] {
  const line = raw.indexOf("\r\n", start);
  const text = raw.slice(start + 1, line);
  let position = line + 2;
  switch (raw[start]) {
    case ":":
      return [Number(text), position];
    case "$": {
      const length = Number(text);
      return length < 0 ? [null, position] : [raw.slice(position, position + length), position + length + 2];
    }
    case "*": {
      const children: Decoded[] = [];
      for (let i = 0; i < Number(text); i++) {
        const [child, next] = decodeAt(raw, position);
        children.push(child);
        position = next;
      }
      return [Number(text) < 0 ? null : children, position];
    }
    default:
      return [text, position];
  }
}
