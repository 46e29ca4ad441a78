/** What clients are told of the commands that pop from sorted sets. */
import { countedKeys } from "./counted-keys.ts";
import { KEY_ARGUMENT, KEYS_ARGUMENT, oneKey } from "./keys-spec.ts";
import { bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin } from "./sorted-set-pop.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

const KEY_COUNT: ArgumentDoc = { name: "numkeys", type: "integer" };
const TIMEOUT: ArgumentDoc = { name: "timeout", type: "double" };
const WHERE: ArgumentDoc = {
  name: "where",
  type: "oneof",
  arguments: [
    { name: "min", type: "pure-token", token: "MIN" },
    { name: "max", type: "pure-token", token: "MAX" },
  ],
};
const COUNT: ArgumentDoc = { name: "count", type: "integer", token: "COUNT", optional: true };

export const sortedSetPopCommands: readonly CommandSpec[] = [
  {
    name: "bzmpop",
    arity: -5,
    flags: ["write", "blocking", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(2, "RW", "access", "delete"),
    docs: () => ({
      since: "7.0.0",
      summary: "Remove and return members with scores in a sorted set or block until one is available",
      complexity:
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
      arguments: [TIMEOUT, KEY_COUNT, KEYS_ARGUMENT, WHERE, COUNT],
    }),
    execute: bzmpop,
  },
  {
    name: "bzpopmax",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    group: "sorted-set",
    keys: { first: 1, last: -2, step: 1, need: "value", access: ["RW", "access", "delete"] },
    docs: () => ({
      since: "5.0.0",
      summary:
        "Remove and return the member with the highest score from one or more sorted sets, or block until one is available",
      complexity: "O(log(N)) with N being the number of elements in the sorted set.",
      history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
      arguments: [KEYS_ARGUMENT, TIMEOUT],
    }),
    execute: bzpopmax,
  },
  {
    name: "bzpopmin",
    arity: -3,
    flags: ["write", "noscript", "blocking", "fast"],
    group: "sorted-set",
    keys: { first: 1, last: -2, step: 1, need: "value", access: ["RW", "access", "delete"] },
    docs: () => ({
      since: "5.0.0",
      summary:
        "Remove and return the member with the lowest score from one or more sorted sets, or block until one is available",
      complexity: "O(log(N)) with N being the number of elements in the sorted set.",
      history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
      arguments: [KEYS_ARGUMENT, TIMEOUT],
    }),
    execute: bzpopmin,
  },
  {
    name: "zmpop",
    arity: -4,
    flags: ["write", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(1, "RW", "access", "delete"),
    docs: () => ({
      since: "7.0.0",
      summary: "Remove and return members with scores in a sorted set",
      complexity:
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
      arguments: [KEY_COUNT, KEYS_ARGUMENT, WHERE, COUNT],
    }),
    execute: zmpop,
  },
  {
    name: "zpopmax",
    arity: -2,
    flags: ["write", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "access", "delete"),
    docs: () => ({
      since: "5.0.0",
      summary: "Remove and return members with the highest scores in a sorted set",
      complexity:
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
      arguments: [KEY_ARGUMENT, { name: "count", type: "integer", optional: true }],
    }),
    execute: zpopmax,
  },
  {
    name: "zpopmin",
    arity: -2,
    flags: ["write", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "access", "delete"),
    docs: () => ({
      since: "5.0.0",
      summary: "Remove and return members with the lowest scores in a sorted set",
      complexity:
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
      arguments: [KEY_ARGUMENT, { name: "count", type: "integer", optional: true }],
    }),
    execute: zpopmin,
  },
];
