/**
 * What the model's commands share: what a call is, how values are asked for and kept, how replies are written.
 *
 * Replies are RESP2 text, one character per byte. A command that meets a value of another type throws WrongType before it
 * has changed anything; the table of commands turns that into Redis's reply.
 */
import {
  type Elements,
  type Entry,
  type Field,
  type Fields,
  hashOf,
  type Members,
  type Model,
  NEVER,
  type Scores,
  type Value,
} from "./model.ts";

export interface ModelCall {
  readonly model: Model;
  readonly db: number;
  readonly words: readonly string[];
  readonly nowMs: number;
  /** What the server answered, for commands whose reply is not determined by the data alone. */
  readonly observed: string;
}

export interface ModelCommand {
  /** Refused while the log cannot be written. */
  readonly writes: boolean;
  /**
   * Set where chance, or the order in which a value keeps its parts, takes part in the reply: `run` is given the reply that
   * was observed, throws if no correct server gives it, does what it says was done, and answers it.
   */
  readonly isObserved?: boolean;
  /** Set for commands that wait: `run` answers WAITS if there is nothing to do. */
  readonly waits?: WaitRule;
  readonly run: (call: ModelCall) => string;
}

export interface WaitRule {
  readonly type: Value["type"];
  readonly keys: (words: readonly string[]) => readonly string[];
  readonly timeoutMs: (words: readonly string[]) => number;
  /** The same command as it is executed once `key` is ready. */
  readonly servedFrom: (words: readonly string[], key: string) => readonly string[];
  /** What it answers within a transaction, where it may not wait. */
  readonly withoutWaiting: string;
  /** What it answers when it has waited long enough. */
  readonly timedOut: string;
}

export const WAITS = "";
export const OK = "+OK\r\n";
export const NIL = "$-1\r\n";
export const NIL_ARRAY = "*-1\r\n";
export const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

export const integer = (value: number | bigint): string => `:${value}\r\n`;
export const bulk = (value: string | undefined): string =>
  value === undefined ? NIL : `$${value.length}\r\n${value}\r\n`;
export const array = (parts: readonly string[]): string => `*${parts.length}\r\n${parts.join("")}`;

export const writing = (run: ModelCommand["run"]): ModelCommand => ({ writes: true, run });
export const reading = (run: ModelCommand["run"]): ModelCommand => ({ writes: false, run });

export class WrongType extends Error {}

export function find({ model, db, nowMs }: ModelCall, key: string): Entry | undefined {
  return model.find(db, key, nowMs);
}

type OfType<T extends Value["type"]> = Entry & { readonly type: T };

/** The entry; undefined if there is none. Throws WrongType. */
function typed<T extends Value["type"]>(call: ModelCall, key: string, type: T): OfType<T> | undefined {
  const entry = find(call, key);
  if (entry === undefined) return undefined;
  if (entry.type !== type) throw new WrongType();
  return entry as OfType<T>;
}

const NO_ELEMENTS: Elements = [];
const NO_MEMBERS: Members = new Set();
const NO_SCORES: Scores = new Map();
const NO_FIELDS: Fields = new Map();

export const textOf = (call: ModelCall, key: string): string | undefined => typed(call, key, "string")?.text;
export const elementsOf = (call: ModelCall, key: string): Elements =>
  typed(call, key, "list")?.elements ?? NO_ELEMENTS;
export const membersOf = (call: ModelCall, key: string): Members =>
  typed(call, key, "set")?.members ?? NO_MEMBERS;
export const scoresOf = (call: ModelCall, key: string): Scores =>
  typed(call, key, "zset")?.scores ?? NO_SCORES;
export const fieldsOf = (call: ModelCall, key: string): Fields =>
  typed(call, key, "hash")?.fields ?? NO_FIELDS;

export function expiryOf(call: ModelCall, key: string): number {
  return find(call, key)?.expiryMs ?? NEVER;
}

/** Replaces the value and keeps the key's expiry; an empty collection is no key. */
function keep(call: ModelCall, key: string, value: Value, size: number, expiryMs: number): void {
  const { model, db, nowMs } = call;
  if (size === 0) model.remove(db, key, nowMs);
  else model.put(db, key, value, expiryMs);
}

export function keepText(call: ModelCall, key: string, text: string): void {
  call.model.putText(call.db, key, text, expiryOf(call, key));
}
export function keepElements(call: ModelCall, key: string, elements: Elements): void {
  keep(call, key, { type: "list", elements }, elements.length, expiryOf(call, key));
}
export function keepMembers(call: ModelCall, key: string, members: Members, expiryMs?: number): void {
  keep(call, key, { type: "set", members }, members.size, expiryMs ?? expiryOf(call, key));
}
export function keepScores(call: ModelCall, key: string, scores: Scores, expiryMs?: number): void {
  keep(call, key, { type: "zset", scores }, scores.size, expiryMs ?? expiryOf(call, key));
}
export function keepFields(call: ModelCall, key: string, fields: Iterable<readonly [string, Field]>): void {
  const value = hashOf(fields);
  keep(call, key, value, value.fields.size, expiryOf(call, key));
}

/** The texts of a reply that is a bulk string or an array of bulk strings; undefined for nil. */
export function textsIn(reply: string): string[] | undefined {
  if (reply === NIL) return undefined;
  const texts: string[] = [];
  let at = reply.startsWith("*") ? reply.indexOf("\r\n") + 2 : 0;
  while (at < reply.length) {
    const head = reply.indexOf("\r\n", at);
    const length = Number(reply.slice(at + 1, head));
    if (reply[at] !== "$" || length < 0)
      throw new Error(`a reply of bulk strings is ${JSON.stringify(reply)}`);
    texts.push(reply.slice(head + 2, head + 2 + length));
    at = head + 2 + length + 2;
  }
  return texts;
}

/** Throws unless the observed texts are some of `possible`, `count` of them, and different ones if `distinct`. */
export function checkChosen(
  call: ModelCall,
  texts: readonly string[],
  possible: { has(text: string): boolean; readonly size: number },
  count: number,
  distinct: boolean,
): void {
  const strange = texts.find((text) => !possible.has(text));
  const isRepeated = distinct && new Set(texts).size !== texts.length;
  if (strange === undefined && !isRepeated && texts.length === count) return;
  throw new Error(
    `[${call.words.join(" ").slice(0, 80)}] of ${possible.size} answered ${texts.length} for ${count}: ${JSON.stringify(texts).slice(0, 200)}` +
      (strange === undefined ? "" : `, of which ${JSON.stringify(strange)} is not there`),
  );
}
