/**
 * A database that a program has opened: its first client, further clients, and its end.
 *
 * Invariants: `close` settles every call that is under way, in one way or another, makes everything executed
 * durable, and frees the directory, in this order; it does so once, whoever asks for it and how often. An open
 * database that does nothing does not keep the process alive.
 */
import { FerriteError, messageOf } from "../base/errors.ts";
import type { Assembly } from "../database/assembly.ts";
import { type PlainReply, plainReply } from "../protocol/reply.ts";
import { ReplyReader } from "../protocol/reply-reader.ts";
import { type Bytes, FerriteClient } from "./client.ts";
import type { LocalTurns } from "./local-turns.ts";
import { type MessageListener, Subscription } from "./subscription.ts";

export type TextListener = (message: string, channel: string) => void;

export interface ClientOptions {
  /** The selected database to begin with; 0 if absent. */
  readonly database?: number;
  /** Shown by CLIENT LIST; printable ASCII without spaces. */
  readonly name?: string;
  /** What arrives without being asked for, such as the lines of MONITOR. Without it such things are dropped. */
  readonly onPush?: (push: PlainReply) => void;
}

export class FerriteDatabase extends FerriteClient {
  readonly #assembly: Assembly;
  readonly #turns: LocalTurns;
  #closed: Promise<void> | undefined;

  /** For `open`: an assembly that is recovered and started. */
  constructor(assembly: Assembly, turns: LocalTurns) {
    super(turns, turns.open(undefined));
    this.#assembly = assembly;
    this.#turns = turns;
  }

  /** False from the moment at which `close` or SHUTDOWN was called. */
  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** A further client: a session of its own, as a connection is. Throws FerriteError. */
  client(options: ClientOptions = {}): FerriteClient {
    const { database = 0, name = "", onPush } = options;
    const databases = this.#assembly.database.keyspace.databases;
    if (!Number.isInteger(database) || database < 0 || database >= databases) {
      throw new FerriteError(
        "usage",
        `there is no database ${database}: expected an integer from 0 to ${databases - 1} (server.databases)`,
      );
    }
    if (!/^[!-~]*$/.test(name)) {
      throw new FerriteError(
        "usage",
        `the name of a client is ${JSON.stringify(name)}: expected printable ASCII without spaces`,
      );
    }
    const local = this.#turns.open(
      onPush === undefined ? undefined : (bytes, end) => push(onPush, bytes, end),
    );
    local.session.db = database;
    local.session.name = name;
    return new FerriteClient(this.#turns, local);
  }

  /**
   * Calls the listener with every message that is published to the channel from now on, by this program; resolves when
   * it is so. With `notify-keyspace-events`, events of keys are such messages. Listeners are called after the turn
   * that published, under `persistence.aof_sync = "always"` not before its effects are durable.
   */
  subscribe(channel: Bytes, listener: MessageListener): Promise<Subscription> {
    return Subscription.start(this.#turns, "SUBSCRIBE", channel, listener);
  }

  /** As `subscribe`, with message and channel as text (UTF-8, what is invalid replaced). */
  subscribeText(channel: Bytes, listener: TextListener): Promise<Subscription> {
    return this.subscribe(channel, inText(listener));
  }

  /** As `subscribe`, for every channel that matches a glob, as KEYS takes it. */
  psubscribe(pattern: Bytes, listener: MessageListener): Promise<Subscription> {
    return Subscription.start(this.#turns, "PSUBSCRIBE", pattern, listener);
  }

  psubscribeText(pattern: Bytes, listener: TextListener): Promise<Subscription> {
    return this.psubscribe(pattern, inText(listener));
  }

  /**
   * Executes what was called, makes it durable and frees the directory. Calls that are held back or wait for something
   * reject with FerriteError("closed"). Rejects with FerriteError("unavailable") if what was executed could not be
   * written; the database is closed then too. Idempotent.
   */
  override close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const assembly = this.#assembly;
    this.#turns.beginClose();
    assembly.beginStop();
    await assembly.durable.settleLog();
    this.#turns.endClose();
    try {
      await closeAssembly(assembly);
    } catch (error) {
      throw new FerriteError(
        "unavailable",
        `the database is closed, but what was executed last is not on disk: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

/** The directory is free afterwards, whatever fails. */
async function closeAssembly(assembly: Assembly): Promise<void> {
  try {
    await assembly.durable.saveBeforeStop("default");
  } finally {
    await assembly.close();
  }
}

/** Decodes what a session was sent and hands it over, when no turn is under way any more. */
function push(onPush: (push: PlainReply) => void, bytes: Uint8Array, end: number): void {
  const reader = new ReplyReader();
  reader.push(bytes, 0, end);
  for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
    const plain = plainReply(reply, "bytes");
    queueMicrotask(() => onPush(plain));
  }
}

function inText(listener: TextListener): MessageListener {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return (message, channel) => listener(decoder.decode(message), decoder.decode(channel));
}
