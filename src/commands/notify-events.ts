/**
 * Keyspace events: their classes, and who is told of them.
 *
 * Invariants: the bits are those of `notify-keyspace-events`, one per letter of it; the two bits of where an event is
 * published (by key, by event) are no classes. While notifications are off, or wanted nowhere, `Context.notifications`
 * is 0: telling of an event then costs one load and a test.
 *
 * A body tells of what it did by `context.notify(NOTIFY_STRING, "append", 1)`, the last being the argument that holds
 * the key, or by `context.notifyKey` where the key is no argument; after the change, in Redis's order. A key that did
 * not exist is told of first: `context.notify(NOTIFY_NEW, "new", 1)`. Keys that expire or are evicted are told of by
 * the database, misses by `context.findForRead`.
 */

/** K: `__keyspace@<db>__:<key>` receives the event. */
export const NOTIFY_KEYSPACE: number = 1 << 0;
/** E: `__keyevent@<db>__:<event>` receives the key. */
export const NOTIFY_KEYEVENT: number = 1 << 1;
/** g: DEL, EXPIRE, RENAME and others that serve every type. */
export const NOTIFY_GENERIC: number = 1 << 2;
/** $ */
export const NOTIFY_STRING: number = 1 << 3;
/** l */
export const NOTIFY_LIST: number = 1 << 4;
/** s */
export const NOTIFY_SET: number = 1 << 5;
/** h */
export const NOTIFY_HASH: number = 1 << 6;
/** z */
export const NOTIFY_SORTED_SET: number = 1 << 7;
/** x: a key was removed because its time was over. */
export const NOTIFY_EXPIRED: number = 1 << 8;
/** e: a key was removed for want of memory. */
export const NOTIFY_EVICTED: number = 1 << 9;
/** t */
export const NOTIFY_STREAM: number = 1 << 10;
/** m: a reading command did not find its key. Not in A. */
export const NOTIFY_KEY_MISS: number = 1 << 11;
/** d: types of modules. Nothing here publishes it. */
export const NOTIFY_MODULE: number = 1 << 13;
/** n: a key came to be. Not in A. */
export const NOTIFY_NEW: number = 1 << 14;

/** A: every class but misses and new keys, which are frequent. */
export const NOTIFY_ALL: number =
  NOTIFY_GENERIC |
  NOTIFY_STRING |
  NOTIFY_LIST |
  NOTIFY_SET |
  NOTIFY_HASH |
  NOTIFY_SORTED_SET |
  NOTIFY_EXPIRED |
  NOTIFY_EVICTED |
  NOTIFY_STREAM |
  NOTIFY_MODULE;

/** Where events go; the database publishes them. */
export interface EventSink {
  /** `wanted` is `Context.notifications`; the key's range is valid during the call. `event` is ASCII. */
  publishEvent(
    wanted: number,
    event: string,
    bytes: Uint8Array,
    offset: number,
    length: number,
    db: number,
  ): void;
}

/** For a context whose owner publishes nothing. */
export const NO_EVENTS: EventSink = { publishEvent() {} };

const BITS_BY_LETTER: ReadonlyMap<string, number> = new Map([
  ["K", NOTIFY_KEYSPACE],
  ["E", NOTIFY_KEYEVENT],
  ["A", NOTIFY_ALL],
  ["g", NOTIFY_GENERIC],
  ["$", NOTIFY_STRING],
  ["l", NOTIFY_LIST],
  ["s", NOTIFY_SET],
  ["h", NOTIFY_HASH],
  ["z", NOTIFY_SORTED_SET],
  ["x", NOTIFY_EXPIRED],
  ["e", NOTIFY_EVICTED],
  ["t", NOTIFY_STREAM],
  ["m", NOTIFY_KEY_MISS],
  ["d", NOTIFY_MODULE],
  ["n", NOTIFY_NEW],
]);

/** The bits for `Context.notifications` of `notify-keyspace-events`' letters; 0 if they publish nothing, or nowhere. */
export function publishedEvents(letters: string): number {
  let bits = 0;
  for (const letter of letters) bits |= BITS_BY_LETTER.get(letter) ?? 0;
  const places = bits & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT);
  return places === 0 || places === bits ? 0 : bits;
}
