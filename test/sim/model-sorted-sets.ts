/**
 * What sorted-set commands do to the model, which keeps a sorted set as the JSON text of its elements in order. Scores are
 * integers, and sorted sets have keys of their own in the workload, so no command meets a value of another type.
 */
import { NEVER } from "./model.ts";
import type { ModelCall, ModelCommand } from "./model-commands.ts";

type Scores = Map<string, number>;

/** As the checks print a sorted set: elements in order. */
export function sortedSetText(elements: readonly (readonly [member: string, score: number])[]): string {
  return JSON.stringify(elements);
}

function inOrder(scores: Scores): [member: string, score: number][] {
  return [...scores].sort(([a, aScore], [b, bScore]) => aScore - bScore || (a < b ? -1 : 1));
}

const integer = (value: number): string => `:${value}\r\n`;
const bulk = (value: string): string => `$${value.length}\r\n${value}\r\n`;
const flat = (elements: readonly (readonly [string, number])[]): string =>
  `*${elements.length * 2}\r\n${elements.map(([member, score]) => bulk(member) + bulk(String(score))).join("")}`;

function scoresOf({ model, db, nowMs }: ModelCall, key: string): Scores {
  return new Map(JSON.parse(model.find(db, key, nowMs)?.value ?? "[]") as [string, number][]);
}

function keep(call: ModelCall, key: string, scores: Scores, keepsExpiry = true): void {
  const { model, db, nowMs } = call;
  const expiryMs = (keepsExpiry ? model.find(db, key, nowMs)?.expiryMs : undefined) ?? NEVER;
  if (scores.size === 0) model.remove(db, key, nowMs);
  else model.put(db, key, sortedSetText(inOrder(scores)), expiryMs);
}

function add(call: ModelCall): string {
  const [, key = "", ...pairs] = call.words;
  const scores = scoresOf(call, key);
  const before = scores.size;
  for (let i = 0; i < pairs.length; i += 2) scores.set(pairs[i + 1]!, Number(pairs[i]));
  keep(call, key, scores);
  return integer(scores.size - before);
}

function increment(call: ModelCall): string {
  const [, key = "", change = "", member = ""] = call.words;
  const scores = scoresOf(call, key);
  const score = (scores.get(member) ?? 0) + Number(change);
  keep(call, key, scores.set(member, score));
  return bulk(String(score));
}

function remove(call: ModelCall): string {
  const [, key = "", ...members] = call.words;
  const scores = scoresOf(call, key);
  const removed = members.filter((member) => scores.delete(member)).length;
  keep(call, key, scores);
  return integer(removed);
}

function pop(fromLowest: boolean) {
  return (call: ModelCall): string => {
    const [, key = "", count = "1"] = call.words;
    const scores = scoresOf(call, key);
    const ordered = fromLowest ? inOrder(scores) : inOrder(scores).reverse();
    const popped = ordered.slice(0, Number(count));
    for (const [member] of popped) scores.delete(member);
    keep(call, key, scores);
    return flat(popped);
  };
}

/** Only ranks from 0 on. */
function removeRanks(call: ModelCall): string {
  const [, key = "", start = "", stop = ""] = call.words;
  const scores = scoresOf(call, key);
  const removed = inOrder(scores).slice(Number(start), Number(stop) + 1);
  for (const [member] of removed) scores.delete(member);
  keep(call, key, scores);
  return integer(removed.length);
}

/** Of two keys, without options. */
function uniteInto(call: ModelCall): string {
  const [, key = "", , ...sources] = call.words;
  const sum: Scores = new Map();
  for (const source of sources) {
    for (const [member, score] of scoresOf(call, source)) sum.set(member, (sum.get(member) ?? 0) + score);
  }
  keep(call, key, sum, false);
  return integer(sum.size);
}

function whole(call: ModelCall): string {
  return flat(inOrder(scoresOf(call, call.words[1]!)));
}

export const SORTED_SET_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  ZADD: { writes: true, run: add },
  ZINCRBY: { writes: true, run: increment },
  ZREM: { writes: true, run: remove },
  ZPOPMIN: { writes: true, run: pop(true) },
  ZPOPMAX: { writes: true, run: pop(false) },
  ZREMRANGEBYRANK: { writes: true, run: removeRanks },
  ZUNIONSTORE: { writes: true, run: uniteInto },
  ZRANGE: { writes: false, run: whole },
};
