/**
 * A raw client: commands out, reply bytes back, in order, over TCP or a unix socket.
 *
 * Invariants: the n-th promise of `send` gets the n-th reply; when the connection ends, every reply still owed is
 * refused with `ConnectionEnded`. It knows no command, so it can send what a well-behaved client would not.
 */
import { connect, type Socket } from "node:net";
import { decodeReply, type RespValue, replyEnd } from "./resp-value.ts";

export type Argument = string | Uint8Array;
export type Command = readonly Argument[];

export class ConnectionEnded extends Error {
  override readonly name = "ConnectionEnded";
}

interface Waiter {
  resolve(raw: Buffer): void;
  reject(error: Error): void;
}

/** The command as a client sends it; strings are latin1. */
export function encodeCommand(command: Command): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${command.length}\r\n`)];
  for (const argument of command) {
    const bytes = typeof argument === "string" ? Buffer.from(argument, "latin1") : argument;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

export class RespClient {
  /** Settles when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #arrived: Buffer[] = [];
  #arrivedBytes = 0;
  /** Length of `#unread` and what arrived below which no reply can be complete: a large one is not searched again and again. */
  #neededBytes = 1;
  #hasEnded = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#receive(data));
    // The reason matters to nobody: what is owed is refused either way.
    socket.on("error", () => {});
    this.ended = new Promise((resolve) => {
      socket.once("close", () => {
        this.#hasEnded = true;
        for (const waiter of this.#waiters.splice(0)) waiter.reject(new ConnectionEnded("connection ended"));
        resolve();
      });
    });
  }

  static connect(address: { port: number; host?: string } | { path: string }): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = connect("path" in address ? address : { host: "127.0.0.1", ...address });
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RespClient(socket));
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Bytes received that belong to no complete reply that was asked for. */
  get leftOver(): Buffer {
    return Buffer.concat([this.#unread, ...this.#arrived]);
  }

  /** Sends bytes as they are; pair it with `replies`. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Ends the sending side; the server sees the end of the stream. */
  endWriting(): void {
    this.#socket.end();
  }

  /** The next reply's bytes. */
  reply(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#serve();
      if (this.#hasEnded) {
        for (const waiter of this.#waiters.splice(0)) waiter.reject(new ConnectionEnded("connection ended"));
      }
    });
  }

  replies(count: number): Promise<Buffer[]> {
    return Promise.all(Array.from({ length: count }, () => this.reply()));
  }

  /** Sends one command; answers its reply, decoded. */
  async send(...command: Argument[]): Promise<RespValue> {
    this.write(encodeCommand(command));
    return decodeReply(await this.reply());
  }

  /** As `send`, but a reply that is an error fails. */
  async ask(...command: Argument[]): Promise<RespValue> {
    const value = await this.send(...command);
    if (value.kind === "error") throw new Error(`${String(command[0])}: ${value.text}`);
    return value;
  }

  /** Sends all commands at once; answers the bytes of their replies. */
  pipeline(commands: readonly Command[]): Promise<Buffer[]> {
    this.write(Buffer.concat(commands.map(encodeCommand)));
    return this.replies(commands.length);
  }

  close(): Promise<void> {
    this.#socket.destroy();
    return this.ended;
  }

  #receive(data: Buffer): void {
    this.#arrived.push(data);
    this.#arrivedBytes += data.length;
    this.#serve();
  }

  /** Hands complete replies to those who wait for them. */
  #serve(): void {
    if (this.#waiters.length === 0 || this.#unread.length + this.#arrivedBytes < this.#neededBytes) return;
    const bytes = this.#arrivedBytes === 0 ? this.#unread : this.leftOver;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    this.#neededBytes = 1;
    let position = 0;
    while (this.#waiters.length > 0 && position < bytes.length) {
      const end = replyEnd(bytes, position);
      if (end < 0) {
        this.#neededBytes = -end - position;
        break;
      }
      this.#waiters.shift()!.resolve(bytes.subarray(position, end));
      position = end;
    }
    this.#unread = bytes.subarray(position);
  }
}

/** One conversation: sends the bytes, ends the sending side, answers all that comes until the server closes. */
export async function converse(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(bytes));
    socket.on("data", (data) => answer.push(data));
    // A server that closes while bytes are still under way resets the connection; what it said has arrived.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(answer)));
  });
}

/** True if the server at the port answers PING now. */
export async function answersPing(port: number): Promise<boolean> {
  let client: RespClient;
  try {
    client = await RespClient.connect({ port });
  } catch {
    return false;
  }
  try {
    const reply = await client.send("PING");
    return reply.kind === "text" && reply.text === "PONG";
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
