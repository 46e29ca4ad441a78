/**
 * What command bodies need of the server that runs them, in small faces that it implements.
 *
 * Invariants: nothing here waits, except where a promise or a callback says so; a refusal is a thrown or
 * rejected FerriteError whose message is either a whole error reply (beginning with a code in capitals) or a
 * sentence that "ERR " is put in front of.
 *
 * Why interfaces declared by the user and not the server's classes: bodies live below the server in the order
 * of imports, and a test or the library can hand them a server of its own.
 */
import type { ClientEntry } from "./client-entry.ts";
import type { SessionFace } from "./session-face.ts";

export interface ServerFace {
  readonly identity: ServerIdentity;
  readonly execution: ExecutionFace;
  readonly commands: CommandsFace;
  readonly auth: AuthFace;
  readonly config: ConfigFace;
  readonly clients: ClientsFace;
  readonly info: InfoFace;
  readonly memory: MemoryFace;
  readonly slowLog: SlowLogFace;
  readonly latency: LatencyFace;
  readonly monitors: MonitorsFace;
  readonly pubSub: PubSubFace;
  readonly statistics: StatisticsFace;
  readonly persistence: PersistenceFace;
  readonly lifecycle: LifecycleFace;
  readonly debug: DebugFace;
}

/** What never changes while the server runs. */
export interface ServerIdentity {
  /** The release of Redis whose surface is offered; clients choose features by it. */
  readonly redisVersion: string;
  readonly ferriteVersion: string;
  /** 40 hexadecimal digits, new at every start. */
  readonly runId: string;
}

/** About the command that is being executed. */
export interface ExecutionFace {
  /** False inside a transaction or a script: the body must answer at once and may not call `defer`. */
  readonly mayWait: boolean;
  /** Wall clock in microseconds since 1970, read now. */
  wallMicroseconds(): number;
  /** Calls `run` once after `delayMs`; for replies with a time-out. */
  after(delayMs: number, run: () => void): void;
}

/** The table of commands; bodies that describe commands reach it whole through `tableOf` (table.ts). */
export interface CommandsFace {
  /** Top-level commands. */
  readonly size: number;
}

export interface AuthFace {
  /** True if the default user has a password. */
  readonly required: boolean;
  /** Constant-time. False for an unknown user; true for any password of a user that needs none. */
  verify(user: string, password: Uint8Array): boolean;
  userExists(user: string): boolean;
}

/** Options under Redis's names; values are texts with one character per byte. */
export interface ConfigFace {
  /** Pairs whose lower-case name equals a pattern or matches it as a glob (case does not count), each once. */
  get(patterns: readonly string[]): readonly (readonly [name: string, value: string])[];
  /** Changes all or nothing; answers undefined, or the whole error reply. */
  set(pairs: readonly (readonly [name: string, value: string])[]): string | undefined;
  /** Writes changed options back to the configuration file. */
  rewrite(): Promise<void>;
}

export type PauseMode = "write" | "all";

export interface ClientsFace {
  readonly count: number;
  /** The session that runs the present command is among them if it is a connection. */
  entries(): Iterable<ClientEntry>;
  find(id: number): ClientEntry | undefined;
  /** Holds commands back until `untilMs` (wall clock). A pause that is on is only ever made longer or stricter. */
  pause(untilMs: number, mode: PauseMode): void;
  unpause(): void;
}

export interface InfoFace {
  /** The text of the named sections (any case); no name means the default ones. Unknown names add nothing. */
  render(sections: readonly string[]): string;
}

export interface MemoryFace {
  read(): MemoryReading;
  /** Hands back to the system what it can. */
  purge(): void;
}

/** Bytes, unless the name says otherwise. */
export interface MemoryReading {
  /** What grows with use and is charged to the cap; the runtime's own memory is not in it. */
  readonly used: number;
  readonly peak: number;
  /** Resident memory before there was any data: the runtime. Not part of `used`. */
  readonly startup: number;
  readonly rss: number;
  /** Keys and values, of what is used. */
  readonly dataset: number;
  readonly index: number;
  readonly clients: number;
  readonly aofBuffer: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly system: number;
  /** The cap; 0 if there is none. */
  readonly limit: number;
  readonly policy: string;
}

export interface SlowLogEntry {
  readonly id: number;
  readonly unixSeconds: number;
  readonly microseconds: number;
  /** Cut to 32 arguments of 128 bytes, secrets hidden; one character per byte. */
  readonly arguments: readonly string[];
  readonly peerAddress: string;
  readonly clientName: string;
}

