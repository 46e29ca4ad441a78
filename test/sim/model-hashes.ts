/**
 * What hash commands do to the model, the times of fields included (Redis 7.4's commands).
 *
 * No order of fields is promised: HGETALL and HRANDFIELD are checked as they were observed.
 */
import { type Field, type Fields, NEVER } from "./model.ts";
import {
  array,
  bulk,
  checkChosen,
  fieldsOf,
  integer,
  keepFields,
  type ModelCall,
  type ModelCommand,
  NIL,
  reading,
  textsIn,
  writing,
} from "./model-call.ts";

const INTEGER = /^(0|-?[1-9][0-9]{0,17})$/;

/** A field that is set loses its time. */
function set(call: ModelCall): string {
  const [, key = "", ...pairs] = call.words;
  const old = fieldsOf(call, key);
  const fields = new Map(old);
  for (let i = 0; i < pairs.length; i += 2) fields.set(pairs[i]!, { text: pairs[i + 1]!, expiryMs: NEVER });
  keepFields(call, key, fields);
  return integer(fields.size - old.size);
}

function setNew(call: ModelCall): string {
  const [, key = "", name = "", text = ""] = call.words;
  const fields = fieldsOf(call, key);
  if (fields.has(name)) return integer(0);
  keepFields(call, key, new Map(fields).set(name, { text, expiryMs: NEVER }));
  return integer(1);
}

/** The field keeps its time. */
function increment(call: ModelCall): string {
  const [, key = "", name = "", change = ""] = call.words;
  const fields = fieldsOf(call, key);
  const field = fields.get(name);
  const text = field?.text ?? "0";
  if (!INTEGER.test(text)) return "-ERR hash value is not an integer\r\n";
  const sum = BigInt(text) + BigInt(change);
  const changed = { text: String(sum), expiryMs: field?.expiryMs ?? NEVER };
  keepFields(call, key, new Map(fields).set(name, changed));
  return integer(sum);
}

function remove(call: ModelCall): string {
  const [, key = "", ...names] = call.words;
  const fields = new Map(fieldsOf(call, key));
  const removed = names.filter((name) => fields.delete(name)).length;
  if (removed > 0) keepFields(call, key, fields);
  return integer(removed);
}

function all(call: ModelCall): string {
  const fields = fieldsOf(call, call.words[1]!);
  checkPairs(call, fields, fields.size);
  return call.observed;
}

/** The observed reply is `count` different fields, each with its value. */
function checkPairs(call: ModelCall, fields: Fields, count: number): void {
  const texts = textsIn(call.observed) ?? [];
  const names = texts.filter((_, index) => index % 2 === 0);
  checkChosen(call, names, fields, count, true);
  names.forEach((name, index) => {
    const { text } = fields.get(name)!;
    if (texts[index * 2 + 1] !== text) throw new Error(`field ${name} is answered with another value`);
  });
}

/** With a count from 0 on, with or without WITHVALUES, or without a count. */
function random(call: ModelCall): string {
  const [, key = "", count, withValues] = call.words;
  const fields = fieldsOf(call, key);
  if (count === undefined && fields.size === 0) {
    if (call.observed !== NIL) throw new Error(`a field of nothing is ${JSON.stringify(call.observed)}`);
    return NIL;
  }
  const most = Math.min(Number(count ?? 1), fields.size);
  if (withValues === undefined) checkChosen(call, textsIn(call.observed) ?? [], fields, most, true);
  else checkPairs(call, fields, most);
  return call.observed;
}

/** The words behind `FIELDS numfields`, and the one before FIELDS. */
function namesIn(words: readonly string[]): readonly string[] {
  return words.slice(words.indexOf("FIELDS") + 2);
}

const isAllowed = (condition: string, { expiryMs }: Field, wantedMs: number): boolean => {
  switch (condition) {
    case "NX":
      return expiryMs === NEVER;
    case "XX":
      return expiryMs !== NEVER;
    case "GT":
      return expiryMs !== NEVER && wantedMs > expiryMs;
    case "LT":
      return expiryMs === NEVER || wantedMs < expiryMs;
    default:
      return true;
  }
};

/** A time that is not in the future deletes the field. */
function expire(unitMs: number, isRelative: boolean) {
  return (call: ModelCall): string => {
    const { nowMs, words } = call;
    const [, key = "", time = "", condition = ""] = words;
    const fields = new Map(fieldsOf(call, key));
    const expiryMs = Number(time) * unitMs + (isRelative ? nowMs : 0);
    let changed = false;
    const replies = namesIn(words).map((name) => {
      const field = fields.get(name);
      if (field === undefined) return -2;
      if (!isAllowed(condition, field, expiryMs)) return 0;
      changed = true;
      if (expiryMs > nowMs) fields.set(name, { text: field.text, expiryMs });
      else fields.delete(name);
      return expiryMs > nowMs ? 1 : 2;
    });
    if (changed) keepFields(call, key, fields);
    return array(replies.map(integer));
  };
}

function persist(call: ModelCall): string {
  const fields = new Map(fieldsOf(call, call.words[1]!));
  let changed = false;
  const replies = namesIn(call.words).map((name) => {
    const field = fields.get(name);
    if (field === undefined) return -2;
    if (field.expiryMs === NEVER) return -1;
    fields.set(name, { text: field.text, expiryMs: NEVER });
    changed = true;
    return 1;
  });
  if (changed) keepFields(call, call.words[1]!, fields);
  return array(replies.map(integer));
}

function times(shown: (expiryMs: number, nowMs: number) => number) {
  return (call: ModelCall): string => {
    const fields = fieldsOf(call, call.words[1]!);
    return array(
      namesIn(call.words).map((name) => {
        const field = fields.get(name);
        if (field === undefined) return integer(-2);
        return integer(field.expiryMs === NEVER ? -1 : shown(field.expiryMs, call.nowMs));
      }),
    );
  };
}

const one = (call: ModelCall): Field | undefined => fieldsOf(call, call.words[1]!).get(call.words[2]!);

export const HASH_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  HSET: writing(set),
  HSETNX: writing(setNew),
  HINCRBY: writing(increment),
  HDEL: writing(remove),
  HEXPIRE: writing(expire(1000, true)),
  HPEXPIRE: writing(expire(1, true)),
  HEXPIREAT: writing(expire(1000, false)),
  HPEXPIREAT: writing(expire(1, false)),
  HPERSIST: writing(persist),
  HGETALL: { writes: false, isObserved: true, run: all },
  HRANDFIELD: { writes: false, isObserved: true, run: random },
  HGET: reading((call) => bulk(one(call)?.text)),
  HMGET: reading((call) => {
    const fields = fieldsOf(call, call.words[1]!);
    return array(call.words.slice(2).map((name) => bulk(fields.get(name)?.text)));
  }),
  HLEN: reading((call) => integer(fieldsOf(call, call.words[1]!).size)),
  HEXISTS: reading((call) => integer(one(call) === undefined ? 0 : 1)),
  HSTRLEN: reading((call) => integer(one(call)?.text.length ?? 0)),
  HPTTL: reading(times((expiryMs, nowMs) => expiryMs - nowMs)),
  HTTL: reading(times((expiryMs, nowMs) => Math.ceil((expiryMs - nowMs) / 1000))),
  HPEXPIRETIME: reading(times((expiryMs) => expiryMs)),
};
