import { describe, expect, it } from "vitest";
import { minimise } from "./minimise.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("minimise", () => {
  it("finds the few parts that matter, wherever they stand", async () => {
    const fails = async (parts: readonly number[]): Promise<boolean> =>
      parts.includes(3) && parts.includes(250) && parts.includes(499);
    expect(await minimise(numbers(500), fails)).toEqual([3, 250, 499]);
  });

  it("keeps the order of the parts", async () => {
    const fails = async (parts: readonly number[]): Promise<boolean> => parts.indexOf(7) < parts.indexOf(2);
    expect(
      await minimise([9, 7, 8, 2, 1], async (parts) => parts.includes(2) && (await fails(parts))),
    ).toContain(2);
    expect(await minimise([9, 7, 8, 2, 1], async (p) => p.includes(7) && p.includes(2) && fails(p))).toEqual([
      7, 2,
    ]);
  });

  it("stops when the trials are used up, with a sequence that fails", async () => {
    let trials = 0;
    const kept = await minimise(
      numbers(1000),
      async (parts) => {
        trials++;
        return parts.includes(999);
      },
      5,
    );
    expect(trials).toBe(5);
    expect(kept).toContain(999);
  });
});
