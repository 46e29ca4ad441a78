/**
 * Keys whose number is an argument: where `numkeys key …` stands, and a destination in front of it.
 *
 * The access words are those of Redis's COMMAND INFO, letter for letter.
 */
import type { Context } from "./context.ts";
import type { KeySpec } from "./spec.ts";

/** Keys behind their number in argument `countIndex`. */
export function countedKeys(countIndex: number, ...access: readonly string[]): KeySpec {
  return {
    first: 0,
    last: 0,
    step: 0,
    need: "value",
    access,
    find: (context, into) => findCounted(context, countIndex, into, 0),
    described: [{ access, begin: { index: countIndex }, find: { countIndex: 0, first: 1, step: 1 } }],
  };
}

/** A destination in argument 1, which is replaced, and behind it sources to read with their number. */
export function destinationAndCountedKeys(): KeySpec {
  const access = ["OW", "update"];
  return {
    first: 1,
    last: 1,
    step: 1,
    need: "value",
    access,
    find: (context, into) => {
      into[0] = 1;
      return findCounted(context, 2, into, 1);
    },
    described: [
      { access, begin: { index: 1 }, find: { last: 0, step: 1, limit: 0 } },
      {
        access: ["RO", "access"],
        begin: { index: 2 },
        find: { countIndex: 0, first: 1, step: 1 },
      },
    ],
  };
}

/** Writes the argument indexes of the keys from `place` on; answers where they end, or -1 if there are not as many. */
function findCounted(context: Context, countIndex: number, into: Int32Array, place: number): number {
  const count = countIndex < context.argc ? context.integer(countIndex) : Number.NaN;
  if (!(count >= 1) || countIndex + count >= context.argc) return -1;
  for (let i = 0; i < count; i++) into[place + i] = countIndex + 1 + i;
  return place + count;
}
