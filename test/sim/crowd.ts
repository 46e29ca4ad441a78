/**
 * The clients of one life of the server: they send, misbehave and read, and every command that the server executes
 * for them is executed on the model too.
 *
 * Invariant: a reply is expected from the moment its command is executed, with what the model says at that moment;
 * so the order of execution across clients is the server's, and everything else is the model's.
 */
import type { VirtualClock } from "../../src/adapters/memory/clock.ts";
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import type { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import { FLAG_LOADING } from "../../src/commands/command-flags.ts";
import type { ResolvedCommand } from "../../src/commands/table.ts";
import { ATTENTION_LOADING } from "../../src/database/attention.ts";
import type { Database } from "../../src/database/database.ts";
import { HELD_BACK } from "../../src/database/executor.ts";
import type { Session } from "../../src/database/session.ts";
import type { Request } from "../../src/protocol/request.ts";
import { requestText } from "../support/sim-server.ts";
import { type ClientEvents, type Expected, SimulatedClient, shown } from "./client.ts";
import { oneIn, pick } from "./drawing.ts";
import type { Step } from "./history.ts";
import { array, OK, WAITS } from "./model-call.ts";
import { MODEL_COMMANDS } from "./model-commands.ts";
import { type Body, observeBodies } from "./observation.ts";
import { persistenceEvent, type Situation, type Told } from "./persistence-events.ts";
import { drawTransaction, LOADING, LOADING_EXEC, MISCONF } from "./transactions.ts";
import { Waiting } from "./waiting.ts";
import { drawCommand, encode } from "./workload.ts";
import type { World } from "./world.ts";

const CLIENTS_MAX = 5;
const PIPELINE_MAX = 10;
const LONG_PIPELINE_MAX = 150;

/** What the clients have to know of the life that they share. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly isOver: boolean;
  /** True once an operation of the disk may have failed. */
  readonly diskMayHaveFailed: boolean;
  /** It has not started yet, or SHUTDOWN is being executed: a connection may end at any time. */
  readonly mayClose: boolean;
  /** SHUTDOWN is executed, or has failed. */
  shutsDown(words: readonly string[] | undefined): void;
}

/** What is sent to a server that may still be loading. */
const WHILE_LOADING: readonly (readonly string[])[] = [
  ["PING"],
  ["GET", "a"],
  ["SET", "a", "early"],
  ["LASTSAVE"],
  ["SELECT", "0"],
];

interface Executed {
  readonly client: SimulatedClient;
  readonly session: Session;
  readonly words: readonly string[];
  /** The last LSNs before and after it, without what it made ready for others. */
  readonly before: number;
  readonly lsn: number;
  /** The log could not be written. */
  readonly failed: boolean;
  /** Data was being loaded, and whether the command needs some. */
  readonly loading: boolean;
  readonly refused: boolean;
  /** What its bodies were observed to answer. */
  readonly own: readonly string[];
}

export class Crowd implements ClientEvents {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #around: Surroundings;
  #database: Database | undefined;
  readonly clients: SimulatedClient[] = [];
  readonly #bySession = new Map<Session, SimulatedClient>();
  readonly #waiting: Waiting;
  /** Those of the command that is being executed. */
  #bodies: Body[] | undefined;

  constructor(world: World, around: Surroundings) {
    this.#world = world;
    this.#random = world.random;
    this.#around = around;
    this.#waiting = new Waiting(around.clock);
  }

  get isOver(): boolean {
    return this.#around.isOver;
  }
  get mayClose(): boolean {
    return this.#around.mayClose;
  }

  /** From here on the model follows what the database executes. */
  watch(database: Database): void {
    this.#database = database;
    observeBodies(database, (body) => this.#hear(body));
    const { executor } = database;
    const execute = executor.executeResolved.bind(executor);
    executor.executeResolved = (session, request, command) =>
      this.#execute(() => execute(session, request, command), session, request, command);
  }

  get #nowMs(): number {
    return this.#around.clock.wallMs();
  }

  /** True if everybody who is still there has every answer, or waits for ever. */
  get rests(): boolean {
    return this.clients.every(
      ({ closed, sent, expected, waitsForEver }) =>
        closed !== "no" || sent.length + expected.length === 0 || waitsForEver,
    );
  }

  resumeAll(): void {
    for (const client of this.clients) if (client.stalled && client.closed === "no") this.#resume(client);
  }

  /** The server is about to close every connection. */
  expectTheEnd(): void {
    for (const client of this.clients) if (client.mayBeUsed) client.finished = "asked";
  }

