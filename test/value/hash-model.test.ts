/**
 * Hashes against a plain map, across the limits between their forms: random commands, times of fields included, and after
 * each the same fields, values and times; in the end the effects, replayed, give the same hash.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashRig, integers, pairsOf } from "../commands/hash-support.ts";

interface Field {
  value: string;
  /** Infinity for none. */
  expiryMs: number;
}

class ModelHash {
  fields = new Map<string, Field>();
  now = 0;

  live(name: string): Field | undefined {
    const field = this.fields.get(name);
    return field !== undefined && field.expiryMs >= this.now ? field : undefined;
  }
  pairs(): Record<string, string> {
    return Object.fromEntries(
      [...this.fields].filter(([name]) => this.live(name)).map(([name, { value }]) => [name, value]),
    );
  }
}

type Rig = ReturnType<typeof hashRig>;
type Step = (rig: Rig, model: ModelHash) => void;

const names = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((i) => `f${i}`),
  fc.constantFrom("", "x".repeat(12), "y".repeat(130), "z".repeat(700)),
);
const values = fc.oneof(
  fc.integer({ min: -5, max: 1000 }).map(String),
  fc.constantFrom(
    "",
    "v",
    "w".repeat(11),
    "w".repeat(127),
    "w".repeat(128),
    "w".repeat(900),
    "w".repeat(20_000),
  ),
);

const set = fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 30 }).map(
  (pairs): Step =>
    ({ h }, model) => {
      let created = 0;
      for (const [name, value] of pairs) {
        if (model.live(name) === undefined) created++;
        model.fields.set(name, { value, expiryMs: Number.POSITIVE_INFINITY });
      }
      expect(h.run("HSET", "k", ...pairs.flat())).toBe(`:${created}\r\n`);
    },
);
const remove = fc.array(names, { minLength: 1, maxLength: 6 }).map(
  (list): Step =>
    ({ h }, model) => {
      let removed = 0;
      for (const name of list) {
        if (model.live(name) !== undefined) removed++;
        model.fields.delete(name);
      }
      expect(h.run("HDEL", "k", ...list)).toBe(`:${removed}\r\n`);
    },
);
const add = fc.tuple(names, fc.integer({ min: -2000, max: 2000 })).map(
  ([name, increment]): Step =>
    ({ h }, model) => {
      const field = model.live(name);
      const current = field?.value ?? "0";
      const isNumber = /^-?\d+$/.test(current);
      const reply = h.run("HINCRBY", "k", name, increment);
      if (!isNumber) {
        expect(reply).toBe("-ERR hash value is not an integer\r\n");
        return;
      }
      const value = String(Number(current) + increment);
      model.fields.set(name, { value, expiryMs: field?.expiryMs ?? Number.POSITIVE_INFINITY });
      expect(reply).toBe(`:${value}\r\n`);
    },
);
const expire = fc.tuple(fc.array(names, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 60 })).map(
  ([list, ms]): Step =>
    ({ h }, model) => {
      const outcomes = list.map((name) => {
        const field = model.live(name);
        if (field === undefined) return -2;
        if (ms === 0) model.fields.delete(name);
        else field.expiryMs = model.now + ms;
        return ms === 0 ? 2 : 1;
      });
      expect(h.run("HPEXPIRE", "k", ms, "FIELDS", list.length, ...list)).toBe(integers(...outcomes));
    },
);
const persist = names.map(
  (name): Step =>
    ({ h }, model) => {
      const field = model.live(name);
      const outcome = field === undefined ? -2 : field.expiryMs === Number.POSITIVE_INFINITY ? -1 : 1;
      if (field !== undefined) field.expiryMs = Number.POSITIVE_INFINITY;
      expect(h.run("HPERSIST", "k", "FIELDS", "1", name)).toBe(integers(outcome));
    },
);
const wait = fc.integer({ min: 1, max: 40 }).map(
  (ms): Step =>
    (rig, model) => {
      rig.pass(ms);
      model.now += ms;
    },
);
const limit = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 200 })).map(
  ([entries, bytes]): Step =>
    ({ h }) => {
      h.context.limits.hashEntriesMax = entries;
      h.context.limits.hashValueBytesMax = bytes;
    },
);
const copy = fc.constant<Step>(({ h }) => {
  if (h.run("COPY", "k", "other", "REPLACE") === ":1\r\n") h.run("RENAME", "other", "k");
});

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: set },
    { weight: 3, arbitrary: remove },
    { weight: 3, arbitrary: add },
    { weight: 3, arbitrary: expire },
    { weight: 1, arbitrary: persist },
    { weight: 2, arbitrary: wait },
    { weight: 1, arbitrary: limit },
    { weight: 1, arbitrary: copy },
  ),
  { maxLength: 60 },
);

describe("a hash and a map", () => {
  it("hold the same after any commands, in any form, and after replay", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const rig = hashRig();
        const { h, engine } = rig;
        const model = new ModelHash();
        model.now = h.nowMs;
        h.effects.take();
        for (const step of list) {
          step(rig, model);
          const pairs = model.pairs();
          expect(pairsOf(h.run("HGETALL", "k"))).toEqual(pairs);
          expect(h.run("HLEN", "k")).toBe(`:${Object.keys(pairs).length}\r\n`);
          for (const name of Object.keys(pairs)) {
            const { expiryMs } = model.live(name)!;
            const shown = expiryMs === Number.POSITIVE_INFINITY ? -1 : expiryMs;
            expect(h.run("HPEXPIRETIME", "k", "FIELDS", "1", name)).toBe(integers(shown));
          }
        }
        engine.verify();
        const replayed = hashRig();
        replayed.pass(model.now - replayed.h.nowMs + 1_000_000);
        replayed.h.replay(h.effects.take());
        replayed.h.keyspace.expireOnAccess = false;
        expect(pairsOf(replayed.h.run("HGETALL", "k"))).toEqual(model.pairs());
        h.run("FLUSHALL");
        h.run("DEL", "k", "other");
        while (engine.maintain(1)) {}
        expect(engine.memory().heapUsedBytes).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
