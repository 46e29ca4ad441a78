/** Specs of the commands over several sets. */
import { countedKeys } from "./counted-keys.ts";
import { allKeys, KEYS_ARGUMENT } from "./keys-spec.ts";
import { sdiff, sdiffStore, sinter, sinterCard, sinterStore, sunion, sunionStore } from "./set-algebra.ts";
import type { ArgumentDoc, CommandSpec, KeySpec } from "./spec.ts";

const DESTINATION_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "destination", type: "key", keySpecIndex: 0 },
  { name: "key", type: "key", keySpecIndex: 1, multiple: true },
];
const INTERSECTING =
  "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.";
const ADDING = "O(N) where N is the total number of elements in all given sets.";

/** A destination in argument 1, which is replaced, and sources behind it. */
function destinationAndSources(access: string): KeySpec {
  return {
    ...allKeys("value", 1, access, "update"),
    described: [
      { access: [access, "update"], begin: { index: 1 }, find: { last: 0, step: 1, limit: 0 } },
      { access: ["RO", "access"], begin: { index: 2 }, find: { last: -1, step: 1, limit: 0 } },
    ],
  };
}

const READS = {
  arity: -2,
  flags: ["readonly"],
  group: "set",
  keys: allKeys("value", 1, "RO", "access"),
} as const satisfies Partial<CommandSpec>;

const STORES = {
  arity: -3,
  flags: ["write", "denyoom"],
  group: "set",
} as const satisfies Partial<CommandSpec>;

export const setAlgebraCommands: readonly CommandSpec[] = [
  {
    ...READS,
    name: "sinter",
    docs: () => ({
      since: "1.0.0",
      summary: "Intersect multiple sets",
      complexity: INTERSECTING,
      tips: ["nondeterministic_output_order"],
      arguments: [KEYS_ARGUMENT],
    }),
    execute: sinter,
  },
  {
    ...READS,
    name: "sunion",
    docs: () => ({
      since: "1.0.0",
      summary: "Add multiple sets",
      complexity: ADDING,
      tips: ["nondeterministic_output_order"],
      arguments: [KEYS_ARGUMENT],
    }),
    execute: sunion,
  },
  {
    ...READS,
    name: "sdiff",
    docs: () => ({
      since: "1.0.0",
      summary: "Subtract multiple sets",
      complexity: ADDING,
      tips: ["nondeterministic_output_order"],
      arguments: [KEYS_ARGUMENT],
    }),
    execute: sdiff,
  },
  {
    ...STORES,
    name: "sinterstore",
    keys: destinationAndSources("RW"),
    docs: () => ({
      since: "1.0.0",
      summary: "Intersect multiple sets and store the resulting set in a key",
      complexity: INTERSECTING,
      arguments: DESTINATION_ARGUMENTS,
    }),
    execute: sinterStore,
  },
  {
    ...STORES,
    name: "sunionstore",
    keys: destinationAndSources("OW"),
    docs: () => ({
      since: "1.0.0",
      summary: "Add multiple sets and store the resulting set in a key",
      complexity: ADDING,
      arguments: DESTINATION_ARGUMENTS,
    }),
    execute: sunionStore,
  },
  {
    ...STORES,
    name: "sdiffstore",
    keys: destinationAndSources("OW"),
    docs: () => ({
      since: "1.0.0",
      summary: "Subtract multiple sets and store the resulting set in a key",
      complexity: ADDING,
      arguments: DESTINATION_ARGUMENTS,
    }),
    execute: sdiffStore,
  },
  {
    name: "sintercard",
    arity: -3,
    flags: ["readonly", "movablekeys"],
    group: "set",
    keys: countedKeys(1, "RO", "access"),
    docs: () => ({
      since: "7.0.0",
      summary: "Intersect multiple sets and return the cardinality of the result",
      complexity: INTERSECTING,
      arguments: [
        { name: "numkeys", type: "integer" },
        KEYS_ARGUMENT,
        { name: "limit", type: "integer", token: "LIMIT", optional: true },
      ],
    }),
    execute: sinterCard,
  },
];