  sends(): void {
    const usable = this.clients.filter((client) => client.mayBeUsed);
    const wantsNew = usable.length === 0 || (usable.length < CLIENTS_MAX && oneIn(this.#random, 20));
    const client = wantsNew ? this.#connect() : pick(this.#random, usable);
    const commands: string[][] = [];
    let text = "";
    const lengthMax = oneIn(this.#random, 60) ? LONG_PIPELINE_MAX : PIPELINE_MAX;
    for (let i = this.#random.below(lengthMax); i >= 0; i--) {
      const drawing = { random: this.#random, nowMs: this.#nowMs, databases: this.#world.databases };
      const drawn = oneIn(this.#random, 10) ? drawTransaction(drawing) : [drawCommand(drawing)];
      commands.push(...drawn);
      text += drawn.map((words) => encode(this.#random, words)).join("");
    }
    client.send(text, commands);
  }

  /** Somebody connects while the server starts, or asks it something. */
  knocks(): void {
    const usable = this.clients.filter((client) => client.mayBeUsed);
    const wantsNew = usable.length === 0 || (usable.length < 3 && oneIn(this.#random, 4));
    const client = wantsNew ? this.#connect() : pick(this.#random, usable);
    const words = pick(this.#random, WHILE_LOADING);
    client.send(requestText(words), [words]);
  }

  #connect(): SimulatedClient {
    const name = `client-${this.clients.length + 1}`;
    const client = new SimulatedClient(name, this.#around.transport.connect(), this);
    this.clients.push(client);
    const words = ["CLIENT", "SETNAME", name];
    client.send(requestText(words), [words]);
    return client;
  }

  acts(): void {
    const random = this.#random;
    const usable = this.clients.filter((client) => client.mayBeUsed);
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

  #execute(
    execute: () => number,
    session: Session,
    request: Request,
    resolved: ResolvedCommand | undefined,
  ): number {
    // Nobody's session: what is replayed.
    if (this.isOver || session.id === 0) return execute();
    this.settleWaiting();
    const database = this.#database!;
    const words = wordsOf(request);
    const before = database.lastLsn;
    const failed = database.logHasFailed;
    const loading = (database.executor.attention & ATTENTION_LOADING) !== 0;
    const refused = loading && ((resolved?.flags ?? 0) & FLAG_LOADING) === 0;
    const client = this.#clientOf(session, words);
    const bodies: Body[] = [];
    this.#bodies = bodies;
    const outcome = execute();
    this.#bodies = undefined;
    if (outcome === HELD_BACK || this.isOver) return outcome;
    client.executes(words);
    const served = bodies.filter((body) => body.session !== session);
    const own = bodies.filter((body) => body.session === session).map(({ observed }) => observed);
    const lsn = served[0]?.before ?? database.lastLsn;
    this.#world.trace.add("executed", client.name, shown(words), lsn);
    this.#executed({ client, session, words, before, lsn, failed, loading, refused, own });
    for (const body of served) this.#serve(body);
    this.#waiting.check(this.#world.history.present, this.#nowMs);
    return outcome;
  }

  #clientOf(session: Session, words: readonly string[]): SimulatedClient {
    const known = this.#bySession.get(session);
    if (known !== undefined) return known;
    const client = this.clients.find(({ name }) => name === words[2]);
    if (client === undefined) throw new Error(`a connection's first command is [${shown(words)}]`);
    this.#bySession.set(session, client);
    return client;
  }

  /** A command of `client` was executed: what its reply must be, and what it may promise. */
  #executed(executed: Executed): void {
    const { client, session, words, lsn, failed } = executed;
    const expected: Expected = {
      reply: this.#expectedReply(executed),
      command: shown(words),
      lsn,
      policyEpoch: this.#world.promises.epoch,
      promisesNothing: failed,
      event: executed.refused ? undefined : persistenceEvent(words),
      waitsForEver: !executed.refused && MODEL_COMMANDS[words[0]!]?.waits?.timeoutMs(words) === 0,
    };
    client.expected.push(expected);
    if (expected.reply !== WAITS) return;
    expected.reply = undefined;
    const rule = MODEL_COMMANDS[words[0]!]!.waits!;
    this.#waiting.begin({ client, session, words, rule, expected, db: client.db });
  }

  #expectedReply(executed: Executed): string | RegExp {
    const { client, words, before, lsn, failed, own } = executed;
    const name = words[0]!;
    if (executed.refused) {
      client.transaction.refuse();
      return LOADING;
    }
    if (executed.loading && name === "EXEC" && client.transaction.refuseExec()) return LOADING_EXEC;
    if (client.transaction.takes(words)) return this.#inTransaction(executed);
    const command = MODEL_COMMANDS[name];
    if (command !== undefined) {
      if (failed && command.writes) {
        if (lsn !== before) throw new Error(`[${shown(words)}] was refused and had an effect`);
        return MISCONF;
      }
      return this.#run([{ db: client.db, words, observed: own[0] ?? "" }], before, lsn)[0]!;
    }
    if (name === "SELECT") client.db = Number(words[1]);
    const event = persistenceEvent(words);
    event?.executed?.(words, this.#situation);
    if (name === "DEBUG") for (const { transaction } of this.clients) transaction.reload();
    if (name === "SHUTDOWN") this.#around.shutsDown(words);
    return event?.reply ?? OK;
  }

  /** MULTI to EXEC: EXEC is one step of the history. */
  #inTransaction({ client, words, before, lsn, failed, loading, own }: Executed): string | RegExp {
    const { present } = this.#world.history;
    const outcome = client.transaction.execute(words, client.db, present, this.#nowMs, failed, loading);
    if (typeof outcome === "string" || outcome instanceof RegExp) return outcome;
    const left = [...own];
    const steps = outcome.map((step) => {
      const command = MODEL_COMMANDS[step.words[0]!];
      const isHeard = command?.isObserved === true || command?.waits !== undefined;
      return isHeard ? { ...step, observed: left.shift() ?? "" } : step;
    });
    const replies = this.#run(steps, before, lsn).map((reply, index) =>
      reply === WAITS ? MODEL_COMMANDS[steps[index]!.words[0]!]!.waits!.withoutWaiting : reply,
    );
    for (const { words: step } of outcome) if (step[0] === "SELECT") client.db = Number(step[1]);
    return array(replies);
  }

  /** On the model; everybody who watches is told of each step. */
  #run(steps: readonly Step[], before: number, lsn: number): string[] {
    const { history } = this.#world;
    const nowMs = this.#nowMs;
    return history.execute(steps, nowMs, before, lsn, (name) => {
      for (const client of this.clients) client.transaction.look(history.present, nowMs, name);
    });
  }

  get #situation(): Situation {
    const { promises } = this.#world;
    return { logs: promises.logs, logHasChanged: promises.logHasChanged, promises };
  }

  /** A body has ended that somebody listens to; outside of commands it is one of a client that waited. */
  #hear(body: Body): void {
    if (this.isOver || body.session.id === 0) return;
    if (this.#bodies !== undefined) this.#bodies.push(body);
    else this.#serve(body);
  }

  /** A client that waited was looked at again. */
  #serve({ session, before, lsn, observed }: Body): void {
    const waiter = this.#waiting.of(session);
    if (waiter === undefined) throw new Error("a command is executed again for a client that does not wait");
    const { client, db, expected } = waiter;
    if (observed === "") return;
    const words = this.#waiting.serve(waiter, this.#world.history.present, this.#nowMs);
    this.#world.trace.add("served", client.name, shown(words), lsn);
    const [reply] = this.#run([{ db, words, observed: "" }], before, lsn);
    if (reply !== observed) {
      const said = JSON.stringify(observed.slice(0, 300));
      throw new Error(
        `${client.name}: ${expected.command} was served ${said}, expected ${JSON.stringify(reply)}`,
      );
    }
    expected.reply = reply;
    expected.lsn = lsn;
    expected.policyEpoch = this.#world.promises.epoch;
    expected.promisesNothing = this.#database!.logHasFailed;
  }

  settleWaiting(): void {
    this.#waiting.settle();
  }

  received(client: SimulatedClient, bytes: Uint8Array): void {
    this.#world.trace.addQuietly(`received ${bytes.length}`, client.name);
  }

  answered(client: SimulatedClient, expected: Expected, reply: string): void {
    if (this.isOver) return;
    this.#world.answered++;
    this.#world.trace.add("answered", client.name, reply);
    const { promises } = this.#world;
    const told = this.#told(expected, reply);
    if (expected.command.startsWith("SHUTDOWN")) this.#around.shutsDown(undefined);
    if (told === "failed" && !this.#around.diskMayHaveFailed) {
      throw new Error(`${client.name}: ${expected.command} failed over a good disk: ${reply}`);
    }
    if (told === "failed" || told === "nothing" || expected.promisesNothing) return;
    const delayedSyncs = this.#database!.log?.counters.delayedSyncs ?? 0;
    promises.answered(expected.lsn, expected.policyEpoch, delayedSyncs);
    if (told === "durable") promises.toldDurable(expected.lsn);
  }

  #told({ event }: Expected, reply: string): Told {
    if (MISCONF.test(reply)) return "failed";
    if (LOADING.test(reply) || LOADING_EXEC.test(reply)) return "nothing";
    return event?.tells(reply, this.#situation) ?? "written";
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

/** Throws if somebody still waits. */
export function checkAnswered(client: SimulatedClient): void {
  if (client.closed !== "no" || client.finished === "gone") return;
  if (client.waitsForEver || (client.sent.length === 0 && client.expected.length === 0)) return;
  const next = client.expected[0]?.command ?? shown(client.sent[0]!);
  throw new Error(
    `${client.name} waits for ever: ${next} is not answered (${client.sent.length} not executed, ${client.expected.length} not answered)`,
  );
}
