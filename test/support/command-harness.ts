/**
 * Runs command bodies without a server: a request in, the raw reply and the recorded effects out.
 *
 * The dispatcher's checks of name and arity are made with the product's own command table. Time stands still
 * until a test moves `nowMs`.
 */

import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { Context as CommandContext, type Context, type EffectSink } from "../../src/commands/context.ts";
import type { ServerFace } from "../../src/commands/server-face.ts";
import type { SessionFace } from "../../src/commands/session-face.ts";
import type { CommandSpec } from "../../src/commands/spec.ts";
import { CommandTable } from "../../src/commands/table.ts";
import { SipHasher } from "../../src/engine/index/hash.ts";
import type { Keyspace } from "../../src/engine/keyspace.ts";
import { GrowingOutput } from "../../src/protocol/output-space.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { Request } from "../../src/protocol/request.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import type { StructureParts } from "../../src/value/unpacked.ts";
import { MapKeyspace } from "./map-keyspace.ts";

export type Argument = string | Uint8Array | number;

/** One logged effect; arguments with one character per byte. */
export interface Effect {
  readonly db: number;
  readonly args: readonly string[];
}

/** Keeps effects and gives out LSNs as a log would. */
export class RecordingEffects implements EffectSink {
  effects: Effect[] = [];
  #context: Context | undefined;
  #open: { db: number; argc: number; args: string[] } | undefined;
  #inUnit = false;

  bind(context: Context): void {
    this.#context = context;
  }

  verbatim(): void {
    const context = this.#context!;
    this.begin(context.db, context.argc);
    for (let i = 0; i < context.argc; i++) this.requestArgument(i);
    this.end();
  }

  begin(db: number, argc: number): void {
    if (this.#open !== undefined) throw new Error("an effect was begun inside another");
    this.#open = { db, argc, args: [] };
  }

  requestArgument(index: number): void {
    const context = this.#context!;
    if (index >= context.argc) throw new Error(`there is no argument ${index}`);
    this.argument(context.bytes, context.offset(index), context.length(index));
  }

  argument(bytes: Uint8Array, offset: number, length: number): void {
    this.argumentText(Buffer.from(bytes.slice(offset, offset + length)).toString("latin1"));
  }

  argumentText(latin1: string): void {
    this.#open!.args.push(latin1);
  }

  argumentInteger(value: number): void {
    if (!Number.isSafeInteger(value)) throw new Error(`${value} is no integer to log`);
    this.argumentText(String(value));
  }

  end(): void {
    const { db, argc, args } = this.#open!;
    if (args.length !== argc) throw new Error(`announced ${argc} arguments, wrote ${args.length}`);
    this.#open = undefined;
    this.effects.push({ db, args });
    this.#context!.keyspace.lsn++;
  }

  beginUnit(): void {
    if (this.#inUnit) throw new Error("units may not nest");
    this.#inUnit = true;
  }

  endUnit(): void {
    if (!this.#inUnit) throw new Error("no unit is open");
    this.#inUnit = false;
  }

  take(): Effect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }
}

export interface HarnessOptions {
  readonly keyspace?: Keyspace;
  /** Those of the engine that the keyspace belongs to. */
  readonly structures?: StructureParts;
  readonly nowMs?: number;
  readonly resp?: 2 | 3;
  /** The maxmemory policy that OBJECT asks about. */
  readonly policy?: string;
}

export class CommandHarness {
  readonly keyspace: Keyspace;
  readonly effects = new RecordingEffects();
  readonly context: Context;
  readonly #table: CommandTable;
  readonly #output = new GrowingOutput();
  db = 0;

  constructor(specs: readonly CommandSpec[], options: HarnessOptions = {}) {
    this.#table = new CommandTable(specs);
    this.keyspace = options.keyspace ?? new MapKeyspace();
    this.context = new CommandContext({
      keyspace: this.keyspace,
      structures: options.structures ?? {
        heap: new PieceHeap(),
        hasher: new SipHasher(1, 2),
        random: new SeededRandom(1),
      },
      reply: new ReplyWriter(this.#output, options.resp ?? 2),
      effects: this.effects,
      server: {
        memory: { read: () => ({ policy: options.policy ?? "noeviction" }) },
      } as unknown as ServerFace,
      request: new Request(),
      session: {} as SessionFace,
    });
    this.effects.bind(this.context);
    this.keyspace.onExpired = (db, bytes, offset, length) => {
      this.effects.begin(db, 2);
      this.effects.argumentText("DEL");
      this.effects.argument(bytes, offset, length);
      this.effects.end();
    };
    this.nowMs = options.nowMs ?? 1_700_000_000_000;
  }

  get nowMs(): number {
    return this.context.nowMs;
  }
  set nowMs(ms: number) {
    this.context.nowMs = ms;
    this.keyspace.nowMs = ms;
  }

  /** Runs one command; answers the raw reply, one character per byte. */
  run(...args: readonly Argument[]): string {
    const request = Request.of(args.map((arg) => (typeof arg === "number" ? String(arg) : arg)));
    const { context } = this;
    context.request = request;
    context.db = this.db;
    this.#output.clear();
    const command = this.#table.lookup(request);
    if (command === undefined) context.reply.error(this.#table.unknownText(request));
    else if (!command.accepts(request.argc) || command.execute === undefined) {
      context.reply.error(this.#table.arityText(command));
    } else command.execute(context);
    return Buffer.from(this.#output.written()).toString("latin1");
  }

  /** Runs one command; answers its reply, its effects as lines, and forgets them. */
  effectsOf(...args: readonly Argument[]): string[] {
    this.effects.take();
    this.run(...args);
    return this.effects.take().map((effect) => effect.args.join(" "));
  }

  /** Executes effects as recovery does: expired keys are left alone and nothing is logged. */
  replay(effects: readonly Effect[]): void {
    const expireOnAccess = this.keyspace.expireOnAccess;
    this.keyspace.expireOnAccess = false;
    for (const effect of effects) {
      this.db = effect.db;
      const reply = this.run(...effect.args.map((arg) => Buffer.from(arg, "latin1")));
      if (reply.startsWith("-")) throw new Error(`replaying ${effect.args.join(" ")}: ${reply}`);
    }
    this.db = 0;
    this.effects.take();
    this.keyspace.expireOnAccess = expireOnAccess;
  }
}

/** Everything a keyspace holds, as comparable lines: database, key, type, expiry, value; expired keys too. */
export function contents(keyspace: Keyspace): string[] {
  const lines: string[] = [];
  const expireOnAccess = keyspace.expireOnAccess;
  keyspace.expireOnAccess = false;
  for (let db = 0; db < keyspace.databases; db++) {
    let cursor = 0;
    do {
      cursor = keyspace.scan(db, cursor, 1000, () => {
        const { keyBytes, keyOffset, keyLength, valueBytes, valueOffset, valueLength } = keyspace;
        const key = Buffer.from(keyBytes.slice(keyOffset, keyOffset + keyLength)).toString("latin1");
        const value = Buffer.from(valueBytes.slice(valueOffset, valueOffset + valueLength)).toString(
          "latin1",
        );
        lines.push(JSON.stringify([db, key, keyspace.type, keyspace.expiryMs, value]));
      });
    } while (cursor !== 0);
  }
  keyspace.expireOnAccess = expireOnAccess;
  return lines.sort();
}