export interface SlowLogFace {
  readonly length: number;
  /** The newest first, at most `count`. */
  newest(count: number): readonly SlowLogEntry[];
  reset(): void;
}

export interface LatencyEvent {
  readonly name: string;
  /** Parallel to `latenciesMs`, oldest first, at most 160. */
  readonly unixSeconds: readonly number[];
  readonly latenciesMs: readonly number[];
  /** Since the event was first seen or reset. */
  readonly maxMs: number;
}

export interface LatencyFace {
  /** Milliseconds from which an event is kept; 0 switches monitoring off. */
  readonly thresholdMs: number;
  /** In order of first appearance. */
  events(): readonly LatencyEvent[];
  event(name: string): LatencyEvent | undefined;
  /** Forgets the named events, or all; answers how many there were. */
  reset(names: readonly string[]): number;
}

export interface MonitorsFace {
  /** Feeds every command that is executed from now on to the client. Idempotent. */
  add(client: ClientEntry): void;
  /** Stops that; harmless for others. */
  remove(client: ClientEntry): void;
}

/** What can be subscribed to. */
export type TopicKind = "channel" | "pattern" | "shard";

/** Names and messages are copied. */
export interface PubSubFace {
  /** False if the session had subscribed already. */
  subscribe(
    kind: TopicKind,
    session: SessionFace,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean;
  /** False if it had not subscribed. */
  unsubscribe(
    kind: TopicKind,
    session: SessionFace,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean;
  /** Ends the session's subscriptions of a kind, the oldest first, and tells each name when it has ended. */
  unsubscribeAll(kind: TopicKind, session: SessionFace, onEnded: (name: Uint8Array) => void): void;
  /** Ends all subscriptions of the session. */
  forget(session: SessionFace): void;
  /** Sends a message to the subscribers of the channel and of patterns that match it; answers how many times. */
  publish(
    channelBytes: Uint8Array,
    channelOffset: number,
    channelLength: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
  publishToShard(
    channelBytes: Uint8Array,
    channelOffset: number,
    channelLength: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
  subscribersOf(kind: TopicKind, bytes: Uint8Array, offset: number, length: number): number;
  /** Topics with a subscriber. */
  topicCount(kind: TopicKind): number;
  /** Their names, in order of their first subscription. */
  names(kind: TopicKind): Iterable<Uint8Array>;
}

export interface StatisticsFace {
  /** CONFIG RESETSTAT: counters, errors, per-command figures and latency histograms go back to zero. */
  reset(): void;
}

export interface PersistenceFace {
  /** Wall-clock seconds of the last successful checkpoint, or of the start if there was none. */
  readonly lastSaveSeconds: number;
  readonly saveInProgress: boolean;
  readonly aofEnabled: boolean;
  /** True if everything logged so far is on disk; false where no log is kept. */
  readonly durable: boolean;
  /** Resolves when a checkpoint is published. */
  save(): Promise<void>;
  /** Starts (or, if `schedule`, plans) one and answers the status text of the reply. Throws a refusal. */
  startSave(schedule: boolean): string;
  startAofRewrite(): string;
  /** Resolves when a backup of everything up to now is durable; without a path under the configured name. */
  backup(path: string | undefined): Promise<void>;
  /** Resolves when everything logged so far is on disk. */
  syncAof(): Promise<void>;
  /** Calls `answer` once: true as soon as everything logged so far is on disk, false after `timeoutMs` (0: never). */
  whenDurable(timeoutMs: number, answer: (durable: boolean) => void): void;
  /** Empties memory and loads it again, from the newest checkpoint and the log or from the log alone. */
  reload(source: "checkpoint" | "log"): Promise<void>;
}

export interface ShutdownRequest {
  /** What to do about a checkpoint; "default" does what the configuration asks for. */
  readonly save: "default" | "save" | "nosave";
  readonly now: boolean;
  /** Stops even if something could not be saved. */
  readonly force: boolean;
}

export interface LifecycleFace {
  /** Never resolves while the server can stop; rejects if it cannot, or was told to abort. */
  shutdown(request: ShutdownRequest): Promise<never>;
  /** False if no shutdown is in progress. */
  abortShutdown(): boolean;
}

/** What DEBUG reaches into. */
export interface DebugFace {
  /** enable-debug-command. */
  readonly access: "no" | "local" | "yes";
  /** Stops the whole server for that long. */
  sleep(ms: number): void;
  setActiveExpire(on: boolean): void;
  log(message: string): void;
  /** Milliseconds of a forced full garbage collection, or undefined where the runtime does not offer one. */
  collectGarbage(): number | undefined;
}
