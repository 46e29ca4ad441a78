/** What clients are told of the commands that unite, intersect and subtract sorted sets. */
import { countedKeys, destinationAndCountedKeys } from "./counted-keys.ts";
import { KEYS_ARGUMENT } from "./keys-spec.ts";
import {
  zdiff,
  zdiffstore,
  zinter,
  zintercard,
  zinterstore,
  zunion,
  zunionstore,
} from "./sorted-set-algebra.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

const DESTINATION: ArgumentDoc = { name: "destination", type: "key", keySpecIndex: 0 };
const SOURCES: ArgumentDoc = { name: "key", type: "key", keySpecIndex: 1, multiple: true };
const KEY_COUNT: ArgumentDoc = { name: "numkeys", type: "integer" };
const WEIGHTS: ArgumentDoc = {
  name: "weight",
  type: "integer",
  token: "WEIGHTS",
  optional: true,
  multiple: true,
};
const AGGREGATE: ArgumentDoc = {
  name: "aggregate",
  type: "oneof",
  token: "AGGREGATE",
  optional: true,
  arguments: [
    { name: "sum", type: "pure-token", token: "SUM" },
    { name: "min", type: "pure-token", token: "MIN" },
    { name: "max", type: "pure-token", token: "MAX" },
  ],
};
const WITH_SCORES: ArgumentDoc = {
  name: "withscores",
  type: "pure-token",
  token: "WITHSCORES",
  optional: true,
};
const DESTINATION_AND_SOURCES = destinationAndCountedKeys();

export const sortedSetAlgebraCommands: readonly CommandSpec[] = [
  {
    name: "zdiff",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(1, "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Subtract multiple sorted sets",
      complexity:
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
      arguments: [KEY_COUNT, KEYS_ARGUMENT, WITH_SCORES],
    }),
    execute: zdiff,
  },
  {
    name: "zdiffstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    group: "sorted-set",
    keys: DESTINATION_AND_SOURCES,
    docs: () => ({
      since: "6.2.0",
      summary: "Subtract multiple sorted sets and store the resulting sorted set in a new key",
      complexity:
        "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
      arguments: [DESTINATION, KEY_COUNT, SOURCES],
    }),
    execute: zdiffstore,
  },
  {
    name: "zinter",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(1, "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Intersect multiple sorted sets",
      complexity:
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
      arguments: [KEY_COUNT, KEYS_ARGUMENT, WEIGHTS, AGGREGATE, WITH_SCORES],
    }),
    execute: zinter,
  },
  {
    name: "zintercard",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(1, "RO", "access"),
    docs: () => ({
      since: "7.0.0",
      summary: "Intersect multiple sorted sets and return the cardinality of the result",
      complexity:
        "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
      arguments: [
        KEY_COUNT,
        KEYS_ARGUMENT,
        { name: "limit", type: "integer", token: "LIMIT", optional: true },
      ],
    }),
    execute: zintercard,
  },
  {
    name: "zinterstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    group: "sorted-set",
    keys: DESTINATION_AND_SOURCES,
    docs: () => ({
      since: "2.0.0",
      summary: "Intersect multiple sorted sets and store the resulting sorted set in a new key",
      complexity:
        "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
      arguments: [DESTINATION, KEY_COUNT, SOURCES, WEIGHTS, AGGREGATE],
    }),
    execute: zinterstore,
  },
  {
    name: "zunion",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    group: "sorted-set",
    keys: countedKeys(1, "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Add multiple sorted sets",
      complexity:
        "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
      arguments: [KEY_COUNT, KEYS_ARGUMENT, WEIGHTS, AGGREGATE, WITH_SCORES],
    }),
    execute: zunion,
  },
  {
    name: "zunionstore",
    arity: -4,
    flags: ["write", "denyoom", "movablekeys"],
    group: "sorted-set",
    keys: DESTINATION_AND_SOURCES,
    docs: () => ({
      since: "2.0.0",
      summary: "Add multiple sorted sets and store the resulting sorted set in a new key",
      complexity:
        "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
      arguments: [DESTINATION, KEY_COUNT, SOURCES, WEIGHTS, AGGREGATE],
    }),
    execute: zunionstore,
  },
];
