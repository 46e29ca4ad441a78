/**
 * Words that the specs of the string and generic commands share: where one key stands, and its description.
 *
 * The access words are those of Redis's COMMAND INFO, letter for letter.
 */
import type { ArgumentDoc, KeySpec } from "./spec.ts";

export const KEY_ARGUMENT: ArgumentDoc = { name: "key", type: "key", keySpecIndex: 0 };
export const KEYS_ARGUMENT: ArgumentDoc = { name: "key", type: "key", keySpecIndex: 0, multiple: true };
export const VALUE_ARGUMENT: ArgumentDoc = { name: "value", type: "string" };

/** One key, in argument 1. */
export function oneKey(need: "meta" | "value", ...access: readonly string[]): KeySpec {
  return { first: 1, last: 1, step: 1, need, access };
}

/** Every argument from 1 to the end, or every second one. */
export function allKeys(need: "meta" | "value", step: number, ...access: readonly string[]): KeySpec {
  return { first: 1, last: -1, step, need, access };
}

/** Arguments 1 and 2, both accessed in the same way. */
export function twoKeys(need: "meta" | "value", ...access: readonly string[]): KeySpec {
  return { first: 1, last: 2, step: 1, need, access };
}

/** A source in argument 1 and a destination in argument 2, each with its own access. */
export function sourceAndDestination(
  need: "meta" | "value",
  source: readonly string[],
  destination: readonly string[],
): KeySpec {
  const find = { last: 0, step: 1, limit: 0 };
  return {
    ...twoKeys(need, ...source),
    described: [
      { access: source, begin: { index: 1 }, find },
      { access: destination, begin: { index: 2 }, find },
    ],
  };
}

/** The replies of multi-key commands can be combined from several servers so. */
export const SUMMED_OVER_SHARDS = ["request_policy:multi_shard", "response_policy:agg_sum"] as const;
