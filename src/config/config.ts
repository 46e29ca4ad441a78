/**
 * The effective configuration of a running server.
 *
 * Invariants: `values` is valid at every moment; `setLive` takes all pairs or none, listeners included; only
 * options that are marked live ever change.
 *
 * `values` is one plain object whose shape never changes, so that hot code may read `config.values.server.x`
 * without a call. Listeners exist for those who have to act on a change rather than see it at the next look.
 */

import { messageOf } from "../base/errors.ts";
import { matchesGlob } from "../base/glob.ts";
import { isDefault, notAvailable } from "./availability.ts";
import { Refused } from "./kinds.ts";
import {
  type ConfigKey,
  type ConfigValue,
  type ConfigValues,
  OPTION_LIST,
  type OptionEntry,
  REDIS_NAMES,
} from "./options.ts";
import { REDIS_CONSTANTS } from "./redis-constants.ts";
import { type ConfigFile, replaceConfigFile } from "./rewrite.ts";

/** A value and who gave it: `default`, `ferrite.toml line 3`, `--port`, `CONFIG SET`, … */
export interface Effective {
  readonly value: unknown;
  readonly source: string;
}

/** Throws an Error whose message the client sees if the value cannot be taken into use; all is then undone. */
export type ChangeListener<Value> = (value: Value) => void;

interface Change {
  /** As the client wrote it, for the message. */
  readonly name: string;
  readonly entry: OptionEntry;
  readonly value: unknown;
}

type Tree = { [name: string]: unknown };

export class Config {
  readonly values: ConfigValues;
  readonly #effective: Map<ConfigKey, Effective>;
  readonly #listeners = new Map<ConfigKey, Set<ChangeListener<never>>>();
  readonly #changedLive = new Set<ConfigKey>();
  #file: ConfigFile | undefined;

  /** For `loadConfig`, which has checked every value; one entry per option. */
  constructor(effective: ReadonlyMap<ConfigKey, Effective>) {
    this.#effective = new Map(effective);
    const values: Tree = {};
    for (const { key, path } of OPTION_LIST) place(values, path, effective.get(key)?.value);
    this.values = values as unknown as ConfigValues;
  }

  /** Says who gave the value in force. */
  sourceOf(key: ConfigKey): string {
    return this.#effective.get(key)!.source;
  }

  valueOf<Key extends ConfigKey>(key: Key): ConfigValue<Key> {
    return this.#effective.get(key)!.value as ConfigValue<Key>;
  }

  /** Calls the listener after each change of the option, before CONFIG SET is answered. Returns how to stop that. */
  onChange<Key extends ConfigKey>(key: Key, listener: ChangeListener<ConfigValue<Key>>): () => void {
    let listeners = this.#listeners.get(key);
    if (listeners === undefined) this.#listeners.set(key, (listeners = new Set()));
    const known = listeners;
    known.add(listener as ChangeListener<never>);
    return () => known.delete(listener as ChangeListener<never>);
  }

  /**
   * CONFIG SET: names are Redis's, in any case; values are texts decoded as UTF-8. Returns undefined, or the whole
   * error reply without its leading `-`, and then nothing has changed.
   */
  setLive(pairs: readonly (readonly [name: string, value: string])[]): string | undefined {
    const changes: Change[] = [];
    const seen = new Set<OptionEntry | string>();
    for (const [name] of pairs) {
      const known = REDIS_NAMES.get(name.toLowerCase()) ?? constantName(name);
      if (known === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      if (seen.has(known)) return failed(name, "duplicate parameter");
      seen.add(known);
      const fixed = typeof known === "string" ? undefined : known.option.terms.fixed;
      if (fixed !== undefined) return failed(name, `can't set ${fixed} config`);
    }
    for (const [name, text] of pairs) {
      const entry = REDIS_NAMES.get(name.toLowerCase());
      const value = entry === undefined ? acceptConstant(name, text) : this.#liveValue(entry, text);
      if (value instanceof Refused) return failed(name, value.reason);
      if (entry !== undefined) changes.push({ name, entry, value });
    }
    return this.#apply(changes);
  }

  #liveValue(entry: OptionEntry, text: string): unknown {
    const { kind, terms } = entry.option;
    const current = this.#effective.get(entry.key)!.value;
    const value = kind.fromRedis(text, current);
    if (value instanceof Refused) return value;
    const wrong = terms.check?.(value);
    if (wrong !== undefined) return new Refused(`argument must be ${wrong}`);
    if (terms.live !== true && kind.toRedis(value) !== kind.toRedis(current)) {
      return new Refused(`this version cannot change it at run time; set ${entry.key} and restart`);
    }
    if (terms.status === "reserved" && !isDefault(entry, value)) return new Refused(notAvailable(entry));
    return terms.live === true ? value : current;
  }

