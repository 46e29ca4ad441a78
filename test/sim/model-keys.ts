/** What commands on keys and whole databases do to the model, whatever the keys hold. */
import { NEVER } from "./model.ts";
import {
  find,
  integer,
  type ModelCall,
  type ModelCommand,
  NIL,
  OK,
  reading,
  textsIn,
  writing,
} from "./model-call.ts";

const SAME_OBJECT = "-ERR source and destination objects are the same\r\n";

/** Absolute milliseconds of the time in `text`, given in the units that `option` says. */
export function timeOf(option: string, text: string, nowMs: number): number {
  const value = Number(text);
  switch (option) {
    case "EX":
      return nowMs + value * 1000;
    case "PX":
      return nowMs + value;
    case "EXAT":
      return value * 1000;
    default:
      return value;
  }
}

/** A time that is not in the future removes the key. */
export function expireAt({ model, db, nowMs }: ModelCall, key: string, expiryMs: number): void {
  const entry = model.find(db, key, nowMs)!;
  if (expiryMs <= nowMs) model.remove(db, key, nowMs);
  else model.put(db, key, entry, expiryMs);
}

/** Counts the keys for which `test` holds; the same key may be named twice. */
function counting(test: (call: ModelCall, key: string) => boolean) {
  return (call: ModelCall): string => integer(call.words.slice(1).filter((key) => test(call, key)).length);
}

const isPresent = (call: ModelCall, key: string): boolean => find(call, key) !== undefined;

function expire(option: string) {
  return (call: ModelCall): string => {
    const { words, nowMs } = call;
    const entry = find(call, words[1]!);
    if (entry === undefined) return integer(0);
    const expiryMs = timeOf(option, words[2]!, nowMs);
    const current = entry.expiryMs === NEVER ? Number.POSITIVE_INFINITY : entry.expiryMs;
    const condition = words[3];
    const allowed =
      condition === undefined ||
      (condition === "NX" && entry.expiryMs === NEVER) ||
      (condition === "XX" && entry.expiryMs !== NEVER) ||
      (condition === "GT" && expiryMs > current) ||
      (condition === "LT" && expiryMs < current);
    if (!allowed) return integer(0);
    expireAt(call, words[1]!, expiryMs);
    return integer(1);
  };
}

function remaining(shown: (expiryMs: number, nowMs: number) => number) {
  return (call: ModelCall): string => {
    const entry = find(call, call.words[1]!);
    if (entry === undefined) return integer(-2);
    return integer(entry.expiryMs === NEVER ? -1 : shown(entry.expiryMs, call.nowMs));
  };
}

function persist(call: ModelCall): string {
  const entry = find(call, call.words[1]!);
  if (entry === undefined || entry.expiryMs === NEVER) return integer(0);
  call.model.put(call.db, call.words[1]!, entry, NEVER);
  return integer(1);
}

function rename(onlyIfFree: boolean) {
  return (call: ModelCall): string => {
    const { model, db, words, nowMs } = call;
    const [, from = "", to = ""] = words;
    const entry = find(call, from);
    if (entry === undefined) return "-ERR no such key\r\n";
    if (from === to) return onlyIfFree ? integer(0) : OK;
    if (onlyIfFree && find(call, to) !== undefined) return integer(0);
    model.remove(db, from, nowMs);
    model.put(db, to, entry, entry.expiryMs);
    return onlyIfFree ? integer(1) : OK;
  };
}

function move(call: ModelCall): string {
  const { model, db, words, nowMs } = call;
  const target = Number(words[2]);
  if (target === db) return SAME_OBJECT;
  const entry = find(call, words[1]!);
  if (entry === undefined || model.find(target, words[1]!, nowMs) !== undefined) return integer(0);
  model.remove(db, words[1]!, nowMs);
  model.put(target, words[1]!, entry, entry.expiryMs);
  return integer(1);
}

function copy(call: ModelCall): string {
  const { model, db, words, nowMs } = call;
  const [, from = "", to = ""] = words;
  const target = words.includes("DB") ? Number(words[words.indexOf("DB") + 1]) : db;
  if (target === db && from === to) return SAME_OBJECT;
  const entry = find(call, from);
  if (entry === undefined) return integer(0);
  if (!words.includes("REPLACE") && model.find(target, to, nowMs) !== undefined) return integer(0);
  model.put(target, to, entry, entry.expiryMs);
  return integer(1);
}

/** One of the keys that are there; a hash of nothing but fields whose time is over may count as one. */
function randomKey(call: ModelCall): string {
  const { model, db, nowMs, observed } = call;
  const stored = [...model.databases[db]!.keys()];
  const isEmpty = stored.every((key) => model.find(db, key, nowMs) === undefined);
  const [key] = textsIn(observed) ?? [];
  const entry = key === undefined ? undefined : model.stored(db, key);
  const isThere = entry !== undefined && (entry.type === "hash" || find(call, key!) !== undefined);
  if (!isThere && !(isEmpty && observed === NIL)) {
    throw new Error(`RANDOMKEY answered ${JSON.stringify(observed)}, which is none of ${stored.join(" ")}`);
  }
  return observed;
}

export const KEY_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  DEL: writing(counting((call, key) => call.model.remove(call.db, key, call.nowMs))),
  UNLINK: writing(counting((call, key) => call.model.remove(call.db, key, call.nowMs))),
  EXPIRE: writing(expire("EX")),
  PEXPIRE: writing(expire("PX")),
  EXPIREAT: writing(expire("EXAT")),
  PEXPIREAT: writing(expire("PXAT")),
  PERSIST: writing(persist),
  RENAME: writing(rename(false)),
  RENAMENX: writing(rename(true)),
  MOVE: writing(move),
  COPY: writing(copy),
  FLUSHDB: writing(({ model, db }) => {
    model.flush(db);
    return OK;
  }),
  FLUSHALL: writing(({ model }) => {
    for (let db = 0; db < model.databases.length; db++) model.flush(db);
    return OK;
  }),
  SWAPDB: writing(({ model, words }) => {
    model.swap(Number(words[1]), Number(words[2]));
    return OK;
  }),
  EXISTS: reading(counting(isPresent)),
  TOUCH: reading(counting(isPresent)),
  TYPE: reading((call) => `+${find(call, call.words[1]!)?.type ?? "none"}\r\n`),
  TTL: reading(remaining((expiryMs, nowMs) => Math.floor((expiryMs - nowMs + 500) / 1000))),
  PTTL: reading(remaining((expiryMs, nowMs) => expiryMs - nowMs)),
  EXPIRETIME: reading(remaining((expiryMs) => Math.floor((expiryMs + 500) / 1000))),
  PEXPIRETIME: reading(remaining((expiryMs) => expiryMs)),
  RANDOMKEY: { writes: false, isObserved: true, run: randomKey },
};
