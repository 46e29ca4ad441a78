/** What COMMAND tells of SORT and SORT_RO. */

import { KEY_ARGUMENT } from "./keys-spec.ts";
import { sort, sortReadOnly } from "./sort.ts";
import { findSortKeys } from "./sort-options.ts";
import type { ArgumentDoc, CommandSpec, KeyDescription } from "./spec.ts";

const COMPLEXITY =
  "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).";

const SORTED_KEY: KeyDescription = {
  access: ["RO", "access"],
  begin: { index: 1 },
  find: { last: 0, step: 1, limit: 0 },
};
const KEYS_BY_CONTENT: KeyDescription = {
  access: ["RO", "access"],
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
  begin: "unknown",
  find: "unknown",
};
const DESTINATION: KeyDescription = {
  access: ["OW", "update"],
  notes:
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
  begin: "unknown",
  find: "unknown",
};

const ARGUMENTS: readonly ArgumentDoc[] = [
  KEY_ARGUMENT,
  { name: "pattern", type: "pattern", token: "BY", optional: true, keySpecIndex: 1 },
  {
    name: "offset_count",
    type: "block",
    token: "LIMIT",
    optional: true,
    arguments: [
      { name: "offset", type: "integer" },
      { name: "count", type: "integer" },
    ],
  },
  {
    name: "pattern",
    type: "pattern",
    token: "GET",
    optional: true,
    multiple: true,
    multipleToken: true,
    keySpecIndex: 1,
  },
  {
    name: "order",
    type: "oneof",
    optional: true,
    arguments: [
      { name: "asc", type: "pure-token", token: "ASC" },
      { name: "desc", type: "pure-token", token: "DESC" },
    ],
  },
  { name: "sorting", type: "pure-token", token: "ALPHA", optional: true },
];

const CATEGORIES = ["-keyspace", "set", "sortedset", "list", "dangerous"];

export const sortCommands: readonly CommandSpec[] = [
  {
    name: "sort",
    arity: -2,
    flags: ["write", "denyoom", "movablekeys"],
    group: "generic",
    keys: {
      first: 1,
      last: 1,
      step: 1,
      need: "value",
      access: DESTINATION.access,
      find: findSortKeys,
      described: [SORTED_KEY, KEYS_BY_CONTENT, DESTINATION],
    },
    categories: CATEGORIES,
    docs: () => ({
      since: "1.0.0",
      summary: "Sort the elements in a list, set or sorted set",
      complexity: COMPLEXITY,
      arguments: [
        ...ARGUMENTS,
        { name: "destination", type: "key", token: "STORE", optional: true, keySpecIndex: 2 },
      ],
    }),
    execute: sort,
  },
  {
    name: "sort_ro",
    arity: -2,
    flags: ["readonly", "movablekeys"],
    group: "generic",
    keys: {
      first: 1,
      last: 1,
      step: 1,
      need: "value",
      access: SORTED_KEY.access,
      described: [SORTED_KEY, KEYS_BY_CONTENT],
    },
    categories: CATEGORIES,
    docs: () => ({
      since: "7.0.0",
      summary: "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
      complexity: COMPLEXITY,
      arguments: ARGUMENTS,
    }),
    execute: sortReadOnly,
  },
];
