/**
 * What the server counts about itself, for INFO stats and errorstats.
 *
 * Invariants: after `reset` every figure shown is counted from that moment, also those whose source (keyspace,
 * executor) only ever grows; the number of distinct error codes kept is bounded.
 *
 * Hot-path file: counters are plain fields that their sources add to; rates are made of 16 samples that the
 * server's clock takes ten times a second, so nothing is computed per command.
 */
import type { StatisticsFace } from "../commands/server-face.ts";
import type { CommandTable } from "../commands/table.ts";
import type { Keyspace } from "../engine/keyspace.ts";

const RATE_SAMPLES = 16;
/** Clients can make up error codes (scripts, DEBUG ERROR): beyond this many only the total is counted. */
const ERROR_CODES_MAX = 128;
const ERROR_CODE_BYTES_MAX = 64;

/** Mean growth per second of a counter over the last samples. */
export class Rate {
  readonly #samples = new Float64Array(RATE_SAMPLES);
  #next = 0;
  #lastValue = 0;
  #lastMs = -1;

  sample(value: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (this.#lastMs >= 0 && elapsedMs > 0) {
      // A counter that was reset meanwhile starts again from zero.
      const growth = value >= this.#lastValue ? value - this.#lastValue : value;
      this.#samples[this.#next] = (growth * 1000) / elapsedMs;
      this.#next = (this.#next + 1) % RATE_SAMPLES;
    }
    this.#lastValue = value;
    this.#lastMs = nowMs;
  }

  get perSecond(): number {
    let sum = 0;
    for (let i = 0; i < RATE_SAMPLES; i++) sum += this.#samples[i]!;
    return sum / RATE_SAMPLES;
  }

  reset(): void {
    this.#samples.fill(0);
  }
}

export class Statistics implements StatisticsFace {
  connectionsReceived = 0;
  rejectedConnections = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  /** Calls that brought input from, or took output to, the system. */
  readsProcessed = 0;
  writesProcessed = 0;
  evictedKeys = 0;
  evictedClients = 0;
  /** Time spent on finding and removing expired keys that nobody accesses. */
  expireCycleMs = 0;
  expireCycleLimitReached = 0;
  /** Share of expired keys among those with an expiry, as last sampled; percent. */
  expiredStalePercent = 0;
  errorReplies = 0;

  readonly #errors = new Map<string, number>();
  readonly #operations = new Rate();
  readonly #input = new Rate();
  readonly #output = new Rate();
  readonly #table: CommandTable;
  readonly #keyspace: Keyspace;
  readonly #commandsExecuted: () => number;
  #commandsBefore = 0;
  #hitsBefore = 0;
  #missesBefore = 0;
  #expiredBefore = 0;

  /** `commandsExecuted` answers a counter that only grows. */
  constructor(parts: { table: CommandTable; keyspace: Keyspace; commandsExecuted: () => number }) {
    this.#table = parts.table;
    this.#keyspace = parts.keyspace;
    this.#commandsExecuted = parts.commandsExecuted;
  }

  get commandsProcessed(): number {
    return this.#commandsExecuted() - this.#commandsBefore;
  }
  get keyspaceHits(): number {
    return this.#keyspace.hits - this.#hitsBefore;
  }
  get keyspaceMisses(): number {
    return this.#keyspace.misses - this.#missesBefore;
  }
  get expiredKeys(): number {
    return this.#keyspace.expiredKeys - this.#expiredBefore;
  }

  /** Ten times a second, with the monotonic clock. */
  sample(monotonicMs: number): void {
    this.#operations.sample(this.#commandsExecuted(), monotonicMs);
    this.#input.sample(this.netInputBytes, monotonicMs);
    this.#output.sample(this.netOutputBytes, monotonicMs);
  }

  get operationsPerSecond(): number {
    return Math.floor(this.#operations.perSecond);
  }
  get inputKilobytesPerSecond(): number {
    return this.#input.perSecond / 1024;
  }
  get outputKilobytesPerSecond(): number {
    return this.#output.perSecond / 1024;
  }

  /** `text` is an error reply without its '-': its first word is the code. */
  countError(text: string): void {
    this.errorReplies++;
    const space = text.indexOf(" ");
    const code = text.slice(0, space < 0 ? ERROR_CODE_BYTES_MAX : Math.min(space, ERROR_CODE_BYTES_MAX));
    const count = this.#errors.get(code);
    if (count !== undefined) this.#errors.set(code, count + 1);
    else if (this.#errors.size < ERROR_CODES_MAX) this.#errors.set(code, 1);
  }

  /** Codes in alphabetic order with their counts. */
  errors(): readonly (readonly [code: string, count: number])[] {
    return [...this.#errors].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  reset(): void {
    this.connectionsReceived = 0;
    this.rejectedConnections = 0;
    this.netInputBytes = 0;
    this.netOutputBytes = 0;
    this.readsProcessed = 0;
    this.writesProcessed = 0;
    this.evictedKeys = 0;
    this.evictedClients = 0;
    this.expireCycleMs = 0;
    this.expireCycleLimitReached = 0;
    this.expiredStalePercent = 0;
    this.errorReplies = 0;
    this.#errors.clear();
    this.#operations.reset();
    this.#input.reset();
    this.#output.reset();
    this.#commandsBefore = this.#commandsExecuted();
    this.#hitsBefore = this.#keyspace.hits;
    this.#missesBefore = this.#keyspace.misses;
    this.#expiredBefore = this.#keyspace.expiredKeys;
    this.#table.resetCounters();
  }
}
