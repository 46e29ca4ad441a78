/**
 * Removes fields whose time is over from the hash of a request: what a command does before it looks at the hash.
 *
 * Invariants: each removed field is logged as an HDEL of its own, so that replay needs no clock; the last one takes the
 * key with it, as HDEL does; in replay nothing is removed (the caller sees to it).
 *
 * Hashes that nobody opens are looked after by the engine (engine/field-expiry.ts), by the same structure and events.
 */
import type { UnpackedHash } from "../value/hash/unpacked-hash.ts";
import type { Context } from "./context.ts";
import { NOTIFY_GENERIC, NOTIFY_HASH } from "./notify-events.ts";

/** Fields that a command looks at in order to remove what is due. */
const FIELDS_PER_ACCESS = 256;

/** What the one listener below works on: no closure per call. */
let context: Context;
let structure: UnpackedHash;
let key = 0;
let isTouched = false;

/** Removes some of the fields that are due from the hash that the view is on; true if the key has gone with them. */
export function removeDueFields(of: Context, keyArgument: number, hash: UnpackedHash): boolean {
  listenFor(of, keyArgument, hash);
  return hash.expire(of.nowMs, FIELDS_PER_ACCESS, logField) > 0 && settle();
}

/** Removes the field that the dictionary's `find` has just met; true if the key has gone with it. */
export function removeDueField(of: Context, keyArgument: number, hash: UnpackedHash): boolean {
  listenFor(of, keyArgument, hash);
  logField();
  hash.dictionary.removeEntry();
  return settle();
}

function listenFor(of: Context, keyArgument: number, hash: UnpackedHash): void {
  context = of;
  key = keyArgument;
  structure = hash;
  isTouched = false;
}

function logField(): void {
  const { effects } = context;
  // Before the first effect, whose number becomes the record's version.
  if (!isTouched) context.keyspace.touch(context.db);
  isTouched = true;
  const { entry } = structure;
  effects.begin(context.db, 3);
  effects.argumentText("HDEL");
  effects.requestArgument(key);
  effects.argument(entry.bytes, entry.keyOffset, entry.keyLength);
  effects.end();
}

function settle(): boolean {
  const isGone = structure.size === 0;
  if (isGone) context.remove(key);
  context.notify(NOTIFY_HASH, "hexpired", key);
  if (isGone) context.notify(NOTIFY_GENERIC, "del", key);
  return isGone;
}
