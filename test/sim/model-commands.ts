/**
 * What each command of the workload does to the model, and what it answers, as Redis documents it.
 *
 * Replies are RESP2 text, one character per byte. Written from the documentation, not from the server: where the
 * two disagree one of them is wrong.
 */
import { type Model, NEVER } from "./model.ts";
import { BITMAP_COMMANDS } from "./model-bitmaps.ts";
import { LIST_COMMANDS } from "./model-lists.ts";
import { SORTED_SET_COMMANDS } from "./model-sorted-sets.ts";

export interface ModelCall {
  readonly model: Model;
  readonly db: number;
  readonly words: readonly string[];
  readonly nowMs: number;
}

export interface ModelCommand {
  /** Refused while the log cannot be written. */
  readonly writes: boolean;
  readonly run: (call: ModelCall) => string;
}

export const OK = "+OK\r\n";
const NIL = "$-1\r\n";
const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";
const SAME_OBJECT = "-ERR source and destination objects are the same\r\n";
const INT64_MAX = 2n ** 63n - 1n;

export const integer = (value: number | bigint): string => `:${value}\r\n`;
export const bulk = (value: string | undefined): string =>
  value === undefined ? NIL : `$${value.length}\r\n${value}\r\n`;

function find({ model, db, nowMs }: ModelCall, key: string) {
  return model.find(db, key, nowMs);
}

/** Absolute milliseconds of the time in `text`, given in the units that `option` says. */
function timeOf(option: string, text: string, nowMs: number): number {
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

function set(call: ModelCall): string {
  const { model, db, words, nowMs } = call;
  const options = words.slice(3);
  const old = find(call, words[1]!);
  let expiryMs = NEVER;
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    if (option === "KEEPTTL") expiryMs = old?.expiryMs ?? NEVER;
    else if (/^(EX|PX|EXAT|PXAT)$/.test(option)) {
      if (Number(options[i + 1]) <= 0) return "-ERR invalid expire time in 'set' command\r\n";
      expiryMs = timeOf(option, options[++i]!, nowMs);
    }
  }
  const answersOld = options.includes("GET");
  const refused = (options.includes("NX") && old !== undefined) || (options.includes("XX") && !old);
  if (!refused) model.put(db, words[1]!, words[2]!, expiryMs);
  if (answersOld) return bulk(old?.value);
  return refused ? NIL : OK;
}

function setUntil(option: string, command: string) {
  return ({ model, db, words, nowMs }: ModelCall): string => {
    if (Number(words[2]) <= 0) return `-ERR invalid expire time in '${command}' command\r\n`;
    model.put(db, words[1]!, words[3]!, timeOf(option, words[2]!, nowMs));
    return OK;
  };
}

function setNx(call: ModelCall): string {
  if (find(call, call.words[1]!) !== undefined) return integer(0);
  call.model.put(call.db, call.words[1]!, call.words[2]!, NEVER);
  return integer(1);
}

function mset(call: ModelCall): string {
  const { model, db, words } = call;
  for (let i = 1; i < words.length; i += 2) model.put(db, words[i]!, words[i + 1]!, NEVER);
  return OK;
}

function msetNx(call: ModelCall): string {
  const { words } = call;
  for (let i = 1; i < words.length; i += 2) if (find(call, words[i]!) !== undefined) return integer(0);
  mset(call);
  return integer(1);
}

function getSet(call: ModelCall): string {
  const old = find(call, call.words[1]!);
  call.model.put(call.db, call.words[1]!, call.words[2]!, NEVER);
  return bulk(old?.value);
}

function getDel(call: ModelCall): string {
  const old = find(call, call.words[1]!);
  call.model.remove(call.db, call.words[1]!, call.nowMs);
  return bulk(old?.value);
}

function getEx(call: ModelCall): string {
  const { model, db, words, nowMs } = call;
  const key = words[1]!;
  const old = find(call, key);
  if (old === undefined) return NIL;
  const option = words[2];
  if (option === "PERSIST") model.put(db, key, old.value, NEVER);
  else if (option !== undefined) {
    if (Number(words[3]) <= 0) return "-ERR invalid expire time in 'getex' command\r\n";
    expireAt(call, key, timeOf(option, words[3]!, nowMs));
  }
  return bulk(old.value);
}

/** A time that is not in the future removes the key. */
function expireAt({ model, db, nowMs }: ModelCall, key: string, expiryMs: number): void {
  const entry = model.find(db, key, nowMs)!;
  if (expiryMs <= nowMs) model.remove(db, key, nowMs);
  else model.put(db, key, entry.value, expiryMs);
}

