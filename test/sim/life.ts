/**
 * One life of the server: from a start over what the last one left to its end by power loss, kill -9 or a stop.
 *
 * Invariants
 *  - everything that happens is one of a few kinds of events, drawn from the seed: bytes move, disk operations take
 *    a step, time passes, clients act, the disk goes bad or well again;
 *  - the end may come between any two steps of the file system. Then a copy of the file system is taken as the next
 *    life will find it; whatever the running code does after that moment is ignored.
 */
import type { MemoryFileSystem, MemoryFileSystemOptions } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import { messageOf } from "../../src/base/errors.ts";
import { SLICE_MS } from "../../src/checkpoint/slices.ts";
import type { Database } from "../../src/database/database.ts";
import { KeptLogger, type RunningServer, reactions, startServer } from "../support/sim-server.ts";
import { CheckpointWatch } from "./checkpoint-watch.ts";
import { checkEngine, checkState } from "./checks.ts";
import { type Configuration, drawConfiguration } from "./configuration.ts";
import { Crowd, checkAnswered, type Surroundings } from "./crowd.ts";
import { oneIn } from "./drawing.ts";
import { Faults } from "./faults.ts";
import { checkStart } from "./recovery-checks.ts";
import { WorkingClock } from "./working-clock.ts";
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
  readonly clock: WorkingClock;
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
  #checkpoints: CheckpointWatch | undefined;
  /** SHUTDOWN is being executed, with these words. */
  #shutdown: readonly string[] | undefined;
  #ended: "no" | "stopped" | { readonly error: unknown } = "no";

  constructor(world: World, remains: MemoryFileSystem, wallMs: number) {
    this.#world = world;
    this.#random = world.random;
    this.clock = new WorkingClock(wallMs);
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
  get mayClose(): boolean {
    return this.#running === undefined || this.#shutdown !== undefined;
  }

  shutsDown(words: readonly string[] | undefined): void {
    this.#shutdown = words;
  }

  get #database(): Database {
    return this.#running!.assembly.database;
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
    // With a damaged file a refusal has to be because of that.
    const { damage } = this.#world;
    if (damage === undefined && oneIn(random, 8)) this.#faults.toggle(this.fileSystem);
    const starting = startServer({
      clock: this.clock,
      random: new SeededRandom(random.uint32()),
      fileSystem: this.#world.plant?.fileSystem?.(this.fileSystem) ?? this.fileSystem,
      transport: this.transport,
      logger: this.#logger,
      settings: configuration.settings,
      partBytesMax: configuration.partBytesMax,
      loopSyncMsMax: configuration.loopSyncMsMax,
      beforeLoading: (assembly, server) => {
        this.#crowd.watch(assembly.database);
        this.#checkpoints = new CheckpointWatch(
          this.#world,
          assembly,
          this.#logger,
          oneIn(random, 6) ? 0 : SLICE_MS,
          this.clock,
        );
        this.#world.plant?.beforeLoading?.(assembly, server);
      },
      beforeServing: (assembly, server) => this.#world.plant?.beforeServing?.(assembly, server),
    });
    const outcome = await this.#finish(starting, () => {
      if (oneIn(random, 12) && this.#checkpoints !== undefined && this.transport.isListening)
        this.#crowd.knocks();
    });
    if (this.isOver) return false;
    if (outcome.kind === "failed" && damage !== undefined) {
      damage.refused(outcome.error);
      this.#world.trace.add("start refused", messageOf(outcome.error));
      this.#die();
      return false;
    }
    if (outcome.kind === "failed") {
      // A disk that fails during the start stops the start; nothing may be lost by that.
      if (this.#faults.quiet) throw outcome.error;
      this.#world.trace.add("start failed", messageOf(outcome.error));
      this.#die();
      return false;
    }
    this.#running = outcome.value;
    this.#running.ended.then(
      () => {
        this.#ended = "stopped";
      },
      (error: unknown) => {
        this.#ended = { error };
      },
    );
    this.#faults.serving = true;
    this.#faults.end(this.fileSystem);
    await this.#ready(configuration);
    return true;
  }

  async #ready({ policy, logs, settings }: Configuration): Promise<void> {
    const { database, durable } = this.#running!.assembly;
    const { log } = database;
    const { recovered, loadedFrom } = durable;
    const world = this.#world;
    const { lastLsn, logLastLsn } = recovered!.summary;
    world.damage?.started();
    world.foundLsn(lastLsn);
    world.trace.add("started", lastLsn, logs ? policy : "no log", loadedFrom?.id ?? "no checkpoint");
    world.promises.recovered(lastLsn, policy, log === undefined ? "none" : log.canWrite ? "well" : "failed");
    world.begins(logs, lastLsn);
    // A power cut took from the log what a checkpoint has.
    if (logs && logLastLsn < lastLsn) world.logGapEnd = lastLsn;
    await checkStart({
      database,
      durable,
      within: (work) => this.#running!.server.within(work),
      recovered: recovered!,
      model: world.history.present,
      nowMs: this.clock.wallMs(),
      disk: this.#diskNow(),
      logs,
      logGapEnd: world.logGapEnd,
      takesCheckpoints: settings["persistence.checkpoint_enabled"] === "true",
      damaged: world.damage?.path,
    });
  }

  /** A copy of the disk that can be read without faults, and without a step of anything else. */
  #diskNow(): MemoryFileSystem {
    return this.fileSystem.kill({
      fault: () => undefined,
      onStep: () => undefined,
      soon: (run) => queueMicrotask(run),
    });
  }

  /** Lets everything but time and clients go on until the promise settles or the process dies. */
  async #finish<T>(
    promise: Promise<T>,
    meanwhile: () => void = () => undefined,
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
      meanwhile();
      if (!this.#stepDisk() && !this.#stepNet() && !this.clock.step()) this.clock.advance(TIME_STEP_MS);
    }
    return outcome ?? { kind: "failed", error: new Error("the process has died") };
  }

  // -- what happens ----------------------------------------------------------------------------------------------

  /** `count` events, or fewer if the process dies. */
  async run(count: number): Promise<void> {
    for (let i = 0; i < count && !this.isOver; i++) {
      this.#event();
      await this.#look();
      // What is written in the background takes many steps, between which promises settle.
      if (oneIn(this.#random, 3))
        for (let step = this.#random.below(20); step > 0 && !this.isOver; step--) {
          if (!this.#stepDisk() && !this.clock.step()) break;
          await this.#look();
        }
      if (oneIn(this.#random, 400)) this.#die();
    }
  }

  /** Promises settle; then what the checkpoints have come to is looked at. */
  async #look(): Promise<void> {
    await reactions();
    this.#watchEnd();
    if (this.isOver) return;
    this.#checkpoints!.look(() => this.#diskNow(), this.clock.wallMs());
    if (this.#ended !== "no") this.#hasEnded(this.#ended);
  }

  /** SHUTDOWN has come to its end. */
  #hasEnded(ended: "stopped" | { readonly error: unknown }): void {
    if (ended === "stopped") {
      this.#stopped(this.#shutdown![1] !== "NOSAVE");
    } else if (this.#faults.began) {
      this.#world.trace.add("stop failed", messageOf(ended.error));
    } else throw ended.error;
    this.#die();
    this.fileSystem.halt();
  }

  /** Everything that was executed lasts, unless there is nothing that it could last in. */
  #stopped(saves: boolean): void {
    const { lastLsn } = this.#database;
    const world = this.#world;
    world.trace.add("stopped", lastLsn, saves ? "" : "without saving");
    this.#checkpoints!.look(() => this.#diskNow(), this.clock.wallMs());
    const takesCheckpoints = world.configuration!.takesCheckpoints || this.#shutdown?.[1] === "SAVE";
    if (world.promises.logs || (saves && takesCheckpoints)) world.promises.toldDurable(lastLsn);
    else if (!saves) world.mayFindAtMost(this.#checkpoints!.newestLsn);
  }

  #event(): void {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 30) {
      if (!this.mayClose) this.#crowd.sends();
    } else if (kind < 58) for (let i = random.below(6); i >= 0 && this.#stepNet(); i--);
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
    return this.#faults.quiet && this.#logIsWell;
  }
  get #logIsWell(): boolean {
    return this.#database.log?.canWrite ?? true;
  }
  get #delayedSyncs(): number {
    return this.#database.log?.counters.delayedSyncs ?? 0;
  }

  // -- the end -----------------------------------------------------------------------------------------------------

  /** The disk is good again and nobody asks for more: everybody gets every answer. Then the server stops, or dies. */
  async end(): Promise<void> {
    this.#faults.end(this.fileSystem);
    this.#crowd.resumeAll();
    await this.#settle();
    if (this.isOver) return;
    const database = this.#database;
    this.#crowd.settleWaiting();
    if (!this.#logIsWell) throw new Error("the log does not heal although the disk is good");
    if (!this.#checkpoints!.isIdle) throw new Error("a checkpoint does not end although the disk is good");
    for (const client of this.#crowd.clients) checkAnswered(client);
    checkState(database, this.#world.history.present, this.clock.wallMs());
    checkEngine(database, (work) => this.#running!.server.within(work));
    if (oneIn(this.#random, 2)) await this.#stop();
    this.#die();
    this.fileSystem.halt();
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < SETTLE_ROUNDS && !this.isOver; round++) {
      for (let i = 0; i < 10_000 && !this.isOver; i++) {
        await this.#look();
        if (this.isOver) break;
        const moved = [this.#stepNet(), this.#stepDisk(), this.clock.step()].some(Boolean);
        if (!moved) break;
      }
      if (this.isOver) break;
      if (this.#crowd.rests && this.#logIsWell && this.#checkpoints!.isIdle) return;
      this.#pass(1000);
    }
    await this.#look();
  }

  async #stop(): Promise<void> {
    this.#crowd.expectTheEnd();
    const outcome = await this.#finish(this.#running!.stop());
    if (this.isOver) return;
    if (outcome.kind === "failed") throw outcome.error;
    this.#stopped(true);
  }
}
