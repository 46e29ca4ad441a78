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
import type { Database } from "../../src/database/database.ts";
import { HELD_BACK } from "../../src/database/executor.ts";
import type { Session } from "../../src/database/session.ts";
import type { Request } from "../../src/protocol/request.ts";
import { requestText } from "../support/sim-server.ts";
import { type ClientEvents, type Expected, SimulatedClient, shown } from "./client.ts";
import type { Step } from "./history.ts";
import { MODEL_COMMANDS, OK } from "./model-commands.ts";
import { drawTransaction, MISCONF } from "./transactions.ts";
import { drawCommand, encode, oneIn, type Policy, pick } from "./workload.ts";
import type { World } from "./world.ts";

const CLIENTS_MAX = 5;
const PIPELINE_MAX = 10;
const LONG_PIPELINE_MAX = 150;

const DURABLE_REPLIES: Readonly<Record<string, RegExp>> = {
  AOF: /^(\+OK|-[^\r]*)\r\n/,
  WAITAOF: /^\*2\r\n:[01]\r\n:0\r\n/,
};

/** What the clients have to know of the life that they share. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly transport: MemoryTransport;
  readonly isOver: boolean;
  /** True once an operation of the disk may have failed. */
  readonly diskMayHaveFailed: boolean;
}

export class Crowd implements ClientEvents {
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #around: Surroundings;
  #database: Database | undefined;
  readonly clients: SimulatedClient[] = [];
  readonly #bySession = new Map<Session, SimulatedClient>();

  constructor(world: World, around: Surroundings) {
    this.#world = world;
    this.#random = world.random;
    this.#around = around;
  }

  get isOver(): boolean {
    return this.#around.isOver;
  }

  /** From here on the model follows what the database executes. */
  watch(database: Database): void {
    this.#database = database;
    const { executor } = database;
    const execute = executor.executeResolved.bind(executor);
    executor.executeResolved = (session, request, command) =>
      this.#execute(() => execute(session, request, command), session, request);
  }

  /** True if everybody who is still there has every answer. */
  get rests(): boolean {
    return this.clients.every(
      ({ closed, sent, expected }) => closed !== "no" || sent.length + expected.length === 0,
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
      const nowMs = this.#around.clock.wallMs();
      const isTransaction = oneIn(this.#random, 10);
      const drawn = isTransaction ? drawTransaction(this.#random, nowMs) : [drawCommand(this.#random, nowMs)];
      commands.push(...drawn);
      text += drawn.map((words) => encode(this.#random, words)).join("");
    }
    client.send(text, commands);
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

  #execute(execute: () => number, session: Session, request: Request): number {
    if (this.isOver) return execute();
    const database = this.#database!;
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
    const client = this.clients.find(({ name }) => name === words[2]);
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
    const { promises } = this.#world;
    if (client.transaction.takes(words)) return this.#inTransaction(client, words, before, lsn, failed);
    const command = MODEL_COMMANDS[name];
    if (command !== undefined) {
      if (failed && command.writes) {
        if (lsn !== before) throw new Error(`[${shown(words)}] was refused and had an effect`);
        return MISCONF;
      }
      return this.#run([{ db: client.db, words }], before, lsn)[0]!;
    }
    if (name === "SELECT") client.db = Number(words[1]);
    else if (name === "CONFIG") promises.setPolicy(words[3] as Policy);
    return DURABLE_REPLIES[name] ?? OK;
  }

  /** MULTI to EXEC: EXEC is one step of the history. */
  #inTransaction(
    client: SimulatedClient,
    words: readonly string[],
    before: number,
    lsn: number,
    failed: boolean,
  ): string | RegExp {
    const { present } = this.#world.history;
    const nowMs = this.#around.clock.wallMs();
    const outcome = client.transaction.execute(words, client.db, present, nowMs, failed);
    if (typeof outcome === "string" || outcome instanceof RegExp) return outcome;
    const replies = this.#run(outcome, before, lsn);
    for (const { words: step } of outcome) if (step[0] === "SELECT") client.db = Number(step[1]);
    return `*${replies.length}\r\n${replies.join("")}`;
  }

  /** On the model; everybody who watches is told of each step. */
  #run(steps: readonly Step[], before: number, lsn: number): string[] {
    const { history } = this.#world;
    const nowMs = this.#around.clock.wallMs();
    return history.execute(steps, nowMs, before, lsn, (name) => {
      for (const client of this.clients) client.transaction.look(history.present, nowMs, name);
    });
  }

  received(client: SimulatedClient, bytes: Uint8Array): void {
    this.#world.trace("received", client.name, bytes.length);
  }

  answered(client: SimulatedClient, expected: Expected, reply: string): void {
    if (this.isOver) return;
    this.#world.answered++;
    const { promises } = this.#world;
    if (MISCONF.test(reply) || (reply.startsWith("-") && expected.command === "AOF SYNC")) {
      if (!this.#around.diskMayHaveFailed) {
        throw new Error(`${client.name}: ${expected.command} failed over a good disk: ${reply}`);
      }
      return;
    }
    const waited = expected.command.startsWith("WAITAOF");
    // WAITAOF that gave up may have been executed before the disk failed and answered after it.
    if (expected.promisesNothing || (waited && reply.startsWith("*2\r\n:0\r\n:"))) return;
    const { delayedSyncs } = this.#database!.log!.counters;
    promises.answered(expected.lsn, expected.policyEpoch, delayedSyncs);
    const told = expected.command === "AOF SYNC" || (waited && reply === "*2\r\n:1\r\n:0\r\n");
    if (told) promises.toldDurable(expected.lsn);
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
  if (client.sent.length === 0 && client.expected.length === 0) return;
  const next = client.expected[0]?.command ?? shown(client.sent[0]!);
  throw new Error(
    `${client.name} waits for ever: ${next} is not answered (${client.sent.length} not executed, ${client.expected.length} not answered)`,
  );
}
