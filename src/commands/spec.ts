import type { Context } from "./context.ts";

/**
 * The table of commands is data: arity, flags and key positions drive the checks before a body runs, COMMAND,
 * the prefetch of keys that are not in memory, ACL categories, the log and the generated documentation.
 *
 * `execute` is synchronous, is entered only when arity, state and memory checks have passed and every key it
 * names is in memory as far as `need` says, and must write exactly one reply (or call `context.defer`).
 */
export interface CommandSpec {
  /** Lower case; a subcommand's own word only ("get" of "config|get"). */
  readonly name: string;
  /** Redis's arity: exact count of arguments with the name, or minus the least count. For a subcommand: of the whole. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly group: CommandGroup;
  readonly keys?: KeySpec;
  /** ACL categories beyond those that follow from flags and group, without '@'; one that follows and does not hold is named with a leading '-'. */
  readonly categories?: readonly string[];
  /**
   * What clients are told of the command and the server never needs: a function, so that none of it is made before
   * somebody asks, and none of it is kept for full garbage collections to mark. The body of a function that was never
   * called is not even compiled.
   */
  readonly docs: () => CommandDocs;
  /** Absent only for a container whose subcommands do the work. */
  readonly execute?: (context: Context) => void;
  readonly subcommands?: readonly CommandSpec[];
}

/** What COMMAND DOCS tells, and the tips of COMMAND INFO. */
export interface CommandDocs {
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** Notes for clients, as COMMAND's tips: "nondeterministic_output", "request_policy:all_shards", … */
  readonly tips?: readonly string[];
  /** doc_flags beyond "deprecated", which follows from `deprecated`. */
  readonly docFlags?: readonly "syscmd"[];
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  readonly history?: readonly (readonly [version: string, change: string])[];
  readonly arguments?: readonly ArgumentDoc[];
}

export type CommandFlag =
  | "write" // may change the keyspace
  | "readonly"
  | "denyoom" // refused while memory is over the cap
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading" // allowed while loading
  | "stale"
  | "fast"
  | "no_auth" // allowed before authentication
  | "no_multi"
  | "allow_busy"
  | "may_replicate"
  | "movablekeys"
  | "skip_monitor"
  | "skip_slowlog"
  | "sentinel"
  | "asking"
  | "no_async_loading"
  | "no_mandatory_keys"
  | "touches_arbitrary_keys";

export type CommandGroup =
  | "connection"
  | "generic"
  | "string"
  | "server"
  | "hash"
  | "list"
  | "set"
  | "sorted-set"
  | "bitmap"
  | "hyperloglog"
  | "geo"
  | "stream"
  | "pubsub"
  | "transactions"
  | "scripting"
  | "cluster";

/**
 * Where the keys are. `first` is an argument index (0 = the name); `last` is an index, or negative from the
 * end; `step` is the distance. `find` overrides them where positions depend on arguments: it fills `into` with
 * argument indexes and answers how many, or -1 for invalid arguments.
 * `need` says how much of a key that is not in memory has to be fetched before the body runs.
 */
export interface KeySpec {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly need: "meta" | "value";
  /** Redis's key-spec flags for COMMAND INFO, e.g. ["RW", "ACCESS", "UPDATE"]. */
  readonly access: readonly string[];
  readonly find?: (context: Context, into: Int32Array) => number;
  /** What the present request does to its keys, where `access` can only say what the command may do. */
  readonly accessNow?: (context: Context) => readonly string[];
  /** The remark that COMMAND INFO makes about these keys. */
  readonly notes?: string;
  /** COMMAND INFO's key specifications where one range with one access does not tell it; replaces what it would derive. */
  readonly described?: readonly KeyDescription[];
}

/** One of Redis's key specifications, as data for clients; the server itself goes by KeySpec. */
export interface KeyDescription {
  readonly access: readonly string[];
  readonly notes?: string;
  /** Where the search for keys begins: an argument index, or behind a word (searched from an index; negative from the end). */
  readonly begin:
    | { readonly index: number }
    | { readonly keyword: string; readonly startFrom: number }
    | "unknown";
  /** What follows: a range (`last` relative to the beginning), or as many keys as an argument says. */
  readonly find:
    | { readonly last: number; readonly step: number; readonly limit: number }
    | { readonly countIndex: number; readonly first: number; readonly step: number }
    | "unknown";
}

export interface ArgumentDoc {
  readonly name: string;
  readonly type:
    | "string"
    | "integer"
    | "double"
    | "key"
    | "pattern"
    | "unix-time"
    | "pure-token"
    | "oneof"
    | "block";
  readonly token?: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  readonly multipleToken?: boolean;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly summary?: string;
  readonly keySpecIndex?: number;
  readonly arguments?: readonly ArgumentDoc[];
}
