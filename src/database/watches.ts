/**
 * WATCH: who watches which key, and whether it has changed.
 *
 * Invariants
 *  - a watched key has changed when it is there and was not, the other way round, or has another version: every write
 *    gives a record a version that was never used before, so deleting, creating anew, flushing and swapping databases all
 *    show;
 *  - EXEC looks at every key that its session watches, which finds whatever happened since WATCH, expiry included, but
 *    for one thing: a key that was absent, came and went again. Redis fails that transaction. So while anybody watches,
 *    the executor also calls `afterWrite` after every command that wrote, and what has changed then stays changed;
 *  - a key whose time was over at WATCH counts as absent, whether or not it is still stored.
 *
 * While nobody watches nothing is paid: the executor is told by `onActive`. Versions rather than Redis's flags alone:
 * what removes keys in the background need not know of watchers.
 */
import { cloneBytes, latin1 } from "../base/bytes.ts";
import type { Context } from "../commands/context.ts";
import { findKeys, type ResolvedCommand } from "../commands/table.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import type { Session, WatchedKey } from "./session.ts";

/** The version of a key that is not there. */
const ABSENT = -1;
/** An estimate of what a watched key holds beside its name. */
const WATCH_BYTES = 200;
const BUCKETS = 1024;

export class Watches {
  readonly #keyspace: Keyspace;
  readonly #onActive: (active: boolean) => void;
  /** By name, whatever the database: a command may write to another one than its session's. */
  readonly #byName = new Map<string, WatchedKey[]>();
  #count = 0;
  /** Watched keys per bucket: most keys that are written fall into an empty one, and need no text made of them. */
  readonly #buckets = new Uint32Array(BUCKETS);
  #keyArguments = new Int32Array(64);

  /** `onActive` is called when the first key is watched and when the last one no longer is. */
  constructor(keyspace: Keyspace, onActive: (active: boolean) => void) {
    this.#keyspace = keyspace;
    this.#onActive = onActive;
  }

  /** Idempotent. False if the session's watched keys would take more than `bytesMax`. */
  watch(
    session: Session,
    db: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    bytesMax: number,
  ): boolean {
    const name = latin1(bytes, offset, length);
    const list = this.#byName.get(name);
    if (list?.some((watch) => watch.session === session && watch.db === db) === true) return true;
    const size = length + WATCH_BYTES;
    if (session.watchedBytes + size > bytesMax) return false;
    const copy = cloneBytes(bytes, offset, length);
    const watch: WatchedKey = { session, db, bytes: copy, name, version: this.#versionNow(db, copy) };
    if (list === undefined) this.#byName.set(name, [watch]);
    else list.push(watch);
    session.watched.push(watch);
    session.watchedBytes += size;
    this.#buckets[bucketOf(bytes, offset, length)]!++;
    if (this.#count++ === 0) this.#onActive(true);
    return true;
  }

  /** The session watches nothing any more. */
  forget(session: Session): void {
    session.watchBroken = false;
    const { watched } = session;
    if (watched.length === 0) return;
    session.watched = [];
    session.watchedBytes = 0;
    for (const watch of watched) {
      const list = this.#byName.get(watch.name)!;
      if (list.length === 1) this.#byName.delete(watch.name);
      else list.splice(list.indexOf(watch), 1);
      this.#buckets[bucketOf(watch.bytes, 0, watch.bytes.length)]!--;
    }
    this.#count -= watched.length;
    if (this.#count === 0) this.#onActive(false);
  }

  breakAll(): void {
    for (const list of this.#byName.values()) for (const { session } of list) session.watchBroken = true;
  }

  /** Has any key that the session watches changed since? */
  isBroken(session: Session): boolean {
    if (!session.watchBroken && session.watched.some((watch) => this.#hasChanged(watch))) {
      session.watchBroken = true;
    }
    return session.watchBroken;
  }

  /** The context's request was executed and wrote something: remembers which watched keys have changed. */
  afterWrite(command: ResolvedCommand, context: Context): void {
    const { argc } = context;
    if (this.#keyArguments.length < argc) this.#keyArguments = new Int32Array(argc * 2);
    const count = findKeys(command, context, this.#keyArguments);
    if (count <= 0) {
      // Commands about whole databases. What they bring and is expired is absent, as before.
      this.#lookAtAll();
      return;
    }
    const keyspace = this.#keyspace;
    const { expireOnAccess } = keyspace;
    // A key that was given a time in the past was written, and is removed by the next lookup: it has to be seen before.
    keyspace.expireOnAccess = false;
    if (count > this.#count) this.#lookAtAll();
    else this.#lookAtKeys(context, count);
    keyspace.expireOnAccess = expireOnAccess;
  }

  #lookAtKeys(context: Context, count: number): void {
    const { bytes } = context;
    for (let i = 0; i < count; i++) {
      const index = this.#keyArguments[i]!;
      const offset = context.offset(index);
      const length = context.length(index);
      if (this.#buckets[bucketOf(bytes, offset, length)] === 0) continue;
      const list = this.#byName.get(latin1(bytes, offset, length));
      if (list !== undefined) this.#lookAt(list);
    }
  }

  #lookAtAll(): void {
    for (const list of this.#byName.values()) this.#lookAt(list);
  }

  #lookAt(list: readonly WatchedKey[]): void {
    for (const watch of list) {
      if (!watch.session.watchBroken && this.#hasChanged(watch)) watch.session.watchBroken = true;
    }
  }

  #hasChanged(watch: WatchedKey): boolean {
    return this.#versionNow(watch.db, watch.bytes) !== watch.version;
  }

  #versionNow(db: number, bytes: Uint8Array): number {
    const keyspace = this.#keyspace;
    return keyspace.peek(db, bytes, 0, bytes.length) ? keyspace.version : ABSENT;
  }
}

/** By length and the last two bytes, in which keys differ most. */
function bucketOf(bytes: Uint8Array, offset: number, length: number): number {
  const last = length > 0 ? bytes[offset + length - 1]! : 0;
  const before = length > 1 ? bytes[offset + length - 2]! : 0;
  return (length * 61 + last * 7 + before * 31) % BUCKETS;
}
