/** What list commands do to the model. */

import type { Elements } from "./model.ts";
import {
  array,
  bulk,
  elementsOf,
  integer,
  keepElements,
  type ModelCall,
  type ModelCommand,
  NIL,
  NIL_ARRAY,
  OK,
  reading,
  WAITS,
  writing,
} from "./model-call.ts";

function push(toFront: boolean, onlyIfThere = false) {
  return (call: ModelCall): string => {
    const [, key = "", ...added] = call.words;
    const list = elementsOf(call, key);
    if (onlyIfThere && list.length === 0) return integer(0);
    const pushed = toFront ? [...added.reverse(), ...list] : [...list, ...added];
    keepElements(call, key, pushed);
    return integer(pushed.length);
  };
}

/** Takes `count` elements from an end, and answers them in that order. */
function take(call: ModelCall, key: string, fromFront: boolean, count: number): Elements {
  const list = elementsOf(call, key);
  const taken = fromFront ? list.slice(0, count) : list.slice(Math.max(0, list.length - count)).reverse();
  if (taken.length > 0) {
    const left = list.length - taken.length;
    keepElements(call, key, fromFront ? list.slice(taken.length) : list.slice(0, left));
  }
  return taken;
}

function pop(fromFront: boolean) {
  return (call: ModelCall): string => {
    const [, key = "", count] = call.words;
    const isAbsent = elementsOf(call, key).length === 0;
    if (count === undefined) return bulk(take(call, key, fromFront, 1)[0]);
    return isAbsent ? NIL_ARRAY : array(take(call, key, fromFront, Number(count)).map(bulk));
  };
}

function popFromAny(fromFront: boolean) {
  return (call: ModelCall): string => {
    for (const key of call.words.slice(1, -1)) {
      if (elementsOf(call, key).length > 0) return array([bulk(key), bulk(take(call, key, fromFront, 1)[0])]);
    }
    return WAITS;
  };
}

function move(call: ModelCall): string {
  const [, from = "", to = "", end, side] = call.words;
  const source = elementsOf(call, from);
  if (source.length === 0) return NIL;
  // With one list for both, what was popped is pushed to what is left of it; its expiry stays even if that is nothing.
  const others = from === to ? undefined : elementsOf(call, to);
  const fromFront = end === "LEFT";
  const moved = fromFront ? source[0]! : source.at(-1)!;
  const rest = fromFront ? source.slice(1) : source.slice(0, -1);
  const target = others ?? rest;
  if (others !== undefined) keepElements(call, from, rest);
  keepElements(call, to, side === "LEFT" ? [moved, ...target] : [...target, moved]);
  return bulk(moved);
}

function set(call: ModelCall): string {
  const [, key = "", index = "", element = ""] = call.words;
  const list = elementsOf(call, key);
  if (list.length === 0) return "-ERR no such key\r\n";
  if (Number(index) >= list.length) return "-ERR index out of range\r\n";
  keepElements(call, key, list.with(Number(index), element));
  return OK;
}

function insert(call: ModelCall): string {
  const [, key = "", where, pivot = "", element = ""] = call.words;
  const list = elementsOf(call, key);
  if (list.length === 0) return integer(0);
  const at = list.indexOf(pivot);
  if (at < 0) return integer(-1);
  keepElements(call, key, list.toSpliced(where === "BEFORE" ? at : at + 1, 0, element));
  return integer(list.length + 1);
}

function remove(call: ModelCall): string {
  const [, key = "", , element = ""] = call.words;
  const list = elementsOf(call, key);
  const kept = list.filter((held) => held !== element);
  if (kept.length < list.length) keepElements(call, key, kept);
  return integer(list.length - kept.length);
}

/** Only indexes from 0 on. */
function trim(call: ModelCall): string {
  const [, key = "", start = "", end = ""] = call.words;
  const list = elementsOf(call, key);
  if (list.length > 0) keepElements(call, key, list.slice(Number(start), Number(end) + 1));
  return OK;
}

function waiting(fromFront: boolean): ModelCommand {
  return {
    writes: true,
    run: popFromAny(fromFront),
    waits: {
      type: "list",
      keys: (words) => words.slice(1, -1),
      timeoutMs: (words) => Number(words.at(-1)) * 1000,
      servedFrom: (words, key) => [words[0]!, key, "0"],
      withoutWaiting: NIL_ARRAY,
      timedOut: NIL_ARRAY,
    },
  };
}

/** BLMOVE looks at its source alone before it waits. */
function moveOrWait(call: ModelCall): string {
  return elementsOf(call, call.words[1]!).length === 0 ? WAITS : move(call);
}

export const LIST_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  LPUSH: writing(push(true)),
  RPUSH: writing(push(false)),
  LPUSHX: writing(push(true, true)),
  LPOP: writing(pop(true)),
  RPOP: writing(pop(false)),
  LMOVE: writing(move),
  LSET: writing(set),
  LINSERT: writing(insert),
  LREM: writing(remove),
  LTRIM: writing(trim),
  BLPOP: waiting(true),
  BRPOP: waiting(false),
  BLMOVE: {
    writes: true,
    run: moveOrWait,
    waits: {
      type: "list",
      keys: (words) => [words[1]!],
      timeoutMs: (words) => Number(words[5]) * 1000,
      servedFrom: (words) => words,
      withoutWaiting: NIL,
      // As Redis does, although what it answers otherwise is no array.
      timedOut: NIL_ARRAY,
    },
  },
  LRANGE: reading((call) => array(elementsOf(call, call.words[1]!).map(bulk))),
  LLEN: reading((call) => integer(elementsOf(call, call.words[1]!).length)),
  LINDEX: reading((call) => bulk(elementsOf(call, call.words[1]!)[Number(call.words[2])])),
};
