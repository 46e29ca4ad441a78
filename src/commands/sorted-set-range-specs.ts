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
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.2.0",
      summary: "Return a range of members in a sorted set",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
      history: [["6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."]],
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
    }),
    execute: zrange,
  },
  {
    name: "zrangebylex",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.8.9",
      summary: "Return a range of members in a sorted set, by lexicographical range",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
      deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYLEX` argument" },
      arguments: [KEY_ARGUMENT, { name: "min", type: "string" }, { name: "max", type: "string" }, LIMIT],
    }),
    execute: zrangebylex,
  },
  {
    name: "zrangebyscore",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.0.5",
      summary: "Return a range of members in a sorted set, by score",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
      deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYSCORE` argument" },
      history: [["2.0.0", "Added the `WITHSCORES` modifier."]],
      arguments: [
        KEY_ARGUMENT,
        { name: "min", type: "double" },
        { name: "max", type: "double" },
        { name: "withscores", type: "pure-token", token: "WITHSCORES", since: "2.0.0", optional: true },
        LIMIT,
      ],
    }),
    execute: zrangebyscore,
  },
  {
    name: "zrangestore",
    arity: -5,
    flags: ["write", "denyoom"],
    group: "sorted-set",
    keys: DESTINATION_AND_SOURCE,
    docs: () => ({
      since: "6.2.0",
      summary: "Store a range of members from sorted set into another key",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
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
    }),
    execute: zrangestore,
  },
  {
    name: "zrevrange",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.2.0",
      summary: "Return a range of members in a sorted set, by index, with scores ordered from high to low",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
      deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` argument" },
      arguments: [
        KEY_ARGUMENT,
        { name: "start", type: "integer" },
        { name: "stop", type: "integer" },
        WITH_SCORES,
      ],
    }),
    execute: zrevrange,
  },
  {
    name: "zrevrangebylex",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.8.9",
      summary:
        "Return a range of members in a sorted set, by lexicographical range, ordered from higher to lower strings.",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
      deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments" },
      arguments: [KEY_ARGUMENT, { name: "max", type: "string" }, { name: "min", type: "string" }, LIMIT],
    }),
    execute: zrevrangebylex,
  },
  {
    name: "zrevrangebyscore",
    arity: -4,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.2.0",
      summary: "Return a range of members in a sorted set, by score, with scores ordered from high to low",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
      deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments" },
      history: [["2.1.6", "`min` and `max` can be exclusive."]],
      arguments: [
        KEY_ARGUMENT,
        { name: "max", type: "double" },
        { name: "min", type: "double" },
        WITH_SCORES,
        LIMIT,
      ],
    }),
    execute: zrevrangebyscore,
  },
];