function append(call: ModelCall): string {
  const { model, db, words } = call;
  const old = find(call, words[1]!);
  const value = (old?.value ?? "") + words[2]!;
  model.put(db, words[1]!, value, old?.expiryMs ?? NEVER);
  return integer(value.length);
}

function setRange(call: ModelCall): string {
  const { model, db, words } = call;
  const offset = Number(words[2]);
  const old = find(call, words[1]!);
  const before = old?.value ?? "";
  if (words[3] === "") return integer(before.length);
  const value =
    before.padEnd(offset, "\0").slice(0, offset) + words[3]! + before.slice(offset + words[3]!.length);
  model.put(db, words[1]!, value, old?.expiryMs ?? NEVER);
  return integer(value.length);
}

function getRange(call: ModelCall): string {
  const value = find(call, call.words[1]!)?.value ?? "";
  const first = Number(call.words[2]);
  const last = Number(call.words[3]);
  if (first < 0 && last < 0 && first > last) return bulk("");
  const start = first < 0 ? Math.max(0, first + value.length) : first;
  const end = last < 0 ? Math.max(0, last + value.length) : last;
  return bulk(value.slice(start, end + 1));
}

function increment(sign: bigint, byArgument: boolean) {
  return (call: ModelCall): string => {
    const { model, db, words } = call;
    const old = find(call, words[1]!);
    const text = old?.value ?? "0";
    if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return NOT_AN_INTEGER;
    const current = BigInt(text);
    if (current > INT64_MAX || current < -INT64_MAX - 1n) return NOT_AN_INTEGER;
    const sum = current + sign * (byArgument ? BigInt(words[2]!) : 1n);
    if (sum > INT64_MAX || sum < -INT64_MAX - 1n) return "-ERR increment or decrement would overflow\r\n";
    model.put(db, words[1]!, String(sum), old?.expiryMs ?? NEVER);
    return integer(sum);
  };
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
  call.model.put(call.db, call.words[1]!, entry.value, NEVER);
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
    model.put(db, to, entry.value, entry.expiryMs);
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
  model.put(target, words[1]!, entry.value, entry.expiryMs);
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
  model.put(target, to, entry.value, entry.expiryMs);
  return integer(1);
}

const writing = (run: ModelCommand["run"]): ModelCommand => ({ writes: true, run });
const reading = (run: ModelCommand["run"]): ModelCommand => ({ writes: false, run });

export const MODEL_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  ...BITMAP_COMMANDS,
  ...LIST_COMMANDS,
  ...SORTED_SET_COMMANDS,
  SET: writing(set),
  SETEX: writing(setUntil("EX", "setex")),
  PSETEX: writing(setUntil("PX", "psetex")),
  SETNX: writing(setNx),
  MSET: writing(mset),
  MSETNX: writing(msetNx),
  GETSET: writing(getSet),
  GETDEL: writing(getDel),
  GETEX: writing(getEx),
  APPEND: writing(append),
  SETRANGE: writing(setRange),
  INCR: writing(increment(1n, false)),
  DECR: writing(increment(-1n, false)),
  INCRBY: writing(increment(1n, true)),
  DECRBY: writing(increment(-1n, true)),
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
  GET: reading((call) => bulk(find(call, call.words[1]!)?.value)),
  MGET: reading(
    (call) =>
      `*${call.words.length - 1}\r\n${call.words
        .slice(1)
        .map((key) => bulk(find(call, key)?.value))
        .join("")}`,
  ),
  STRLEN: reading((call) => integer(find(call, call.words[1]!)?.value.length ?? 0)),
  GETRANGE: reading(getRange),
  EXISTS: reading(counting(isPresent)),
  TOUCH: reading(counting(isPresent)),
  TYPE: reading((call) => (isPresent(call, call.words[1]!) ? "+string\r\n" : "+none\r\n")),
  TTL: reading(remaining((expiryMs, nowMs) => Math.floor((expiryMs - nowMs + 500) / 1000))),
  PTTL: reading(remaining((expiryMs, nowMs) => expiryMs - nowMs)),
  EXPIRETIME: reading(remaining((expiryMs) => Math.floor((expiryMs + 500) / 1000))),
  PEXPIRETIME: reading(remaining((expiryMs) => expiryMs)),
  PING: reading(() => "+PONG\r\n"),
  ECHO: reading(({ words }) => bulk(words[1]!)),
};
