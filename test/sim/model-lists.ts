/**
 * What list commands do to the model, which keeps a list as the JSON text of its elements. Lists have keys of their own in
 * the workload, so no command meets a value of another type.
 */
import { NEVER } from "./model.ts";
import type { ModelCall, ModelCommand } from "./model-commands.ts";

const integer = (value: number): string => `:${value}\r\n`;
const bulk = (value: string | undefined): string =>
  value === undefined ? "$-1\r\n" : `$${value.length}\r\n${value}\r\n`;

function listOf({ model, db, nowMs }: ModelCall, key: string): string[] {
  return JSON.parse(model.find(db, key, nowMs)?.value ?? "[]") as string[];
}

function keep({ model, db, nowMs }: ModelCall, key: string, list: readonly string[]): void {
  const expiryMs = model.find(db, key, nowMs)?.expiryMs ?? NEVER;
  if (list.length === 0) model.remove(db, key, nowMs);
  else model.put(db, key, JSON.stringify(list), expiryMs);
}

function push(toFront: boolean) {
  return (call: ModelCall): string => {
    const [, key = "", ...elements] = call.words;
    const list = listOf(call, key);
    if (toFront) list.unshift(...elements.reverse());
    else list.push(...elements);
    keep(call, key, list);
    return integer(list.length);
  };
}

function pop(fromFront: boolean) {
  return (call: ModelCall): string => {
    const key = call.words[1]!;
    const list = listOf(call, key);
    const popped = fromFront ? list.shift() : list.pop();
    keep(call, key, list);
    return bulk(popped);
  };
}

function move(call: ModelCall): string {
  const [, from = "", to = "", end, side] = call.words;
  const source = listOf(call, from);
  const moved = end === "LEFT" ? source.shift() : source.pop();
  if (moved === undefined) return bulk(undefined);
  // With one list for both, what was popped is pushed to what is left of it; its expiry stays even if that is nothing.
  const target = from === to ? source : listOf(call, to);
  if (side === "LEFT") target.unshift(moved);
  else target.push(moved);
  if (from !== to) keep(call, from, source);
  keep(call, to, target);
  return bulk(moved);
}

function set(call: ModelCall): string {
  const [, key = "", index = "", element = ""] = call.words;
  const list = listOf(call, key);
  if (list.length === 0) return "-ERR no such key\r\n";
  if (Number(index) >= list.length) return "-ERR index out of range\r\n";
  list[Number(index)] = element;
  keep(call, key, list);
  return "+OK\r\n";
}

function remove(call: ModelCall): string {
  const [, key = "", , element = ""] = call.words;
  const list = listOf(call, key);
  const kept = list.filter((held) => held !== element);
  keep(call, key, kept);
  return integer(list.length - kept.length);
}

/** Only indexes from 0 on. */
function trim(call: ModelCall): string {
  const [, key = "", start = "", end = ""] = call.words;
  keep(call, key, listOf(call, key).slice(Number(start), Number(end) + 1));
  return "+OK\r\n";
}

function whole(call: ModelCall): string {
  const list = listOf(call, call.words[1]!);
  return `*${list.length}\r\n${list.map(bulk).join("")}`;
}

export const LIST_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  LPUSH: { writes: true, run: push(true) },
  RPUSH: { writes: true, run: push(false) },
  LPOP: { writes: true, run: pop(true) },
  RPOP: { writes: true, run: pop(false) },
  LMOVE: { writes: true, run: move },
  LSET: { writes: true, run: set },
  LREM: { writes: true, run: remove },
  LTRIM: { writes: true, run: trim },
  LRANGE: { writes: false, run: whole },
};
