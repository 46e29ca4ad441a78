import { it } from "vitest";
import { Randomness } from "../support/seed.ts";
import { randomUnits } from "./groups/all.ts";
import { Pair } from "./pair.ts";

it("collect", async () => {
  const pair = await Pair.start();
  const seen = new Map<string, number>();
  const seeds = new Randomness(Number(process.env.SCRATCH ?? 1));
  for (let i = 0; i < 1500; i++) {
    const seed = seeds.fork();
    const units = randomUnits(seed, 40, Date.now());
    const d = await pair.run(units, i % 2 ? 2 : 3, "contents");
    if (d === undefined) continue;
    const key =
      d.stage +
      d.at
        .split(" ")
        .slice(0, /CLIENT|CONFIG|COMMAND|OBJECT|DEBUG|MEMORY|LATENCY|SLOWLOG/i.test(d.at) ? 2 : 1)
        .join(" ")
        .toUpperCase();
    const n = (seen.get(key) ?? 0) + 1;
    seen.set(key, n);
    if (n <= 2)
      console.log(
        `${seed} ${i % 2 ? 2 : 3} ${d.stage} ${d.at.slice(0, 300)}\nR ${d.redis.slice(0, 500)}\nF ${d.ferrite.slice(0, 500)}`,
      );
  }
  console.log(JSON.stringify([...seen]));
  await pair.stop();
}, 600000);
