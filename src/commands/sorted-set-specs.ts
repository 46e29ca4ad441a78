/** What clients are told of the sorted-set commands that are about members and whole keys; and the family of them all. */
import { KEY_ARGUMENT, oneKey } from "./keys-spec.ts";
import { zadd, zincrby } from "./sorted-set-add.ts";
import { sortedSetAlgebraCommands } from "./sorted-set-algebra-specs.ts";
import { sortedSetPopCommands } from "./sorted-set-pop-specs.ts";
import { zrandmember } from "./sorted-set-random.ts";
import { sortedSetRangeCommands } from "./sorted-set-range-specs.ts";
import { zcard, zcount, zlexcount, zmscore, zrank, zrevrank, zscore } from "./sorted-set-read.ts";
import { zrem, zremrangebylex, zremrangebyrank, zremrangebyscore } from "./sorted-set-remove.ts";
import { zscan } from "./sorted-set-scan.ts";
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

const MEMBER: ArgumentDoc = { name: "member", type: "string" };
const MEMBERS: ArgumentDoc = { name: "member", type: "string", multiple: true };
const WITH_SCORES: ArgumentDoc = {
  name: "withscores",
  type: "pure-token",
  token: "WITHSCORES",
  optional: true,
};
const WITH_SCORE: ArgumentDoc = { name: "withscore", type: "pure-token", token: "WITHSCORE", optional: true };
const COUNT: ArgumentDoc = { name: "count", type: "integer", token: "COUNT", optional: true };

