/**
 * The table of commands: from the name in a request to the command, and what the server counts per command.
 *
 * Invariants: names are unique and lower case; a container's own entry is found only by its bare name; `lookup`
 * answers the same object for the same name for the life of the table, so callers may keep it.
 *
 * Hot-path file: `lookup` reads the request's bytes in place, folds case on the fly, and allocates nothing
 * (10 to 15 ns, bench/micro/command-table). A hash table of our own and not a Map: a Map needs a string per request.
 */
import { assert } from "../base/assert.ts";
import { latin1 } from "../base/bytes.ts";
import type { Request } from "../protocol/request.ts";
import { categoriesOf, flagBits } from "./command-flags.ts";
import type { Context } from "./context.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { CommandsFace } from "./server-face.ts";
import type { CommandSpec } from "./spec.ts";

/** A command as the executor uses it. All fields are set once, except the counters. */
export class ResolvedCommand {
  readonly name: string;
  /** "config|get" for a subcommand, else the name. */
  readonly fullName: string;
  readonly spec: CommandSpec;
  readonly arity: number;
  readonly flags: number;
  /** True if the command has keys that have to be prefetched, checked or watched. */
  readonly hasKeys: boolean;
  /** True if short requests take so little time that reading the clock for each would be felt: see Executor. */
  readonly timedInGroups: boolean;
  /** Argument index of the first key, 0 if there is none or its place depends on other arguments. */
  readonly firstKey: number;
  /** Absent for a container, whose arity check never passes for its bare name. */
  readonly execute: ((context: Context) => void) | undefined;
  readonly subcommands: readonly ResolvedCommand[];
  readonly subcommandIndex: NameIndex | undefined;

  /** INFO commandstats. `rejected`: refused before the body ran; `failed`: the body answered an error. */
  calls = 0;
  microseconds = 0;
  rejected = 0;
  failed = 0;
  readonly latency = new LatencyHistogram();

  constructor(spec: CommandSpec, parent?: string) {
    this.name = spec.name;
    this.fullName = parent === undefined ? spec.name : `${parent}|${spec.name}`;
    assert(/^[a-z][a-z0-9_-]*$/.test(spec.name), `bad command name ${this.fullName}`);
    this.spec = spec;
    this.arity = spec.arity;
    this.flags = flagBits(spec.flags);
    categoriesOf(spec);
    this.timedInGroups = spec.flags.includes("fast") || spec.name === "set" || spec.name === "mset";
    // A shard channel is described like a key and is none.
    const keys = spec.keys?.access.includes("not_key") === true ? undefined : spec.keys;
    this.firstKey = keys === undefined || keys.find !== undefined ? 0 : keys.first;
    this.hasKeys = keys !== undefined;
    this.execute = spec.execute;
    this.subcommands = (spec.subcommands ?? []).map((child) => new ResolvedCommand(child, spec.name));
    this.subcommandIndex = this.subcommands.length > 0 ? new NameIndex(this.subcommands) : undefined;
    assert(this.execute !== undefined || this.subcommandIndex !== undefined, `${this.fullName} does nothing`);
  }

  /** Does a request of this many arguments, the name included, fit the arity? */
  accepts(argc: number): boolean {
    const arity = this.arity;
    return arity >= 0 ? argc === arity : argc >= -arity;
  }

  /** `calls` executions took `microseconds` together; each is counted with its share. Allocates nothing. */
  count(calls: number, microseconds: number): void {
    this.calls += calls;
    this.microseconds += microseconds;
    this.latency.record((microseconds * 1000) / calls, calls);
  }

  resetCounters(): void {
    this.calls = 0;
    this.microseconds = 0;
    this.rejected = 0;
    this.failed = 0;
    this.latency.reset();
  }
}

/**
 * Open-addressed hash from names to commands; load factor at most an eighth. The hash reads four bytes of the
 * name whatever its length; the comparison reads them all, from one array that holds every name.
 */
class NameIndex {
  readonly #mask: number;
  /** Per slot the command's number, or -1. */
  readonly #slots: Int16Array;
  readonly #texts: Uint8Array;
  /** Where name i begins in `#texts`; the entry behind the last name is the end. */
  readonly #starts: Int32Array;
  readonly #commands: readonly ResolvedCommand[];

