/**
 * Where effects go: from command bodies to the log, each with its LSN.
 *
 * Invariants: an effect takes exactly one LSN, whether a log is kept or not; after each effect the keyspace's
 * `lsn` is that of the next one; while effects are replayed nothing is logged again.
 *
 * Hot-path file: `verbatim` of a pipelined request is a comparison and an addition (the log merges adjacent
 * ranges); nothing here allocates.
 */
import type { Context, EffectSink } from "../commands/context.ts";
import type { Keyspace } from "../engine/keyspace.ts";

/** What effects need of a log; the append-only file implements it, and `CountingLog` where none is kept. */
export interface EffectLog {
  readonly nextLsn: number;
  /** [start, end) is a whole RESP request; the bytes stay valid and unchanged until the turn is committed. */
  appendVerbatim(db: number, bytes: Uint8Array, start: number, end: number): void;
  begin(db: number, argc: number): void;
  argument(bytes: Uint8Array, offset: number, length: number): void;
  argumentText(latin1: string): void;
  argumentInteger(value: number): void;
  end(): void;
  beginUnit(): void;
  endUnit(): void;
}

/** Gives out LSNs and keeps nothing: for a server whose append-only file is off. */
export class CountingLog implements EffectLog {
  #next: number;
  constructor(nextLsn: number) {
    this.#next = nextLsn;
  }
  get nextLsn(): number {
    return this.#next;
  }
  appendVerbatim(): void {
    this.#next++;
  }
  begin(): void {}
  argument(): void {}
  argumentText(): void {}
  argumentInteger(): void {}
  end(): void {
    this.#next++;
  }
  beginUnit(): void {}
  endUnit(): void {}
}

const NO_ARENA = new Uint8Array(0);

export class Effects implements EffectSink {
  readonly #keyspace: Keyspace;
  #log: EffectLog;
  #context: Context | undefined;
  /** True while the log's own effects are executed. */
  replaying = false;
  /** Effects since the counter was last reset: Redis's `dirty`. */
  dirty = 0;
  /** The buffer whose ranges stay valid until the end of the turn; requests in any other are copied at once. */
  stableBytes: Uint8Array = NO_ARENA;

  constructor(keyspace: Keyspace, log: EffectLog) {
    this.#keyspace = keyspace;
    this.#log = log;
    keyspace.lsn = log.nextLsn;
  }

  /** The context whose requests `verbatim` means; set once. */
  bind(context: Context): void {
    this.#context = context;
  }

  useLog(log: EffectLog): void {
    this.#log = log;
    this.#keyspace.lsn = log.nextLsn;
  }

  #advance(): void {
    this.dirty++;
    this.#keyspace.lsn = this.#log.nextLsn;
  }

  verbatim(): void {
    if (this.replaying) return;
    const context = this.#context!;
    const request = context.request;
    const log = this.#log;
    if (request.verbatim && request.bytes === this.stableBytes) {
      log.appendVerbatim(context.db, request.bytes, request.start, request.end);
    } else {
      log.begin(context.db, request.argc);
      for (let i = 0; i < request.argc; i++) {
        log.argument(request.bytes, request.offsets[i]!, request.lengths[i]!);
      }
      log.end();
    }
    this.#advance();
  }

  begin(db: number, argc: number): void {
    if (!this.replaying) this.#log.begin(db, argc);
  }
  requestArgument(index: number): void {
    if (this.replaying) return;
    const request = this.#context!.request;
    this.#log.argument(request.bytes, request.offsets[index]!, request.lengths[index]!);
  }
  argument(bytes: Uint8Array, offset: number, length: number): void {
    if (!this.replaying) this.#log.argument(bytes, offset, length);
  }
  argumentText(latin1: string): void {
    if (!this.replaying) this.#log.argumentText(latin1);
  }
  argumentInteger(value: number): void {
    if (!this.replaying) this.#log.argumentInteger(value);
  }
  end(): void {
    if (this.replaying) return;
    this.#log.end();
    this.#advance();
  }
  beginUnit(): void {
    if (!this.replaying) this.#log.beginUnit();
  }
  endUnit(): void {
    if (!this.replaying) this.#log.endUnit();
  }

  /** `DEL key`, for keys that expired or were evicted: the log says it, so that replay needs no clock. */
  removal(db: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.replaying) return;
    this.#log.begin(db, 2);
    this.#log.argumentText("DEL");
    this.#log.argument(bytes, offset, length);
    this.#log.end();
    this.#advance();
  }
}
