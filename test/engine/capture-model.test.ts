/**
 * Captures against a model: whatever is written, moved, flushed, cleaned or evicted while one is taken, an engine loaded from
 * it has exactly what there was when it began; and the engine that was captured is none the worse.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { CaptureRun } from "./capture-run.ts";
import { anyOp, beginCapture, Harness, type Model, type Op, opArbitrary } from "./keyspace-harness.ts";
import * as t from "./support.ts";

const copyOf = (model: Model): Model =>
  model.map((db) => new Map([...db].map(([key, entry]) => [key, { ...entry }])));

const op = fc.oneof(
  { weight: 40, arbitrary: anyOp },
  { weight: 1, arbitrary: opArbitrary(fc.constantFrom("evict", "maintain", "flush")) },
);
const phase = fc.array(op, { minLength: 1, maxLength: 120, size: "max" });

/** Phases: before the capture, during it (a slice after each command), after it in both engines; then all of it once more. */
function checkPhases(phases: readonly (readonly Op[])[], options: Partial<EngineOptions>): void {
  const files = new Map<number, Uint8Array>();
  let harness = new Harness(t.rig(options));
  for (let i = 0; i + 2 < phases.length; i += 3) {
    for (const one of phases[i]!) harness.run(one);
    const run = new CaptureRun(beginCapture(harness.rig.engine, i + 1), files);
    const then = copyOf(harness.model);
    const nowMs = harness.rig.clock.now;
    for (const one of phases[i + 1]!) {
      harness.run(one);
      run.step(one.key % 2 === 0, 1 + (one.length % 3));
    }
    const loaded = run.finish(options);
    harness.check();
    loaded.clock.now = nowMs;
    loaded.keyspace.nowMs = nowMs;
    const second = new Harness(loaded, then);
    second.step = harness.step;
    second.check();
    for (const one of phases[i + 2]!) second.run(one);
    second.check();
    // What goes on is now the one that was loaded, now the one that was captured.
    if (phases[i]!.length % 2 === 0) harness = second;
    else for (const one of phases[i + 2]!) harness.run(one);
    harness.check();
  }
}

describe("captures of an engine", () => {
  const phases = fc.array(phase, { minLength: 9, maxLength: 9, size: "max" });

  it("hold exactly what there was when they began", () => {
    fc.assert(
      fc.property(phases, (some) => checkPhases(some, {})),
      { numRuns: 60, interruptAfterTimeLimit: 60_000, endOnFailure: true },
    );
  });

  it("do so when few hash values are shared by many keys", () => {
    const options = { hasher: new t.TinyHasher(0x70000000 | 1, 0xf0) };
    fc.assert(
      fc.property(phases, (some) => checkPhases(some, options)),
      { numRuns: 40, interruptAfterTimeLimit: 60_000, endOnFailure: true },
    );
  });

  it("keep every sub-table of a keyspace that grows, shrinks and is flushed meanwhile", () => {
    for (const during of ["grow", "shrink", "flush"] as const) {
      const { engine, keyspace } = t.rig({ segmentBytes: 65_536 });
      for (let i = 0; i < 20_000; i++) t.put(keyspace, i % 3, `key:${i}`, `${i}`);
      const run = new CaptureRun(beginCapture(engine), new Map());
      for (let i = 0; i < 40_000; i++) {
        if (during === "grow") t.put(keyspace, i % 3, `more:${i}`, "x");
        else if (during === "shrink") t.remove(keyspace, i % 3, `key:${i}`);
        else if (i % 10_000 === 0) keyspace.flush((i / 10_000) % 3);
        if (i % 97 === 0) engine.maintain(0.01);
        if (i % 500 === 0) run.step(i % 1000 === 0, 2);
      }
      const loaded = run.finish({ segmentBytes: 65_536 });
      loaded.engine.verify();
      for (let i = 0; i < 20_000; i += 7) expect(t.get(loaded.keyspace, i % 3, `key:${i}`)).toBe(`${i}`);
      expect(loaded.keyspace.size(0) + loaded.keyspace.size(1) + loaded.keyspace.size(2)).toBe(20_000);
      t.settle(engine);
      engine.verify();
    }
  });

  it("write again only what has changed", () => {
    const files = new Map<number, Uint8Array>();
    const { engine, keyspace } = t.rig({ segmentBytes: 65_536 });
    for (let i = 0; i < 20_000; i++) t.put(keyspace, 0, `key:${i}`, `value ${i}`);
    const first = new CaptureRun(beginCapture(engine, 1), files);
    first.finish({ segmentBytes: 65_536 });
    for (let i = 0; i < 200; i++) t.put(keyspace, 0, `key:${i * 100}`, "other");
    const second = new CaptureRun(beginCapture(engine, 2), files);
    const loaded = second.finish({ segmentBytes: 65_536 });
    expect(second.writtenBytes).toBeLessThan(first.writtenBytes * 0.05);
    expect(t.get(loaded.keyspace, 0, "key:100")).toBe("other");
    expect(t.get(loaded.keyspace, 0, "key:101")).toBe("value 101");
  });

  it("leave no more than a few small segments behind", () => {
    const files = new Map<number, Uint8Array>();
    const { engine, keyspace } = t.rig({ segmentBytes: 65_536 });
    for (let round = 1; round <= 60; round++) {
      t.put(keyspace, 0, `key:${round}`, "value");
      new CaptureRun(beginCapture(engine, round), files).finish({ segmentBytes: 65_536 });
      t.settle(engine);
    }
    expect(engine.memory().segments).toBeLessThan(10);
    for (let round = 1; round <= 60; round++) expect(t.get(keyspace, 0, `key:${round}`)).toBe("value");
  });
});
