/** What sorted-set commands do to the model. Scores are integers in the workload. */
import { inOrder, NEVER, type Scores } from "./model.ts";
import {
  array,
  bulk,
  find,
  integer,
  keepScores,
  type ModelCall,
  type ModelCommand,
  NIL_ARRAY,
  reading,
  scoresOf,
  WAITS,
  WrongType,
  writing,
} from "./model-call.ts";

const flat = (elements: readonly (readonly [string, number])[]): string =>
  array(elements.flatMap(([member, score]) => [bulk(member), bulk(String(score))]));

function add(call: ModelCall): string {
  const [, key = "", ...pairs] = call.words;
  const old = scoresOf(call, key);
  const scores = new Map(old);
  let changed = false;
  for (let i = 0; i < pairs.length; i += 2) {
    const score = Number(pairs[i]);
    if (scores.get(pairs[i + 1]!) === score) continue;
    scores.set(pairs[i + 1]!, score);
    changed = true;
  }
  if (changed) keepScores(call, key, scores);
  return integer(scores.size - old.size);
}

function increment(call: ModelCall): string {
  const [, key = "", change = "", member = ""] = call.words;
  const scores = scoresOf(call, key);
  const old = scores.get(member);
  const score = (old ?? 0) + Number(change);
  if (score !== old) keepScores(call, key, new Map(scores).set(member, score));
  return bulk(String(score));
}

/** Takes the members out that are there; answers how many those were. */
function without(call: ModelCall, key: string, members: readonly string[]): number {
  const scores = new Map(scoresOf(call, key));
  const removed = members.filter((member) => scores.delete(member)).length;
  if (removed > 0) keepScores(call, key, scores);
  return removed;
}

function take(call: ModelCall, key: string, fromLowest: boolean, count: number): [string, number][] {
  const ordered = inOrder(scoresOf(call, key));
  const taken = (fromLowest ? ordered : ordered.reverse()).slice(0, count);
  without(
    call,
    key,
    taken.map(([member]) => member),
  );
  return taken;
}

function pop(fromLowest: boolean) {
  return (call: ModelCall): string =>
    flat(take(call, call.words[1]!, fromLowest, Number(call.words[2] ?? 1)));
}

function popFromAny(fromLowest: boolean) {
  return (call: ModelCall): string => {
    for (const key of call.words.slice(1, -1)) {
      if (scoresOf(call, key).size === 0) continue;
      const [member, score] = take(call, key, fromLowest, 1)[0]!;
      return array([bulk(key), bulk(member), bulk(String(score))]);
    }
    return WAITS;
  };
}

/** Only ranks from 0 on. */
function removeRanks(call: ModelCall): string {
  const [, key = "", start = "", stop = ""] = call.words;
  const removed = inOrder(scoresOf(call, key)).slice(Number(start), Number(stop) + 1);
  return integer(
    without(
      call,
      key,
      removed.map(([member]) => member),
    ),
  );
}

/** The members of a set count with score 1. */
function sourceOf(call: ModelCall, key: string): Scores {
  const entry = find(call, key);
  if (entry === undefined || entry.type === "zset") return scoresOf(call, key);
  if (entry.type !== "set") throw new WrongType();
  return new Map([...entry.members].map((member) => [member, 1]));
}

/** Of two keys, without options. */
function uniteInto(call: ModelCall): string {
  const [, key = "", , ...sources] = call.words;
  const sum = new Map<string, number>();
  for (const source of sources) {
    for (const [member, score] of sourceOf(call, source)) sum.set(member, (sum.get(member) ?? 0) + score);
  }
  keepScores(call, key, sum, NEVER);
  return integer(sum.size);
}

function waiting(fromLowest: boolean): ModelCommand {
  return {
    writes: true,
    run: popFromAny(fromLowest),
    waits: {
      type: "zset",
      keys: (words) => words.slice(1, -1),
      timeoutMs: (words) => Number(words.at(-1)) * 1000,
      servedFrom: (words, key) => [words[0]!, key, "0"],
      withoutWaiting: NIL_ARRAY,
      timedOut: NIL_ARRAY,
    },
  };
}

export const SORTED_SET_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  ZADD: writing(add),
  ZINCRBY: writing(increment),
  ZREM: writing((call) => integer(without(call, call.words[1]!, call.words.slice(2)))),
  ZPOPMIN: writing(pop(true)),
  ZPOPMAX: writing(pop(false)),
  BZPOPMIN: waiting(true),
  BZPOPMAX: waiting(false),
  ZREMRANGEBYRANK: writing(removeRanks),
  ZUNIONSTORE: writing(uniteInto),
  ZRANGE: reading((call) => flat(inOrder(scoresOf(call, call.words[1]!)))),
  ZCARD: reading((call) => integer(scoresOf(call, call.words[1]!).size)),
  ZSCORE: reading((call) => {
    const score = scoresOf(call, call.words[1]!).get(call.words[2]!);
    return bulk(score === undefined ? undefined : String(score));
  }),
};
