/**
 * Copies of a live folder, made as `cp -r` makes them: the folder is listed, then one file after the other is copied as it
 * is by then, while the server writes, rotates, rewrites and drops.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { aofCheck } from "../../src/aof/aof-tools.ts";
import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import { systemCode } from "../../src/base/errors.ts";
import { Data, rewrite, stateOf } from "./rewrite-support.ts";
import { append, FOLDER, finish, newWorld, readBack, start, type World } from "./support.ts";

class LiveCopy {
  readonly world = newWorld();
  readonly copy = newWorld();
  readonly data = new Data();
  /** The state at each LSN. */
  readonly history: Record<string, string>[] = [{}];
  readonly #random: SeededRandom;
  log!: AppendOnlyLog;
  #n = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.copy.fs.makeDirectorySync(FOLDER);
  }

  async begin(): Promise<void> {
    const { log } = await start(this.world, {
      policy: (["always", "everysec", "no"] as const)[this.#random.below(3)]!,
      spaceBytesMax: [0, 300][this.#random.below(2)]!,
      partBytesMax: 1000,
    });
    this.log = log;
    for (let i = this.#random.below(6); i >= 0; i--) this.act(true);
    this.settle();
  }

  settle(): void {
    this.world.clock.drain();
  }

  write(): void {
    const key = `k${this.#random.below(9)}`;
    this.data.set(this.log, key, `v${this.#n++}-${"x".repeat(this.#random.below(80))}`);
    this.history.push(Object.fromEntries(this.data.values));
    this.log.commitTurn(this.world.clock.wallMs());
  }

  rewrite(): void {
    const under = rewrite(this.world, this.log, this.data);
    this.settle();
    expect(under.result?.error).toBeUndefined();
  }

  act(mayRewrite: boolean): boolean {
    for (let i = this.#random.below(4); i > 0; i--) this.write();
    if (this.#random.below(3) === 0) this.settle();
    if (this.#random.below(3) === 0) this.log.rotate();
    if (!mayRewrite || this.#random.below(4) !== 0) return false;
    this.rewrite();
    return true;
  }

  /** Copies `name` as it is now; what has gone since the listing is missed, as by cp. */
  copyFile(name: string): void {
    try {
      const bytes = this.world.fs.readFileSync(`${FOLDER}/${name}`);
      const file = this.copy.fs.openSync(`${FOLDER}/${name}`, "create");
      file.appendSync(bytes, 0, bytes.length);
      file.close();
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }

  /** The copy opens with a state of the time since `fromLsn`, can be written to, and opens again. */
  async check(fromLsn: number): Promise<void> {
    const { fs } = this.copy;
    expect(["clean", "torn"]).toContain(aofCheck(fs, FOLDER).verdict);
    const opened = await start(this.copy);
    const { lastLsn } = opened.summary;
    expect(lastLsn).toBeGreaterThanOrEqual(fromLsn);
    expect(stateOf(opened.lines)).toEqual(this.history[lastLsn]);
    append(opened.log, 0, "SET", "copied", "1");
    opened.log.commitTurn(this.copy.clock.wallMs());
    await finish(this.copy.clock, opened.log.close());
    const again = await readBack(fs);
    expect(again.summary).toMatchObject({ copied: false, lastLsn: lastLsn + 1 });
    expect(stateOf(again.lines)).toEqual({ ...this.history[lastLsn], copied: "1" });
  }

  order(names: readonly string[], seed: number): string[] {
    const rest = [...names];
    if (seed % 3 === 0) return rest;
    if (seed % 3 === 1) return rest.reverse();
    const mixed: string[] = [];
    while (rest.length > 0) mixed.push(...rest.splice(this.#random.below(rest.length), 1));
    return mixed;
  }
}

async function copyOnce(seed: number): Promise<void> {
  const live = new LiveCopy(seed);
  await live.begin();
  const listed = live.world.fs.listSync(FOLDER);
  const fromLsn = live.log.writtenLsn;
  let mayRewrite = true;
  for (const name of live.order(listed, seed)) {
    live.copyFile(name);
    if (live.act(mayRewrite)) mayRewrite = false;
  }
  await live.check(fromLsn);
}

describe("a copy of a live folder", () => {
  it("opens, whatever the server did between any two files", async () => {
    for (let seed = 1; seed <= 150; seed++) {
      try {
        await copyOnce(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });

  it("has what was written before it was listed, when the part was copied before a rotation and the manifest after", async () => {
    const live = new LiveCopy(1);
    const { world } = live;
    live.log = (await start(world)).log;
    live.write();
    const listed = world.fs.listSync(FOLDER);
    live.copyFile(listed.find((name) => name.endsWith(".incr.aof"))!);
    for (let i = 0; i < 3; i++) {
      live.write();
      live.log.rotate();
      live.settle();
    }
    for (const name of listed.filter((name) => !name.endsWith(".incr.aof"))) live.copyFile(name);
    const { lines, summary } = await readBack(live.copy.fs);
    expect(lines).toHaveLength(1);
    expect(summary.copied).toBe(true);
    expect(aofCheck(live.copy.fs, FOLDER)).toMatchObject({ verdict: "clean", copied: true, lastLsn: 1 });
    await live.check(1);
  });

  it("finds files that left the log meanwhile, once", async () => {
    const live = new LiveCopy(2);
    const { world } = live;
    live.log = (await start(world)).log;
    for (let i = 0; i < 3; i++) {
      live.write();
      live.log.rotate();
      live.settle();
    }
    const listed = world.fs.listSync(FOLDER);
    live.copyFile("appendonly.aof.manifest");
    expect(live.log.dropPartsBelow(4)).toHaveLength(3);
    for (const name of listed) if (!name.includes("manifest")) live.copyFile(name);
    await live.check(3);
  });
});

describe("what only looks like a copy", () => {
  async function rotated(): Promise<World> {
    const world = newWorld();
    const { log } = await start(world);
    for (let i = 0; i < 3; i++) {
      append(log, 0, "SET", "k", `v${i}`);
      log.commitTurn(world.clock.wallMs());
      log.rotate();
      world.clock.drain();
    }
    await finish(world.clock, log.close());
    return world;
  }

  it("is refused as damage while the mark is there", async () => {
    const short = await rotated();
    const file = short.fs.openSync(`${FOLDER}/appendonly.aof.1.incr.aof`, "append");
    file.truncateSync(20);
    await expect(readBack(short.fs)).rejects.toThrow(/has 20 bytes, expected/);
    const missing = await rotated();
    missing.fs.unlinkSync(`${FOLDER}/appendonly.aof.4.incr.aof`);
    await expect(readBack(missing.fs)).rejects.toThrow(/is missing/);
  });

  it("is refused when nothing but the manifest is there", async () => {
    const world = await rotated();
    for (const name of world.fs.listSync(FOLDER))
      if (!name.endsWith("manifest")) world.fs.unlinkSync(`${FOLDER}/${name}`);
    await expect(readBack(world.fs)).rejects.toThrow(/is missing/);
  });

  it("is refused where bytes are damaged, copy or not", async () => {
    const world = await rotated();
    const mark = world.fs.listSync(FOLDER).find((name) => name.endsWith(".mark"))!;
    world.fs.unlinkSync(`${FOLDER}/${mark}`);
    expect((await readBack(world.fs)).lines).toHaveLength(3);
    const two = newWorld();
    const { log } = await start(two);
    for (let i = 0; i < 3; i++) {
      append(log, 0, "SET", "k", `v${i}`);
      log.commitTurn(two.clock.wallMs());
    }
    await finish(two.clock, log.close());
    two.fs.unlinkSync(`${FOLDER}/${two.fs.listSync(FOLDER).find((name) => name.endsWith(".mark"))!}`);
    two.fs.corrupt(`${FOLDER}/appendonly.aof.1.incr.aof`, 60, 1);
    await expect(readBack(two.fs)).rejects.toThrow(/damaged at offset/);
  });
});
