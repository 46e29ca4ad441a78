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
import { HELD_BACK } from "../../src/database/executor.ts";
import type { Session } from "../../src/database/session.ts";
import type { Request } from "../../src/protocol/request.ts";
import {
  KeptLogger,
  type RunningServer,
  reactions,
  requestText,
  startServer,
} from "../support/sim-server.ts";
import { checkEngine, checkState } from "./checks.ts";
import { type ClientEvents, type Expected, SimulatedClient, shown } from "./client.ts";
import { Faults } from "./faults.ts";
import { MODEL_COMMANDS, OK } from "./model-commands.ts";
import { DATABASES, drawCommand, drawPolicy, encode, oneIn, type Policy, pick } from "./workload.ts";
import type { World } from "./world.ts";

const CLIENTS_MAX = 5;
const PIPELINE_MAX = 10;
const LONG_PIPELINE_MAX = 150;
/** Time passes in steps of at most this, so that a disk that has something to do stops the idle clock. */
const TIME_STEP_MS = 10;
/** Rounds of a second after which everything has to have come to rest. */
const SETTLE_ROUNDS = 60;
const BOOT_STEPS_MAX = 200_000;

const DURABLE_REPLIES: Readonly<Record<string, RegExp>> = {
  AOF: /^(\+OK|-[^\r]*)\r\n/,
  WAITAOF: /^\*2\r\n:[01]\r\n:0\r\n/,
};
const MISCONF = /^-MISCONF Errors writing to the AOF file: [^\r]*\r\n/;

export type Death = "power" | "kill";

