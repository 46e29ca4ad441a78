/**
 * redis-server and Ferrite side by side: the same bytes to both, their replies and contents compared.
 *
 * Invariants: both begin a sequence empty, on new connections; of these one at a time has commands under way, so that
 * both servers execute them in the same order; a reply that does not come is a difference like any
 * other. The redis-server is the oracle and is never restarted, so what it holds is what Ferrite must hold after any
 * restart of its own.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { FerriteServer } from "../support/ferrite-server.ts";
import { SESSIONS, type Unit } from "../support/random-commands.ts";
import { RedisServer } from "../support/redis-server.ts";
import { type Command, ConnectionEnded, encodeCommand, type RespClient } from "../support/resp-client.ts";
import { removeFolder, temporaryFolder } from "../support/temp.ts";
import { compareContents, readContents } from "./contents.ts";
import { sameReply } from "./rules.ts";

export type Protocol = 2 | 3;

/** How far a sequence is taken; each stage includes those before it. */
export const STAGES = ["replies", "contents", "restart", "stock redis"] as const;
export type Stage = (typeof STAGES)[number];

export interface Difference {
  readonly stage: Stage;
  /** The command, or what was compared. */
  readonly at: string;
  readonly redis: string;
  readonly ferrite: string;
}

const UNITS_PER_BATCH = 16;
const REPLY_TIMEOUT_MS = 20_000;
const CLOSED = "connection closed";

export class Pair {
  readonly #redis: RedisServer;
  #ferrite: FerriteServer;
  #restarts = 0;

  private constructor(redis: RedisServer, ferrite: FerriteServer) {
    this.#redis = redis;
    this.#ferrite = ferrite;
  }

  static async start(): Promise<Pair> {
    return new Pair(await RedisServer.start(), await FerriteServer.start());
  }

  async stop(): Promise<void> {
    await this.#redis.stop();
    await this.#ferrite.kill9();
  }

  /** Runs the sequence up to and including the stage; answers the first difference, or undefined. */
  async run(units: readonly Unit[], protocol: Protocol, upTo: Stage): Promise<Difference | undefined> {
    const wanted = STAGES.indexOf(upTo);
    const replies = await this.#afterCrash(await this.#compareReplies(units, protocol));
    if (replies !== undefined || wanted < 1) return replies;
    const contents = await this.#compareWith(this.#ferrite, "contents");
    if (contents !== undefined || wanted < 2) return contents;
    await this.#restart();
    const restart = await this.#compareWith(this.#ferrite, "restart");
    if (restart !== undefined || wanted < 3) return restart;
    return this.#compareStock();
  }

