/** The contract of src/ports/clock.ts, and the determinism of the virtual clock. */
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { NodeClock } from "../../src/adapters/node/clock.ts";
import type { Clock } from "../../src/ports/clock.ts";

const CLOCKS: readonly { kind: string; open(): { clock: Clock; pass(ms: number): Promise<void> } }[] = [
  {
    kind: "node",
    open: () => {
      const clock = new NodeClock();
      return { clock, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
    },
  },
  {
    kind: "virtual",
    open: () => {
      const clock = new VirtualClock();
      return { clock, pass: (ms) => clock.advanceAsync(ms) };
    },
  },
];

for (const { kind, open } of CLOCKS) {
  describe(`clock, ${kind}`, () => {
    it("runs timers once, not before their time, in order of time", async () => {
      const { clock, pass } = open();
      const start = clock.monotonicMs();
      const order: string[] = [];
      clock.after(20, () => {
        order.push("late");
        expect(clock.monotonicMs() - start).toBeGreaterThanOrEqual(20);
      });
      clock.after(1, () => order.push("early"));
      clock.after(0, () => order.push("at once"));
      expect(order).toEqual([]);
      while (!order.includes("late")) await pass(30);
      expect(order.indexOf("late")).toBe(2);
      await pass(30);
      expect(order).toHaveLength(3);
    });

    it("does not run what was cancelled, even twice or after it ran", async () => {
      const { clock, pass } = open();
      let runs = 0;
      const cancelled = clock.after(1, () => runs++);
      cancelled.cancel();
      cancelled.cancel();
      const other = clock.after(1, () => runs++);
      while (runs === 0) await pass(5);
      other.cancel();
      await pass(5);
      expect(runs).toBe(1);
    });

    it("lets one timer cancel another that is due with it", async () => {
      const { clock, pass } = open();
      let runs = 0;
      const timers = [clock.after(1, () => stop()), clock.after(1, () => stop())];
      const stop = (): void => {
        runs++;
        for (const timer of timers) timer.cancel();
      };
      while (runs === 0) await pass(5);
      await pass(5);
      expect(runs).toBe(1);
    });

    it("runs jobs soon, in order, never before the call returns", async () => {
      const { clock, pass } = open();
      const order: number[] = [];
      clock.soon(() => {
        order.push(1);
        clock.soon(() => order.push(3));
      });
      clock.soon(() => order.push(2));
      expect(order).toEqual([]);
      while (order.length < 3) await pass(1);
      expect(order).toEqual([1, 2, 3]);
    });

    it("never goes backwards, and tells whole wall milliseconds", async () => {
      const { clock, pass } = open();
      let last = clock.monotonicMs();
      for (let i = 0; i < 20; i++) {
        await pass(1);
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(last);
        last = clock.monotonicMs();
        expect(Number.isSafeInteger(clock.wallMs())).toBe(true);
      }
    });

    it("takes delays beyond what setTimeout can wait for", async () => {
      const { clock, pass } = open();
      let ran = false;
      const timer = clock.after(
        2 ** 31 + 5000,
        () => {
          ran = true;
        },
        { unref: true },
      );
      await pass(20);
      expect(ran).toBe(false);
      timer.cancel();
    });
  });
}

describe("the virtual clock", () => {
  it("stands still unless it is moved, and shows each timer its own time", () => {
    const clock = new VirtualClock(5000);
    const seen: number[] = [];
    const note = (): void => {
      seen.push(clock.monotonicMs());
    };
    clock.after(30, note);
    clock.after(10, () => {
      note();
      clock.after(10, note);
    });
    clock.advance(25);
    expect(seen).toEqual([10, 20]);
    expect(clock.monotonicMs()).toBe(25);
    expect(clock.wallMs()).toBe(5025);
    expect(clock.nextTimerMs()).toBe(30);
    clock.advance(5);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  it("runs equal timers in the order in which they were set, jobs before them", () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    for (const name of ["a", "b", "c"]) clock.after(5, () => order.push(name));
    clock.after(5, () => clock.soon(() => order.push("job of the fourth")));
    clock.after(5, () => order.push("fifth"));
    clock.soon(() => order.push("job"));
    clock.advance(5);
    expect(order).toEqual(["job", "a", "b", "c", "job of the fourth", "fifth"]);
  });

  it("jumps the wall clock without a timer noticing", () => {
    const clock = new VirtualClock(1_000_000);
    let ran = false;
    clock.after(10, () => {
      ran = true;
    });
    clock.jumpWall(3_600_000);
    expect(clock.wallMs()).toBe(4_600_000);
    clock.jumpWall(-7_200_000);
    expect(clock.wallMs()).toBe(-2_600_000);
    clock.drain();
    expect(ran).toBe(false);
    clock.advance(10);
    expect(ran).toBe(true);
  });

  it("lets code that awaits run at the right virtual time", async () => {
    const clock = new VirtualClock();
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
    const times: number[] = [];
    const work = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(10);
        times.push(clock.monotonicMs());
      }
    })();
    await clock.advanceAsync(100);
    await work;
    expect(times).toEqual([10, 20, 30]);
    expect(clock.monotonicMs()).toBe(100);
  });
});