  #apply(changes: readonly Change[]): string | undefined {
    const before = changes.map(({ entry }) => this.#effective.get(entry.key)!);
    for (const { entry, value } of changes) {
      if (entry.option.terms.live === true) this.#set(entry, { value, source: "CONFIG SET" });
    }
    for (let i = 0; i < changes.length; i++) {
      try {
        this.#notify(changes[i]!.entry);
      } catch (error) {
        this.#undo(changes, before, i);
        return failed(changes[i]!.name, messageOf(error));
      }
    }
    for (const { entry } of changes) if (entry.option.terms.live === true) this.#changedLive.add(entry.key);
    return undefined;
  }

  /** Listeners up to `failedAt` have seen a new value and are told the old one; one that throws again is past help. */
  #undo(changes: readonly Change[], before: readonly Effective[], failedAt: number): void {
    for (let i = 0; i < changes.length; i++) this.#set(changes[i]!.entry, before[i]!);
    for (let i = 0; i <= failedAt; i++) {
      try {
        this.#notify(changes[i]!.entry);
      } catch {
        // The value in `values` is the old one; the listener refused the new one before it refused this.
      }
    }
  }

  #set(entry: OptionEntry, effective: Effective): void {
    this.#effective.set(entry.key, effective);
    place(this.values as unknown as Tree, entry.path, effective.value);
  }

  #notify(entry: OptionEntry): void {
    const { value } = this.#effective.get(entry.key)!;
    for (const listener of this.#listeners.get(entry.key) ?? []) listener(value as never);
  }

  /** CONFIG GET: names and texts of all that match any pattern, each once, as Redis writes them. */
  getByGlob(patterns: readonly string[]): (readonly [name: string, value: string])[] {
    const found = new Map<string, readonly [string, string]>();
    for (const pattern of patterns) {
      if (!/[*?[]/.test(pattern)) {
        const text = this.#redisText(pattern.toLowerCase());
        if (text !== undefined && !found.has(pattern.toLowerCase()))
          found.set(pattern.toLowerCase(), [pattern, text]);
        continue;
      }
      for (const name of ALL_REDIS_NAMES) {
        if (!found.has(name) && matches(pattern, name)) found.set(name, [name, this.#redisText(name)!]);
      }
    }
    return [...found.values()];
  }

  #redisText(name: string): string | undefined {
    const entry = REDIS_NAMES.get(name);
    if (entry === undefined) return REDIS_CONSTANTS.get(name);
    return entry.option.kind.toRedis(this.#effective.get(entry.key)!.value);
  }

  /** Says where CONFIG REWRITE writes; without it there is no configuration file. */
  useFile(file: ConfigFile): void {
    this.#file = file;
  }

  get filePath(): string | undefined {
    return this.#file?.path;
  }

  /**
   * CONFIG REWRITE: brings the file up to date with what CONFIG SET has changed, and leaves all else in it as it is.
   * Returns undefined, or the whole error reply without its leading `-`, and then the file is as it was.
   */
  rewrite(): string | undefined {
    if (this.#file === undefined) return "ERR The server is running without a config file";
    const changes = OPTION_LIST.filter((entry) => this.#changedLive.has(entry.key)).map((entry) => ({
      path: entry.path,
      toml: entry.option.kind.toToml(this.#effective.get(entry.key)!.value),
      isDefault: isDefault(entry, this.#effective.get(entry.key)!.value),
    }));
    try {
      replaceConfigFile(this.#file, changes);
      return undefined;
    } catch (error) {
      return `ERR Rewriting CONFIG file: ${messageOf(error)}`;
    }
  }
}

const ALL_REDIS_NAMES: readonly string[] = [...REDIS_NAMES.keys(), ...REDIS_CONSTANTS.keys()];

const failed = (name: string, reason: string): string =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;

function constantName(name: string): string | undefined {
  const lowerCase = name.toLowerCase();
  return REDIS_CONSTANTS.has(lowerCase) ? lowerCase : undefined;
}

function acceptConstant(name: string, text: string): Refused | undefined {
  const value = REDIS_CONSTANTS.get(name.toLowerCase())!;
  return text === value ? undefined : new Refused(`this version supports no other value than '${value}'`);
}

function matches(pattern: string, name: string): boolean {
  const patternBytes = Buffer.from(pattern);
  const nameBytes = Buffer.from(name);
  return matchesGlob(patternBytes, 0, patternBytes.length, nameBytes, 0, nameBytes.length, true);
}

function place(tree: Tree, path: readonly string[], value: unknown): void {
  let table = tree;
  for (const name of path.slice(0, -1)) table = (table[name] ??= {}) as Tree;
  table[path.at(-1)!] = value;
}