const sortedSetBasicCommands: readonly CommandSpec[] = [
  {
    name: "zadd",
    arity: -4,
    flags: ["write", "denyoom", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "update"),
    docs: () => ({
      since: "1.2.0",
      summary: "Add one or more members to a sorted set, or update its score if it already exists",
      complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
      history: [
        ["2.4.0", "Accepts multiple elements."],
        ["3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."],
        ["6.2.0", "Added the `GT` and `LT` options."],
      ],
      arguments: [
        KEY_ARGUMENT,
        {
          name: "condition",
          type: "oneof",
          since: "3.0.2",
          optional: true,
          arguments: [
            { name: "nx", type: "pure-token", token: "NX" },
            { name: "xx", type: "pure-token", token: "XX" },
          ],
        },
        {
          name: "comparison",
          type: "oneof",
          since: "6.2.0",
          optional: true,
          arguments: [
            { name: "gt", type: "pure-token", token: "GT" },
            { name: "lt", type: "pure-token", token: "LT" },
          ],
        },
        { name: "change", type: "pure-token", token: "CH", since: "3.0.2", optional: true },
        { name: "increment", type: "pure-token", token: "INCR", since: "3.0.2", optional: true },
        {
          name: "score_member",
          type: "block",
          multiple: true,
          arguments: [{ name: "score", type: "double" }, MEMBER],
        },
      ],
    }),
    execute: zadd,
  },
  {
    name: "zcard",
    arity: 2,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("meta", "RO"),
    docs: () => ({
      since: "1.2.0",
      summary: "Get the number of members in a sorted set",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT],
    }),
    execute: zcard,
  },
  {
    name: "zcount",
    arity: 4,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.0.0",
      summary: "Count the members in a sorted set with scores within the given values",
      complexity: "O(log(N)) with N being the number of elements in the sorted set.",
      arguments: [KEY_ARGUMENT, { name: "min", type: "double" }, { name: "max", type: "double" }],
    }),
    execute: zcount,
  },
  {
    name: "zincrby",
    arity: 4,
    flags: ["write", "denyoom", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "access", "update"),
    docs: () => ({
      since: "1.2.0",
      summary: "Increment the score of a member in a sorted set",
      complexity: "O(log(N)) where N is the number of elements in the sorted set.",
      arguments: [KEY_ARGUMENT, { name: "increment", type: "integer" }, MEMBER],
    }),
    execute: zincrby,
  },
  {
    name: "zlexcount",
    arity: 4,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.8.9",
      summary: "Count the number of members in a sorted set between a given lexicographical range",
      complexity: "O(log(N)) with N being the number of elements in the sorted set.",
      arguments: [KEY_ARGUMENT, { name: "min", type: "string" }, { name: "max", type: "string" }],
    }),
    execute: zlexcount,
  },
  {
    name: "zmscore",
    arity: -3,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Get the score associated with the given members in a sorted set",
      complexity: "O(N) where N is the number of members being requested.",
      arguments: [KEY_ARGUMENT, MEMBERS],
    }),
    execute: zmscore,
  },
  {
    name: "zrandmember",
    arity: -2,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "6.2.0",
      summary: "Get one or multiple random elements from a sorted set",
      complexity: "O(N) where N is the number of elements returned",
      tips: ["nondeterministic_output"],
      arguments: [
        KEY_ARGUMENT,
        {
          name: "options",
          type: "block",
          optional: true,
          arguments: [{ name: "count", type: "integer" }, WITH_SCORES],
        },
      ],
    }),
    execute: zrandmember,
  },
  {
    name: "zrank",
    arity: -3,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.0.0",
      summary: "Determine the index of a member in a sorted set",
      complexity: "O(log(N))",
      history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
      arguments: [KEY_ARGUMENT, MEMBER, WITH_SCORE],
    }),
    execute: zrank,
  },
  {
    name: "zrem",
    arity: -3,
    flags: ["write", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "1.2.0",
      summary: "Remove one or more members from a sorted set",
      complexity:
        "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.",
      history: [["2.4.0", "Accepts multiple elements."]],
      arguments: [KEY_ARGUMENT, MEMBERS],
    }),
    execute: zrem,
  },
  {
    name: "zremrangebylex",
    arity: 4,
    flags: ["write"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "2.8.9",
      summary: "Remove all members in a sorted set between the given lexicographical range",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
      arguments: [KEY_ARGUMENT, { name: "min", type: "string" }, { name: "max", type: "string" }],
    }),
    execute: zremrangebylex,
  },
  {
    name: "zremrangebyrank",
    arity: 4,
    flags: ["write"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "2.0.0",
      summary: "Remove all members in a sorted set within the given indexes",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
      arguments: [KEY_ARGUMENT, { name: "start", type: "integer" }, { name: "stop", type: "integer" }],
    }),
    execute: zremrangebyrank,
  },
  {
    name: "zremrangebyscore",
    arity: 4,
    flags: ["write"],
    group: "sorted-set",
    keys: oneKey("value", "RW", "delete"),
    docs: () => ({
      since: "1.2.0",
      summary: "Remove all members in a sorted set within the given scores",
      complexity:
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
      arguments: [KEY_ARGUMENT, { name: "min", type: "double" }, { name: "max", type: "double" }],
    }),
    execute: zremrangebyscore,
  },
  {
    name: "zrevrank",
    arity: -3,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.0.0",
      summary: "Determine the index of a member in a sorted set, with scores ordered from high to low",
      complexity: "O(log(N))",
      history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
      arguments: [KEY_ARGUMENT, MEMBER, WITH_SCORE],
    }),
    execute: zrevrank,
  },
  {
    name: "zscan",
    arity: -3,
    flags: ["readonly"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "2.8.0",
      summary: "Incrementally iterate sorted sets elements and associated scores",
      complexity:
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
      tips: ["nondeterministic_output"],
      arguments: [
        KEY_ARGUMENT,
        { name: "cursor", type: "integer" },
        { name: "pattern", type: "pattern", token: "MATCH", optional: true },
        COUNT,
      ],
    }),
    execute: zscan,
  },
  {
    name: "zscore",
    arity: 3,
    flags: ["readonly", "fast"],
    group: "sorted-set",
    keys: oneKey("value", "RO", "access"),
    docs: () => ({
      since: "1.2.0",
      summary: "Get the score associated with the given member in a sorted set",
      complexity: "O(1)",
      arguments: [KEY_ARGUMENT, MEMBER],
    }),
    execute: zscore,
  },
];

/** The family of sorted-set commands, in the order of their names. */
export const sortedSetCommands: readonly CommandSpec[] = [
  ...sortedSetBasicCommands,
  ...sortedSetAlgebraCommands,
  ...sortedSetPopCommands,
  ...sortedSetRangeCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));