  async #compareReplies(units: readonly Unit[], protocol: Protocol): Promise<Difference | undefined> {
    const redis = await connect(this.#redis);
    const ferrite = await connect(this.#ferrite);
    const all = [...redis, ...ferrite];
    try {
      for (const client of [redis[0]!, ferrite[0]!]) await client.ask("FLUSHALL");
      if (protocol === 3) for (const client of all) await client.ask("HELLO", "3");
      for (const batch of batchesOf(units)) {
        const session = batch[0]!.session ?? 0;
        const difference = await compareBatch(batch, redis[session]!, ferrite[session]!);
        if (difference !== undefined) return difference;
      }
      return undefined;
    } finally {
      await Promise.all(all.map((client) => client.close()));
    }
  }

  /** A server that has ended is told with its log, and replaced, so that the sequence can be minimised. */
  async #afterCrash(difference: Difference | undefined): Promise<Difference | undefined> {
    if (difference?.ferrite !== CLOSED) return difference;
    const { exited } = this.#ferrite.process;
    const exit = await Promise.race([
      exited,
      new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000)),
    ]);
    if (exit === undefined) return difference;
    const { log } = this.#ferrite.process;
    this.#ferrite = await this.#ferrite.restarted();
    return { ...difference, ferrite: `ended with ${JSON.stringify(exit)}\n${log.slice(-3000)}` };
  }

  async #compareWith(other: FerriteServer | RedisServer, stage: Stage): Promise<Difference | undefined> {
    const [expected, found] = await Promise.all([contentsOf(this.#redis), contentsOf(other)]);
    const lines = compareContents(expected, found);
    if (lines.length === 0) return undefined;
    return { stage, at: "contents of all databases", redis: "", ferrite: lines.slice(0, 20).join("\n") };
  }

  /** By turns as an operator would and as a crash would. */
  async #restart(): Promise<void> {
    if (this.#restarts++ % 2 === 0) await this.#ferrite.kill9();
    else await this.#ferrite.stop();
    this.#ferrite = await this.#ferrite.restarted();
  }

  /** A stock redis-server on a copy of Ferrite's append-only file. */
  async #compareStock(): Promise<Difference | undefined> {
    const folder = temporaryFolder("stock");
    cpSync(this.#ferrite.aofFolder, join(folder, "aof"), { recursive: true });
    const words = ["--appendonly", "yes", "--appenddirname", "aof", "--appendfilename", "appendonly.aof"];
    let stock: RedisServer;
    try {
      stock = await RedisServer.start({ folder, words });
    } catch (error) {
      return { stage: "stock redis", at: "start", redis: "loads", ferrite: String(error) };
    }
    try {
      return await this.#compareWith(stock, "stock redis");
    } finally {
      await stock.stop();
      removeFolder(folder);
    }
  }
}

function connect(server: FerriteServer | RedisServer): Promise<RespClient[]> {
  return Promise.all(Array.from({ length: SESSIONS }, () => server.client()));
}

async function contentsOf(
  server: FerriteServer | RedisServer,
): Promise<Awaited<ReturnType<typeof readContents>>> {
  const client = await server.client();
  try {
    return await readContents(client);
  } finally {
    await client.close();
  }
}

/** Pipelined as clients do, each by one connection; a unit that waits ends its batch. */
function batchesOf(units: readonly Unit[]): Unit[][] {
  const batches: Unit[][] = [[]];
  for (const unit of units) {
    const first = batches.at(-1)![0];
    if (first !== undefined && (first.session ?? 0) !== (unit.session ?? 0)) batches.push([]);
    const batch = batches.at(-1)!;
    batch.push(unit);
    if (batch.length === UNITS_PER_BATCH || unit.pauseMs !== undefined) batches.push([]);
  }
  return batches.filter((batch) => batch.length > 0);
}

async function compareBatch(
  batch: readonly Unit[],
  redis: RespClient,
  ferrite: RespClient,
): Promise<Difference | undefined> {
  const bytes = Buffer.concat(batch.flatMap((unit) => unit.commands.map(encodeCommand)));
  const commands = batch.flatMap(answeredCommands);
  const [left, right] = await Promise.all([
    exchange(redis, bytes, commands),
    exchange(ferrite, bytes, commands),
  ]);
  for (const [index, command] of commands.entries()) {
    const [a, b] = [left[index], right[index]];
    if (a instanceof Buffer && b instanceof Buffer && sameReply(command, a, b)) continue;
    if (typeof a === "string" && a === b) continue;
    return { stage: "replies", at: showCommand(command), redis: showReply(a), ferrite: showReply(b) };
  }
  const pauseMs = batch.at(-1)?.pauseMs;
  if (pauseMs !== undefined) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  return undefined;
}

/** The commands that get a reply: all of them, or the last ones where some are silenced. */
function answeredCommands(unit: Unit): readonly Command[] {
  const count = unit.replies ?? unit.commands.length;
  return unit.commands.slice(unit.commands.length - count);
}

/** Per command the reply's bytes, or in words why there is none. */
async function exchange(
  client: RespClient,
  bytes: Buffer,
  commands: readonly Command[],
): Promise<(Buffer | string)[]> {
  if (!client.hasEnded) client.write(bytes);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("no reply"), REPLY_TIMEOUT_MS);
  });
  const replies = commands.map((_) =>
    client.reply().catch((error: unknown) => {
      if (error instanceof ConnectionEnded) return CLOSED;
      throw error;
    }),
  );
  try {
    return await Promise.all(replies.map((reply) => Promise.race([reply, late])));
  } finally {
    clearTimeout(timer);
  }
}

/** As redis-cli takes it. */
export function showCommand(command: Command): string {
  return command.map(quote).join(" ");
}

function quote(argument: string | Uint8Array): string {
  const text = typeof argument === "string" ? argument : Buffer.from(argument).toString("latin1");
  if (text.length > 2000) return `<${text.length} bytes beginning ${quote(text.slice(0, 20))}>`;
  if (/^[\w:.*+-]+$/.test(text)) return text;
  const escaped = [...text].map((character) => {
    const code = character.charCodeAt(0);
    if (character === '"' || character === "\\") return `\\${character}`;
    return code >= 32 && code < 127 ? character : `\\x${code.toString(16).padStart(2, "0")}`;
  });
  return `"${escaped.join("")}"`;
}

function showReply(reply: Buffer | string | undefined): string {
  if (typeof reply === "string") return reply;
  const text = reply?.toString("latin1") ?? "nothing";
  return JSON.stringify(text.length > 500 ? `${text.slice(0, 500)}…` : text);
}
