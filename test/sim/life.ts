/**
 * One life of the server: from a start over what the last one left to its end by power loss, kill -9 or a stop.
 *
 * Invariants
 *  - everything that happens is one of a few kinds of events, drawn from the seed: bytes move, disk operations take
 *    a step, time passes, clients act, the disk goes bad or well again;
 *  - the end may come between any two steps of the file system. Then a copy of the file system is taken as the next
 *    life will find it; whatever the running code does after that moment is ignored.
 */
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { MemoryFileSystem, MemoryFileSystemOptions } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import { messageOf } from "../../src/base/errors.ts";
import { KeptLogger, type RunningServer, reactions, startServer } from "../support/sim-server.ts";
import { checkEngine, checkState } from "./checks.ts";
import { type Configuration, drawConfiguration } from "./configuration.ts";
import { Crowd, checkAnswered, type Surroundings } from "./crowd.ts";
import { oneIn } from "./drawing.ts";
import { Faults } from "./faults.ts";
import { checkStart } from "./recovery-checks.ts";
import type { World } from "./world.ts";

/** Time passes in steps of at most this, so that a disk that has something to do stops the idle clock. */
const TIME_STEP_MS = 10;
/** Rounds of a second after which everything has to have come to rest. */
const SETTLE_ROUNDS = 60;
const BOOT_STEPS_MAX = 200_000;

export type Death = "power" | "kill";

export class Life implements Surroundings {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly clock: VirtualClock;
  readonly fileSystem: MemoryFileSystem;
  readonly transport: MemoryTransport;
  readonly #logger = new KeptLogger();
  /** Steps of disk operations and of the transport that wait for their turn. */
  #disk: (() => void)[] = [];
  #net: (() => void)[] = [];
  #running: RunningServer | undefined;
  readonly #crowd: Crowd;
  #diskStepsLeft: number;
  /** What the next life finds; set at the moment of death. */
  future: MemoryFileSystem | undefined;
  death: Death | undefined;