export class Life implements ClientEvents {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  readonly clock: VirtualClock;
  readonly fileSystem: MemoryFileSystem;
  readonly #transport: MemoryTransport;
  readonly #logger = new KeptLogger();
  /** Steps of disk operations and of the transport that wait for their turn. */
  #disk: (() => void)[] = [];
  #net: (() => void)[] = [];
  #running: RunningServer | undefined;
  #clients: SimulatedClient[] = [];
  readonly #bySession = new Map<Session, SimulatedClient>();
  #clientCount = 0;
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
    this.#transport = new MemoryTransport({
      soon: (run) => this.#net.push(run),
      after: (delayMs, run) => this.clock.after(delayMs, run),
      split: (length) => (whole ? length : random.below(length + 1)),
      windowBytes: 100 + random.below(20_000),
      arenaBytes: 64 + random.below(20_000),
    });
    this.#diskStepsLeft = 1 + this.#random.below(oneIn(this.#random, 4) ? 60 : 4000);
  }

  #hooks(): Partial<MemoryFileSystemOptions> {
    return {
      random: new SeededRandom(this.#world.random.uint32()),
      capacityBytes: Number.POSITIVE_INFINITY,
      soon: (run) => this.#disk.push(run),
      wallMs: () => this.clock.wallMs(),
      fault: (operation) => (this.future === undefined ? this.#faults.draw(operation) : undefined),
      onStep: () => {
        if (this.future === undefined && --this.#diskStepsLeft <= 0) this.#die();
      },
    };
  }

  get isOver(): boolean {
    return this.future !== undefined;
  }

  /** The process ends here, for no reason of its own. */
  #die(): void {
    if (this.future !== undefined) return;
    this.death = oneIn(this.#random, 2) ? "power" : "kill";
    const lastLsn = this.#running?.assembly.database.lastLsn;
    this.#world.trace("death", this.death, lastLsn ?? 0);
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
    const policy = drawPolicy(random);
    if (oneIn(random, 8)) this.#faults.toggle(this.fileSystem);
    const starting = startServer({
      clock: this.clock,
      random: new SeededRandom(random.uint32()),
      fileSystem: this.#world.plant?.fileSystem?.(this.fileSystem) ?? this.fileSystem,
      transport: this.#transport,
      logger: this.#logger,
      settings: { "server.databases": String(DATABASES), "persistence.aof_sync": policy },
      partBytesMax: 300 + random.below(6000),
      beforeServing: (assembly, server) => this.#world.plant?.beforeServing?.(assembly, server),
    });
    const outcome = await this.#finish(starting);
    if (this.isOver) return false;
    if (outcome.kind === "failed") {
      // A disk that fails during the start stops the start; nothing may be lost by that.
      if (this.#faults.quiet) throw outcome.error;
      this.#world.trace("start failed", messageOf(outcome.error));
      this.#die();
      return false;
    }
    this.#running = outcome.value;
    this.#faults.end(this.fileSystem);
    this.#ready(policy);
    return true;
  }

  #ready(policy: Policy): void {
    const running = this.#running!;
    const { database, recovered } = running.assembly;
    const world = this.#world;
    const lsn = recovered!.summary.lastLsn;
    world.foundLsn(lsn);
    world.trace("started", lsn, policy);
    world.promises.recovered(lsn, policy, database.log!.canWrite);
    checkState(database, world.history.present, this.clock.wallMs());
    checkEngine(database);
    const { executor } = database;
    const execute = executor.executeResolved.bind(executor);
    executor.executeResolved = (session, request, command) =>
      this.#execute(() => execute(session, request, command), session, request);
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
      if (oneIn(this.#random, 400)) this.#die();
    }
  }

  #event(): void {
    const random = this.#random;
    const kind = random.below(100);
    if (kind < 30) this.#clientSends();
    else if (kind < 58) for (let i = random.below(6); i >= 0 && this.#stepNet(); i--);
    else if (kind < 78) for (let i = random.below(8); i >= 0 && this.#stepDisk(); i--);
    else if (kind < 86) this.clock.drain();
    else if (kind < 93) this.#pass(random.below(30));
    else if (kind < 96) this.#pass(random.below(1500));
    else if (kind < 99) this.#clientActs();
    else if (oneIn(random, 3)) this.#faults.toggle(this.fileSystem);
    else if (oneIn(random, 4)) this.clock.jumpWall(random.below(2000));
    this.#watchEnd();
  }

  /** After death nothing that the code still does counts. */
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

  // -- clients ---------------------------------------------------------------------------------------------------

  #clientSends(): void {
    const usable = this.#clients.filter((client) => client.mayBeUsed);
    const wantsNew = usable.length === 0 || (usable.length < CLIENTS_MAX && oneIn(this.#random, 20));
    const client = wantsNew ? this.#connect() : pick(this.#random, usable);
    const commands: string[][] = [];
    let text = "";
    const lengthMax = oneIn(this.#random, 60) ? LONG_PIPELINE_MAX : PIPELINE_MAX;
    for (let i = this.#random.below(lengthMax); i >= 0; i--) {
      const words = drawCommand(this.#random, this.clock.wallMs());
      commands.push(words);
      text += encode(this.#random, words);
    }
    client.send(text, commands);
  }

  #connect(): SimulatedClient {
    const name = `client-${++this.#clientCount}`;
    const client = new SimulatedClient(name, this.#transport.connect(), this);
    this.#clients.push(client);
    const words = ["CLIENT", "SETNAME", name];
    client.send(requestText(words), [words]);
    return client;
  }

  #clientActs(): void {
    const random = this.#random;
    const usable = this.#clients.filter((client) => client.mayBeUsed);
    if (usable.length === 0) return;
    const client = pick(random, usable);
    const kind = random.below(8);
    if (kind < 3) {
      client.stalled = true;
      client.pipe.stall();
    } else if (kind < 6) this.#resume(client);
    else if (kind === 6) {
      client.finished = "asked";
      if (oneIn(random, 2)) client.pipe.end();
      else client.send("QUIT\r\n", [["QUIT"]]);
    } else {
      client.finished = "gone";
      if (oneIn(random, 2)) client.pipe.reset();
      else client.pipe.close();
    }
  }

  #resume(client: SimulatedClient): void {
    client.stalled = false;
    client.pipe.resume();
  }

  // -- what the server does for them -----------------------------------------------------------------------------

  #execute(execute: () => number, session: Session, request: Request): number {
    if (this.isOver) return execute();
    const { database } = this.#running!.assembly;
    const words = wordsOf(request);
    const before = database.lastLsn;
    const failed = database.logHasFailed;
    const client = this.#clientOf(session, words);
    const outcome = execute();
    if (outcome === HELD_BACK || this.isOver) return outcome;
    client.executes(words);
    const lsn = database.lastLsn;
    this.#world.trace("executed", client.name, shown(words), lsn);
    const reply = this.#expectedReply(client, words, before, lsn, failed);
    client.expected.push({
      reply,
      command: shown(words),
      lsn,
      policyEpoch: this.#world.promises.epoch,
      promisesNothing: failed,
    });
    return outcome;
  }

  #clientOf(session: Session, words: readonly string[]): SimulatedClient {
    const known = this.#bySession.get(session);
    if (known !== undefined) return known;
    const client = this.#clients.find(({ name }) => name === words[2]);
    if (client === undefined) throw new Error(`a connection's first command is [${shown(words)}]`);
    this.#bySession.set(session, client);
    return client;
  }

  #expectedReply(
    client: SimulatedClient,
    words: readonly string[],
    before: number,
    lsn: number,
    failed: boolean,
  ): string | RegExp {
    const name = words[0]!;
    const { history, promises } = this.#world;
    const command = MODEL_COMMANDS[name];
    if (command !== undefined) {
      if (failed && command.writes) {
        if (lsn !== before) throw new Error(`[${shown(words)}] was refused and had an effect`);
        return MISCONF;
      }
      return history.execute(client.db, words, this.clock.wallMs(), before, lsn);
    }
    if (name === "SELECT") client.db = Number(words[1]);
    else if (name === "CONFIG") promises.setPolicy(words[3] as Policy);
    return DURABLE_REPLIES[name] ?? OK;
  }

  received(client: SimulatedClient, bytes: Uint8Array): void {
    this.#world.trace("received", client.name, bytes.length);
  }

  answered(client: SimulatedClient, expected: Expected, reply: string): void {
    if (this.isOver) return;
    this.#world.answered++;
    const { promises } = this.#world;
    if (reply.startsWith("-MISCONF") || (reply.startsWith("-") && expected.command === "AOF SYNC")) {
      if (!this.#faults.began) {
        throw new Error(`${client.name}: ${expected.command} failed over a good disk: ${reply}`);
      }
      return;
    }
    // WAITAOF that gave up may have been executed before the disk failed and answered after it.
    if (expected.promisesNothing || reply.startsWith("*2\r\n:0\r\n:")) return;
    promises.answered(expected.lsn, expected.policyEpoch, this.#delayedSyncs);
    const told = expected.command === "AOF SYNC" || reply === "*2\r\n:1\r\n:0\r\n";
    if (told) promises.toldDurable(expected.lsn);
  }

  // -- the end -----------------------------------------------------------------------------------------------------

  /** The disk is good again and nobody asks for more: everybody gets every answer. Then the server stops, or dies. */
  async end(): Promise<void> {
    this.#faults.end(this.fileSystem);
    for (const client of this.#clients) if (client.stalled && client.closed === "no") this.#resume(client);
    await this.#settle();
    if (this.isOver) return;
    const { database } = this.#running!.assembly;
    if (!database.log!.canWrite) throw new Error("the log does not heal although the disk is good");
    for (const client of this.#clients) checkAnswered(client);
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
      const rests = this.#clients.every(
        ({ closed, sent, expected }) => closed !== "no" || sent.length + expected.length === 0,
      );
      if (rests && this.#running!.assembly.database.log!.canWrite) return;
      this.#pass(1000);
    }
    this.#watchEnd();
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients) client.finished = client.closed === "no" ? "asked" : client.finished;
    const { database } = this.#running!.assembly;
    const outcome = await this.#finish(this.#running!.stop());
    if (this.isOver) return;
    if (outcome.kind === "failed") throw outcome.error;
    this.#world.trace("stopped", database.lastLsn);
    this.#world.promises.toldDurable(database.lastLsn);
  }
}

function wordsOf(request: Request): string[] {
  const words: string[] = [];
  for (let i = 0; i < request.argc; i++) {
    const from = request.bytes.byteOffset + request.offsets[i]!;
    words.push(Buffer.from(request.bytes.buffer, from, request.lengths[i]!).toString("latin1"));
  }
  return words;
}

function checkAnswered(client: SimulatedClient): void {
  if (client.closed !== "no" || client.finished === "gone") return;
  if (client.sent.length === 0 && client.expected.length === 0) return;
  const next = client.expected[0]?.command ?? shown(client.sent[0]!);
  throw new Error(
    `${client.name} waits for ever: ${next} is not answered (${client.sent.length} not executed, ${client.expected.length} not answered)`,
  );
}