  constructor(commands: readonly ResolvedCommand[]) {
    let size = 8;
    while (size < commands.length * 8) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int16Array(size).fill(-1);
    this.#texts = new Uint8Array(Buffer.from(commands.map((command) => command.name).join(""), "latin1"));
    this.#starts = new Int32Array(commands.length + 1);
    this.#commands = commands;
    commands.forEach((command, index) => {
      const start = this.#starts[index]!;
      const { length } = command.name;
      assert(this.find(this.#texts, start, length) === undefined, `two commands named ${command.fullName}`);
      this.#starts[index + 1] = start + length;
      let slot = hashFolded(this.#texts, start, length) & this.#mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = index;
    });
  }

  find(bytes: Uint8Array, offset: number, length: number): ResolvedCommand | undefined {
    if (length === 0) return undefined;
    const slots = this.#slots;
    const starts = this.#starts;
    const mask = this.#mask;
    let slot = hashFolded(bytes, offset, length) & mask;
    for (;;) {
      const index = slots[slot]!;
      if (index < 0) return undefined;
      const start = starts[index]!;
      if (starts[index + 1]! - start === length && equalsFolded(bytes, offset, this.#texts, start, length)) {
        return this.#commands[index];
      }
      slot = (slot + 1) & mask;
    }
  }
}

/** Setting bit 5 folds letters and confuses a few other bytes, which `equalsFolded` tells apart. `length` is not 0. */
function hashFolded(bytes: Uint8Array, offset: number, length: number): number {
  const first = bytes[offset]! | 32;
  const second = bytes[offset + (length > 1 ? 1 : 0)]! | 32;
  const middle = bytes[offset + (length >> 1)]! | 32;
  const last = bytes[offset + length - 1]! | 32;
  const hash = Math.imul(first | (second << 8) | (middle << 16) | (last << 24), 0x9e37_79b1);
  return (hash >>> 17) ^ Math.imul(length, 0x45);
}

function equalsFolded(
  bytes: Uint8Array,
  offset: number,
  lowerCase: Uint8Array,
  start: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) {
    const expected = lowerCase[start + i]!;
    const byte = bytes[offset + i]!;
    if (byte !== expected && ((byte | 32) !== expected || expected < 97)) return false;
  }
  return true;
}

/** Longer names are not looked for: no command has them. */
const NAME_BYTES_MAX = 64;
/** Redis quotes at most this much of an unknown command and of its arguments. */
const QUOTED_BYTES_MAX = 128;

export class CommandTable implements CommandsFace {
  readonly commands: readonly ResolvedCommand[];
  readonly #index: NameIndex;

  constructor(specs: readonly CommandSpec[]) {
    this.commands = specs.map((spec) => new ResolvedCommand(spec));
    this.#index = new NameIndex(this.commands);
  }

  get size(): number {
    return this.commands.length;
  }

  /**
   * The command that the request names: the subcommand for a container with a second argument. Undefined if
   * there is none; `unknownText` then says why.
   */
  lookup(request: Request): ResolvedCommand | undefined {
    const length = request.lengths[0]!;
    if (length > NAME_BYTES_MAX) return undefined;
    const command = this.#index.find(request.bytes, request.offsets[0]!, length);
    if (command === undefined || command.subcommandIndex === undefined || request.argc === 1) return command;
    const subLength = request.lengths[1]!;
    if (subLength > NAME_BYTES_MAX) return undefined;
    return command.subcommandIndex.find(request.bytes, request.offsets[1]!, subLength);
  }

  /** By name in any case, "config|get" for a subcommand. */
  named(name: string): ResolvedCommand | undefined {
    const [first = "", second, ...rest] = name.split("|");
    if (rest.length > 0) return undefined;
    const bytes = Buffer.from(first, "latin1");
    const command = this.#index.find(bytes, 0, bytes.length);
    if (second === undefined || command === undefined) return command;
    const subBytes = Buffer.from(second, "latin1");
    return command.subcommandIndex?.find(subBytes, 0, subBytes.length);
  }

  /** Every command and subcommand, a container before its subcommands. */
  *all(): Generator<ResolvedCommand> {
    for (const command of this.commands) {
      yield command;
      yield* command.subcommands;
    }
  }

  resetCounters(): void {
    for (const command of this.all()) command.resetCounters();
  }

  /** Redis's error for a request that `lookup` does not know. */
  unknownText(request: Request): string {
    const name = quoted(request, 0, QUOTED_BYTES_MAX);
    if (request.argc > 1 && request.lengths[0]! <= NAME_BYTES_MAX) {
      const container = this.#index.find(request.bytes, request.offsets[0]!, request.lengths[0]!);
      if (container !== undefined) {
        const word = quoted(request, 1, QUOTED_BYTES_MAX);
        return `ERR unknown subcommand '${word}'. Try ${container.name.toUpperCase()} HELP.`;
      }
    }
    let list = "";
    for (let i = 1; i < request.argc && list.length < QUOTED_BYTES_MAX; i++) {
      list += `'${quoted(request, i, QUOTED_BYTES_MAX - list.length)}' `;
    }
    return `ERR unknown command '${name}', with args beginning with: ${list}`;
  }

  /** Redis's error for a request whose argument count the command does not take. */
  arityText(command: ResolvedCommand): string {
    return `ERR wrong number of arguments for '${command.fullName}' command`;
  }
}

function quoted(request: Request, index: number, bytesMax: number): string {
  return latin1(request.bytes, request.offsets[index], Math.min(request.lengths[index]!, bytesMax));
}

/**
 * The server's table from inside a body. ServerFace cannot name it: commands know the context, which knows
 * that face, and an import back would close the circle.
 */
export function tableOf(context: Context): CommandTable {
  const table = context.server.commands;
  assert(table instanceof CommandTable, "the server's command table is not a CommandTable");
  return table;
}

/**
 * Argument indexes of a command's keys in the context's request; answers how many, or -1 for invalid arguments.
 * `into` must have room for `argc` of them.
 */
export function findKeys(command: ResolvedCommand, context: Context, into: Int32Array): number {
  const keys = command.spec.keys;
  if (keys === undefined) return 0;
  if (keys.find !== undefined) return keys.find(context, into);
  const argc = context.argc;
  const last = keys.last < 0 ? argc + keys.last : keys.last;
  let count = 0;
  for (let i = keys.first; i <= last; i += keys.step) {
    if (i >= argc) return -1;
    into[count++] = i;
  }
  return count;
}
