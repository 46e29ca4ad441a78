/** What clients are told of the commands that answer or store ranges of sorted sets. */
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import {
  zrange,
  zrangebylex,
  zrangebyscore,
  zrangestore,
  zrevrange,
  zrevrangebylex,
  zrevrangebyscore,
} from "./sorted-set-range.ts";
import type { ArgumentDoc, CommandSpec, KeySpec } from "./spec.ts";

const WITH_SCORES: ArgumentDoc = {
  name: "withscores",
  type: "pure-token",
  token: "WITHSCORES",
  optional: true,
};
const LIMIT: ArgumentDoc = {
  name: "offset_count",
  type: "block",
  token: "LIMIT",
  optional: true,
  arguments: [
    { name: "offset", type: "integer" },
    { name: "count", type: "integer" },
  ],
};

const OVERWRITTEN = ["OW", "update"];
const READ = ["RO", "access"];
const ONE = { last: 0, step: 1, limit: 0 };
const DESTINATION_AND_SOURCE: KeySpec = {
  first: 1,
  last: 2,
  step: 1,
  need: "value",
  access: OVERWRITTEN,
  described: [
    { access: OVERWRITTEN, begin: { index: 1 }, find: ONE },
    { access: READ, begin: { index: 2 }, find: ONE },
  ],
};

export const sortedSetRangeCommands: readonly CommandSpec[] = [
  {
    name: "zrange",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "1.2.0",
    summary: "Return a range of members in a sorted set",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    keys: oneKey("value", "RO", "access"),
    arguments: [
      KEY_ARGUMENT,
      { name: "start", type: "string" },
      { name: "stop", type: "string" },
      {
        name: "sortby",
        type: "oneof",
        since: "6.2.0",
        optional: true,
        arguments: [
          { name: "byscore", type: "pure-token", token: "BYSCORE" },
          { name: "bylex", type: "pure-token", token: "BYLEX" },
        ],
      },
      { name: "rev", type: "pure-token", token: "REV", since: "6.2.0", optional: true },
      {
        name: "offset_count",
        type: "block",
        token: "LIMIT",
        since: "6.2.0",
        optional: true,
        arguments: [
          { name: "offset", type: "integer" },
          { name: "count", type: "integer" },
        ],
      },
      WITH_SCORES,
    ],
    history: [["6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."]],
    execute: zrange,
  },
  {
    name: "zrangebylex",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "2.8.9",
    summary: "Return a range of members in a sorted set, by lexicographical range",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    keys: oneKey("value", "RO", "access"),
    arguments: [KEY_ARGUMENT, { name: "min", type: "string" }, { name: "max", type: "string" }, LIMIT],
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYLEX` argument" },
    execute: zrangebylex,
  },
  {
    name: "zrangebyscore",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "1.0.5",
    summary: "Return a range of members in a sorted set, by score",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    keys: oneKey("value", "RO", "access"),
    arguments: [
      KEY_ARGUMENT,
      { name: "min", type: "double" },
      { name: "max", type: "double" },
      { name: "withscores", type: "pure-token", token: "WITHSCORES", since: "2.0.0", optional: true },
      LIMIT,
    ],
    history: [["2.0.0", "Added the `WITHSCORES` modifier."]],
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYSCORE` argument" },
    execute: zrangebyscore,
  },
  {
    name: "zrangestore",
    arity: -5,
    flags: ["write", "denyoom"],
    group: "sorted-set",
    since: "6.2.0",
    summary: "Store a range of members from sorted set into another key",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
    keys: DESTINATION_AND_SOURCE,
    arguments: [
      { name: "dst", type: "key", keySpecIndex: 0 },
      { name: "src", type: "key", keySpecIndex: 1 },
      { name: "min", type: "string" },
      { name: "max", type: "string" },
      {
        name: "sortby",
        type: "oneof",
        optional: true,
        arguments: [
          { name: "byscore", type: "pure-token", token: "BYSCORE" },
          { name: "bylex", type: "pure-token", token: "BYLEX" },
        ],
      },
      { name: "rev", type: "pure-token", token: "REV", optional: true },
      LIMIT,
    ],
    execute: zrangestore,
  },
  {
    name: "zrevrange",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "1.2.0",
    summary: "Return a range of members in a sorted set, by index, with scores ordered from high to low",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
    keys: oneKey("value", "RO", "access"),
    arguments: [
      KEY_ARGUMENT,
      { name: "start", type: "integer" },
      { name: "stop", type: "integer" },
      WITH_SCORES,
    ],
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` argument" },
    execute: zrevrange,
  },
  {
    name: "zrevrangebylex",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "2.8.9",
    summary:
      "Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower strings.",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    keys: oneKey("value", "RO", "access"),
    arguments: [KEY_ARGUMENT, { name: "max", type: "string" }, { name: "min", type: "string" }, LIMIT],
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments" },
    execute: zrevrangebylex,
  },
  {
    name: "zrevrangebyscore",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    since: "2.2.0",
    summary: "Return a range of members in a sorted set, by score, with scores ordered from high to low",
    complexity:
      "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
    keys: oneKey("value", "RO", "access"),
    arguments: [
      KEY_ARGUMENT,
      { name: "max", type: "double" },
      { name: "min", type: "double" },
      WITH_SCORES,
      LIMIT,
    ],
    history: [["2.1.6", "`min` and `max` can be exclusive."]],
    deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments" },
    execute: zrevrangebyscore,
  },
];
