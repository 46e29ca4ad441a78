/** What commands on strings do to the model. */
import { NEVER } from "./model.ts";
import {
  array,
  bulk,
  expiryOf,
  find,
  integer,
  keepText,
  type ModelCall,
  type ModelCommand,
  NIL,
  OK,
  reading,
  textOf,
  writing,
} from "./model-call.ts";
import { expireAt, timeOf } from "./model-keys.ts";

const NOT_AN_INTEGER = "-ERR value is not an integer or out of range\r\n";
const INT64_MAX = 2n ** 63n - 1n;

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
  const oldText = answersOld ? textOf(call, words[1]!) : undefined;
  const refused = (options.includes("NX") && old !== undefined) || (options.includes("XX") && !old);
  if (!refused) model.putText(db, words[1]!, words[2]!, expiryMs);
  if (answersOld) return bulk(oldText);
  return refused ? NIL : OK;
}

function setUntil(option: string, command: string) {
  return ({ model, db, words, nowMs }: ModelCall): string => {
    if (Number(words[2]) <= 0) return `-ERR invalid expire time in '${command}' command\r\n`;
    model.putText(db, words[1]!, words[3]!, timeOf(option, words[2]!, nowMs));
    return OK;
  };
}

function setNx(call: ModelCall): string {
  if (find(call, call.words[1]!) !== undefined) return integer(0);
  call.model.putText(call.db, call.words[1]!, call.words[2]!, NEVER);
  return integer(1);
}

function mset(call: ModelCall): string {
  const { model, db, words } = call;
  for (let i = 1; i < words.length; i += 2) model.putText(db, words[i]!, words[i + 1]!, NEVER);
  return OK;
}

function msetNx(call: ModelCall): string {
  const { words } = call;
  for (let i = 1; i < words.length; i += 2) if (find(call, words[i]!) !== undefined) return integer(0);
  mset(call);
  return integer(1);
}

function getSet(call: ModelCall): string {
  const old = textOf(call, call.words[1]!);
  call.model.putText(call.db, call.words[1]!, call.words[2]!, NEVER);
  return bulk(old);
}

function getDel(call: ModelCall): string {
  const old = textOf(call, call.words[1]!);
  call.model.remove(call.db, call.words[1]!, call.nowMs);
  return bulk(old);
}

function getEx(call: ModelCall): string {
  const { model, db, words, nowMs } = call;
  const key = words[1]!;
  const old = textOf(call, key);
  if (old === undefined) return NIL;
  const option = words[2];
  if (option === "PERSIST") {
    // What has no time keeps none: nothing changes for those who watch.
    if (expiryOf(call, key) !== NEVER) model.putText(db, key, old, NEVER);
  } else if (option !== undefined) {
    if (Number(words[3]) <= 0) return "-ERR invalid expire time in 'getex' command\r\n";
    expireAt(call, key, timeOf(option, words[3]!, nowMs));
  }
  return bulk(old);
}

function append(call: ModelCall): string {
  const { words } = call;
  const value = (textOf(call, words[1]!) ?? "") + words[2]!;
  keepText(call, words[1]!, value);
  return integer(value.length);
}

function setRange(call: ModelCall): string {
  const { words } = call;
  const offset = Number(words[2]);
  const before = textOf(call, words[1]!) ?? "";
  if (words[3] === "") return integer(before.length);
  const value =
    before.padEnd(offset, "\0").slice(0, offset) + words[3]! + before.slice(offset + words[3]!.length);
  keepText(call, words[1]!, value);
  return integer(value.length);
}

function getRange(call: ModelCall): string {
  const value = textOf(call, call.words[1]!) ?? "";
  const first = Number(call.words[2]);
  const last = Number(call.words[3]);
  if (first < 0 && last < 0 && first > last) return bulk("");
  const start = first < 0 ? Math.max(0, first + value.length) : first;
  const end = last < 0 ? Math.max(0, last + value.length) : last;
  return bulk(value.slice(start, end + 1));
}

function increment(sign: bigint, byArgument: boolean) {
  return (call: ModelCall): string => {
    const { words } = call;
    const text = textOf(call, words[1]!) ?? "0";
    if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return NOT_AN_INTEGER;
    const current = BigInt(text);
    if (current > INT64_MAX || current < -INT64_MAX - 1n) return NOT_AN_INTEGER;
    const sum = current + sign * (byArgument ? BigInt(words[2]!) : 1n);
    if (sum > INT64_MAX || sum < -INT64_MAX - 1n) return "-ERR increment or decrement would overflow\r\n";
    keepText(call, words[1]!, String(sum));
    return integer(sum);
  };
}

export const STRING_COMMANDS: Readonly<Record<string, ModelCommand>> = {
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
  GET: reading((call) => bulk(textOf(call, call.words[1]!))),
  MGET: reading((call) => array(call.words.slice(1).map((key) => bulk(shownText(call, key))))),
  STRLEN: reading((call) => integer(textOf(call, call.words[1]!)?.length ?? 0)),
  GETRANGE: reading(getRange),
};

/** A value of another type is answered like none. */
function shownText(call: ModelCall, key: string): string | undefined {
  const entry = find(call, key);
  return entry?.type === "string" ? entry.text : undefined;
}