  constructor(world: World, remains: MemoryFileSystem, wallMs: number) {
    this.#world = world;
    this.#random = world.random;
    this.clock = new VirtualClock(wallMs);
    this.#faults = new Faults(new SeededRandom(world.random.uint32()));
    this.fileSystem = remains.kill(this.#hooks());
    const random = new SeededRandom(world.random.uint32());
    const whole = oneIn(random, 3);
    this.transport = new MemoryTransport({
      soon: (run) => this.#net.push(run),
      after: (delayMs, run) => this.clock.after(delayMs, run),
      split: (length) => (whole ? length : random.below(length + 1)),
      windowBytes: 100 + random.below(20_000),
      arenaBytes: 64 + random.below(20_000),
    });
    this.#crowd = new Crowd(world, this);
    this.#diskStepsLeft = 1 + this.#random.below(oneIn(this.#random, 4) ? 60 : 4000);
  }

  #hooks(): Partial<MemoryFileSystemOptions> {
    return {
      random: new SeededRandom(this.#world.random.uint32()),
      capacityBytes: Number.POSITIVE_INFINITY,
      blockBytes: [0, 16, 256][this.#world.random.below(3)]!,
      soon: (run) => this.#disk.push(run),
      wallMs: () => this.clock.wallMs(),
      fault: (operation, path) =>
        this.future === undefined ? this.#faults.draw(operation, path) : undefined,
      onStep: (operation, path) => {
        if (this.future !== undefined) return;
        this.#world.trace.addQuietly(operation, path);
        if (--this.#diskStepsLeft <= 0) this.#die(` before ${operation} ${path}`);
      },
    };
  }

  get isOver(): boolean {
    return this.future !== undefined;
  }
  get diskMayHaveFailed(): boolean {
    return this.#faults.began;
  }

  /** The process ends here, for no reason of its own. */
  #die(where = ""): void {
    if (this.future !== undefined) return;
    this.death = oneIn(this.#random, 2) ? "power" : "kill";
    const lastLsn = this.#running?.assembly.database.lastLsn;
    this.#world.trace.add("death", `${this.death}${where}`, lastLsn ?? 0);
    // Keys that expire by themselves take LSNs that no command shows.
    if (lastLsn !== undefined) this.#world.history.lastLsn = lastLsn;
    this.future =
      this.death === "kill"
        ? this.fileSystem.kill()
        : this.fileSystem.crash(new SeededRandom(this.#random.uint32()));
  }

  // -- start ---------------------------------------------------------------------------------------------------

  /** False if the process died, or the disk failed, before it was ready. */
  async start(): Promise<boolean> {
    const random = this.#random;
    const configuration = drawConfiguration(random, this.#world.databases);
    this.#world.configuration = configuration;
    if (oneIn(random, 8)) this.#faults.toggle(this.fileSystem);
    const starting = startServer({
      clock: this.clock,
      random: new SeededRandom(random.uint32()),
      fileSystem: this.#world.plant?.fileSystem?.(this.fileSystem) ?? this.fileSystem,
      transport: this.transport,
      logger: this.#logger,
      settings: configuration.settings,
      partBytesMax: configuration.partBytesMax,
      loopSyncMsMax: configuration.loopSyncMsMax,
      beforeServing: (assembly, server) => this.#world.plant?.beforeServing?.(assembly, server),
    });
    const outcome = await this.#finish(starting);
    if (this.isOver) return false;
    if (outcome.kind === "failed") {
      // A disk that fails during the start stops the start; nothing may be lost by that.
      if (this.#faults.quiet) throw outcome.error;
      this.#world.trace.add("start failed", messageOf(outcome.error));
      this.#die();
      return false;
    }
    this.#running = outcome.value;
    this.#faults.end(this.fileSystem);
    this.#ready(configuration);
    return true;
  }

  #ready({ policy }: Configuration): void {
    const running = this.#running!;
    const { database, durable } = running.assembly;
    const { recovered } = durable;
    const world = this.#world;
    const lsn = recovered!.summary.lastLsn;
    world.foundLsn(lsn);
    world.trace.add("started", lsn, policy);
    world.promises.recovered(lsn, policy, database.log!.canWrite);
    const disk = this.fileSystem.kill({ fault: () => undefined, onStep: () => undefined });
    const model = world.history.present;
    checkStart({ database, recovered: recovered!, model, nowMs: this.clock.wallMs(), disk });
    this.#crowd.watch(database);
  }

  /** Lets everything but time and clients go on until the promise settles or the process dies. */
  async #finish<T>(
    promise: Promise<T>,
  ): Promise<{ kind: "done"; value: T } | { kind: "failed"; error: unknown }> {
    let outcome: { kind: "done"; value: T } | { kind: "failed"; error: unknown } | undefined;
    promise.then(
      (value) => {
        outcome = { kind: "done", value };
      },
      (error: unknown) => {
        outcome = { kind: "failed", error };
      },
    );
    for (let step = 0; outcome === undefined && !this.isOver; step++) {
      if (step > BOOT_STEPS_MAX) throw new Error("the server neither starts nor stops");
      await reactions();
      if (outcome !== undefined || this.isOver) break;
      if (!this.#stepDisk() && !this.#stepNet() && !this.clock.step()) this.clock.advance(TIME_STEP_MS);
    }
    return outcome ?? { kind: "failed", error: new Error("the process has died") };
  }

  // -- what happens ----------------------------------------------------------------------------------------------

  /** `count` events, or fewer if the process dies. */
  async run(count: number): Promise<void> {
    for (let i = 0; i < count && !this.isOver; i++) {
      this.#event();
      await reactions();
      this.#watchEnd();
      if (oneIn(this.#random, 400)) this.#die();
    }
  }

  #event(): void {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 30) this.#crowd.sends();
    else if (kind < 58) for (let i = random.below(6); i >= 0 && this.#stepNet(); i--);
    else if (kind < 78) for (let i = random.below(8); i >= 0 && this.#stepDisk(); i--);
    else if (kind < 86) this.clock.drain();
    else if (kind < 93) this.#pass(random.below(30));
    else if (kind < 96) this.#pass(random.below(1500));
    else if (kind < 99) this.#crowd.acts();
    else if (oneIn(random, 3)) this.#faults.toggle(this.fileSystem);
    else if (oneIn(random, 4)) this.clock.jumpWall(random.below(2000));
  }

  /** After death nothing that the code still does counts. Promise reactions that are due run before: halted, they would throw into nobody's hands. */
  #watchEnd(): void {
    if (this.isOver) this.fileSystem.halt();
  }

  #stepNet(): boolean {
    const run = this.#net.shift();
    run?.();
    return run !== undefined;
  }

  /** Operations of different files, and syncs beside appends, overtake one another. */
  #stepDisk(): boolean {
    if (this.#disk.length === 0) return false;
    const [run] = this.#disk.splice(this.#random.below(this.#disk.length), 1);
    run!();
    return true;
  }

  #pass(ms: number): void {
    for (let left = ms; left > 0; left -= TIME_STEP_MS) {
      const step = Math.min(left, TIME_STEP_MS);
      const idle = this.#disk.length === 0 && this.#diskIsWell;
      this.clock.advance(step);
      if (this.isOver) return;
      const { promises } = this.#world;
      if (idle && this.#diskIsWell) promises.idled(step, this.#delayedSyncs);
      else if (!this.#diskIsWell) promises.startAgain();
    }
  }

  get #diskIsWell(): boolean {
    return this.#faults.quiet && this.#running!.assembly.database.log!.canWrite;
  }
  get #delayedSyncs(): number {
    return this.#running!.assembly.database.log!.counters.delayedSyncs;
  }

  // -- the end -----------------------------------------------------------------------------------------------------

  /** The disk is good again and nobody asks for more: everybody gets every answer. Then the server stops, or dies. */
  async end(): Promise<void> {
    this.#faults.end(this.fileSystem);
    this.#crowd.resumeAll();
    await this.#settle();
    if (this.isOver) return;
    const { database } = this.#running!.assembly;
    this.#crowd.settleWaiting();
    if (!database.log!.canWrite) throw new Error("the log does not heal although the disk is good");
    for (const client of this.#crowd.clients) checkAnswered(client);
    checkState(database, this.#world.history.present, this.clock.wallMs());
    checkEngine(database);
    if (oneIn(this.#random, 2)) await this.#stop();
    this.#die();
    this.fileSystem.halt();
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < SETTLE_ROUNDS && !this.isOver; round++) {
      for (let i = 0; i < 10_000 && !this.isOver; i++) {
        await reactions();
        const moved = [this.#stepNet(), this.#stepDisk(), this.clock.step()].some(Boolean);
        if (!moved) break;
      }
      if (this.isOver) break;
      if (this.#crowd.rests && this.#running!.assembly.database.log!.canWrite) return;
      this.#pass(1000);
    }
    await reactions();
    this.#watchEnd();
  }

  async #stop(): Promise<void> {
    this.#crowd.expectTheEnd();
    const { database } = this.#running!.assembly;
    const outcome = await this.#finish(this.#running!.stop());
    if (this.isOver) return;
    if (outcome.kind === "failed") throw outcome.error;
    this.#world.trace.add("stopped", database.lastLsn);
    this.#world.promises.toldDurable(database.lastLsn);
  }
}
