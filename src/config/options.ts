/**
 * The one table of every option. Loading, CONFIG, the example file, the documentation and shell completion
 * all read it.
 *
 * Invariants (held by a test): keys, Redis names and environment names are unique; no Redis name is both an option and a
 * constant; every default is accepted by its kind.
 *
 * The table is an object that has the shape of the TOML file, so that the type of `config.values` follows from
 * it and an option that is misspelt in the program does not compile.
 */
import type { Option as AnyOption } from "./option.ts";
import { Option } from "./option.ts";
import { persistenceOptions } from "./options/persistence.ts";
import { serverOptions } from "./options/server.ts";
import {
  backupOptions,
  cloudOptions,
  encryptionOptions,
  loggingOptions,
  metricsOptions,
} from "./options/services.ts";
import { storageOptions } from "./options/storage.ts";

export const OPTIONS = {
  server: serverOptions,
  storage: storageOptions,
  persistence: persistenceOptions,
  cloud: cloudOptions,
  encryption: encryptionOptions,
  backup: backupOptions,
  metrics: metricsOptions,
  logging: loggingOptions,
} as const;

type ValuesOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends AnyOption<infer Value> ? Value : ValuesOf<Table[Name]>;
};
type KeysOf<Table> = {
  [Name in keyof Table & string]: Table[Name] extends AnyOption<infer _>
    ? Name
    : `${Name}.${KeysOf<Table[Name]>}`;
}[keyof Table & string];
type ValueAt<Table, Key> = Key extends keyof Table
  ? Table[Key] extends AnyOption<infer Value>
    ? Value
    : never
  : Key extends `${infer Head}.${infer Rest}`
    ? Head extends keyof Table
      ? ValueAt<Table[Head], Rest>
      : never
    : never;

/** Effective values in the shape of the table: `values.server.port`, `values.server.tls.port`. */
export type ConfigValues = ValuesOf<typeof OPTIONS>;
/** `"server.port" | "server.tls.port" | …`. */
export type ConfigKey = KeysOf<typeof OPTIONS>;
/** The type of the value at a key. */
export type ConfigValue<Key extends ConfigKey> = ValueAt<typeof OPTIONS, Key>;

export interface OptionEntry {
  readonly key: ConfigKey;
  /** The key's parts: section, group if any, name. */
  readonly path: readonly string[];
  readonly option: Option<unknown>;
  /** `FERRITE_SERVER_PORT`. */
  readonly environmentName: string;
}

function flatten(table: object, path: readonly string[], into: OptionEntry[]): OptionEntry[] {
  for (const [name, entry] of Object.entries(table) as [string, unknown][]) {
    const here = [...path, name];
    if (!(entry instanceof Option)) {
      flatten(entry as object, here, into);
      continue;
    }
    const environmentName = `FERRITE_${here.join("_").toUpperCase()}`;
    into.push({
      key: here.join(".") as ConfigKey,
      path: here,
      option: entry as Option<unknown>,
      environmentName,
    });
  }
  return into;
}

/** Every option in the order of the documentation. */
export const OPTION_LIST: readonly OptionEntry[] = flatten(OPTIONS, [], []);

const BY_KEY: ReadonlyMap<string, OptionEntry> = new Map(OPTION_LIST.map((entry) => [entry.key, entry]));

export const findOption = (key: string): OptionEntry | undefined => BY_KEY.get(key);

/** All names by which Redis's clients know options, in the order of the table, aliases after their option. */
export const REDIS_NAMES: ReadonlyMap<string, OptionEntry> = new Map(
  OPTION_LIST.flatMap((entry) => {
    const { redis, redisAliases } = entry.option.terms;
    return redis === undefined ? [] : [redis, ...(redisAliases ?? [])].map((name) => [name, entry] as const);
  }),
);

/** The sections and groups: `server`, `server.tls`, `storage`, … */
export const TABLE_NAMES: ReadonlySet<string> = new Set(
  OPTION_LIST.flatMap((entry) =>
    entry.path.slice(0, -1).map((_, depth) => entry.path.slice(0, depth + 1).join(".")),
  ),
);
