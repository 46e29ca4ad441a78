/**
 * What set commands do to the model. Chance decides which members SPOP and SRANDMEMBER answer, and no order of members is
 * promised: there the observed reply is checked, and then believed.
 */
import { type Members, NEVER } from "./model.ts";
import {
  checkChosen,
  integer,
  keepMembers,
  type ModelCall,
  type ModelCommand,
  membersOf,
  NIL,
  reading,
  textsIn,
  writing,
} from "./model-call.ts";

function add(call: ModelCall): string {
  const [, key = "", ...added] = call.words;
  const old = membersOf(call, key);
  const members = new Set([...old, ...added]);
  if (members.size > old.size) keepMembers(call, key, members);
  return integer(members.size - old.size);
}

function without(call: ModelCall, key: string, removed: readonly string[]): number {
  const members = new Set(membersOf(call, key));
  const count = removed.filter((member) => members.delete(member)).length;
  if (count > 0) keepMembers(call, key, members);
  return count;
}

function move(call: ModelCall): string {
  const [, from = "", to = "", member = ""] = call.words;
  const source = membersOf(call, from);
  if (source.size === 0) return integer(0);
  const target = membersOf(call, to);
  if (!source.has(member)) return integer(0);
  if (from === to) return integer(1);
  without(call, from, [member]);
  if (!target.has(member)) keepMembers(call, to, new Set([...target, member]));
  return integer(1);
}

/** What is observed for a count, or without one; `taken` is told of what it was. */
function choose(call: ModelCall, distinct: boolean, taken?: (texts: readonly string[]) => void): string {
  const [, key = "", wanted] = call.words;
  const members = membersOf(call, key);
  const { observed } = call;
  if (wanted === undefined && members.size === 0) {
    if (observed !== NIL) throw new Error(`a member of nothing is ${JSON.stringify(observed)}`);
    return observed;
  }
  const texts = textsIn(observed) ?? [];
  const count = Number(wanted ?? 1);
  const most = members.size === 0 ? 0 : count < 0 ? -count : Math.min(count, members.size);
  checkChosen(call, texts, members, most, distinct && count > 0);
  if ((wanted === undefined) !== observed.startsWith("$"))
    throw new Error(`${call.words[0]}: a wrong kind of reply`);
  taken?.(texts);
  return observed;
}

function pop(call: ModelCall): string {
  return choose(call, true, (texts) => without(call, call.words[1]!, texts));
}

function all(call: ModelCall): string {
  const members = membersOf(call, call.words[1]!);
  checkChosen(call, textsIn(call.observed) ?? [], members, members.size, true);
  return call.observed;
}

const COMBINE: Readonly<Record<string, (a: Members, b: Members) => Members>> = {
  SUNIONSTORE: (a, b) => new Set([...a, ...b]),
  SINTERSTORE: (a, b) => new Set([...a].filter((member) => b.has(member))),
  SDIFFSTORE: (a, b) => new Set([...a].filter((member) => !b.has(member))),
};

function combineInto(call: ModelCall): string {
  const [name = "", key = "", ...sources] = call.words;
  const result = sources.map((source) => membersOf(call, source)).reduce(COMBINE[name]!);
  keepMembers(call, key, result, NEVER);
  return integer(result.size);
}

export const SET_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  SADD: writing(add),
  SREM: writing((call) => integer(without(call, call.words[1]!, call.words.slice(2)))),
  SMOVE: writing(move),
  SPOP: { writes: true, isObserved: true, run: pop },
  SUNIONSTORE: writing(combineInto),
  SINTERSTORE: writing(combineInto),
  SDIFFSTORE: writing(combineInto),
  SRANDMEMBER: { writes: false, isObserved: true, run: (call) => choose(call, true) },
  SMEMBERS: { writes: false, isObserved: true, run: all },
  SCARD: reading((call) => integer(membersOf(call, call.words[1]!).size)),
  SISMEMBER: reading((call) => integer(membersOf(call, call.words[1]!).has(call.words[2]!) ? 1 : 0)),
};
