/**
 * The keyspace against a Map: random commands over few keys, with colliding hashes, tiny segments, expiry,
 * several databases, maintenance and eviction at any point; every counter is recounted as it goes.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyOp, check, many, opArbitrary } from "./keyspace-harness.ts";
import * as t from "./support.ts";

describe("keyspace against a model", () => {
  it("agrees with a Map whatever the commands", () => {
    fc.assert(
      fc.property(fc.array(anyOp, many), (ops) => check(ops, t.rig())),
      { numRuns: 150 },
    );
  });

  it("agrees when few hash values are shared by many keys", () => {
    fc.assert(
      fc.property(fc.array(anyOp, many), (ops) =>
        check(ops, t.rig({ hasher: new t.TinyHasher(0x70000000 | 1, 0xf0) })),
      ),
      { numRuns: 100 },
    );
  });

  it("agrees when captures begin and end at any point", () => {
    const op = fc.oneof(
      { weight: 10, arbitrary: anyOp },
      { weight: 1, arbitrary: opArbitrary(fc.constant("capture")) },
    );
    fc.assert(
      fc.property(fc.array(op, many), (ops) => check(ops, t.rig())),
      { numRuns: 100 },
    );
  });

  it("agrees when keys are evicted at any point, and hears of each", () => {
    const op = fc.oneof(
      { weight: 10, arbitrary: anyOp },
      { weight: 1, arbitrary: opArbitrary(fc.constant("evict")) },
    );
    fc.assert(
      fc.property(fc.array(op, many), (ops) => check(ops, t.rig())),
      { numRuns: 100 },
    );
  });

  it("leaves expired keys alone in replay", () => {
    const { keyspace, engine } = t.rig();
    t.put(keyspace, 0, "k", "v", keyspace.nowMs - 1);
    keyspace.expireOnAccess = false;
    expect(t.get(keyspace, 0, "k")).toBe("v");
    expect(engine.expireSlice(10)).toBe(0);
    keyspace.expireOnAccess = true;
    expect(t.get(keyspace, 0, "k")).toBeUndefined();
    expect(keyspace.expiredKeys).toBe(1);
    expect(keyspace.size(0)).toBe(0);
  });
});
