/**
 * Commands that are about durability and settings rather than data: what is drawn, what is answered, and what the answer
 * promises. A new one is an entry of EVENTS.
 *
 * Invariant: what a reply promises is derived from the reply alone, as a client would.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { oneIn, pick } from "./drawing.ts";
import { OK } from "./model-call.ts";
import type { Promises } from "./promises.ts";

const POLICIES = ["always", "everysec", "no"] as const;
export type Policy = (typeof POLICIES)[number];

export function drawPolicy(random: SeededRandom): Policy {
  return pick(random, POLICIES);
}

/**
 * What a reply says about everything up to the command: `written`, as any reply does; `durable`, it survives a power cut;
 * `nothing`; `failed`, which is right only where the disk may have failed.
 */
export type Told = "written" | "durable" | "nothing" | "failed";

/** What the meaning of some replies depends on. */
export interface Situation {
  /** There is an append-only file, and it counts. */
  readonly logs: boolean;
  /** It was begun or ended in this life: a reply may be from before. */
  readonly logHasChanged: boolean;
  readonly promises: Promises;
}

export interface PersistenceEvent {
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** The first words, by which an executed command is recognised. */
  readonly words: readonly string[];
  readonly draw: (random: SeededRandom) => readonly string[];
  readonly reply: string | RegExp;
  /** Throws if the reply is not right as things are. */
  readonly tells: (reply: string, situation: Situation) => Told;
  /** It has been executed. */
  readonly executed?: (words: readonly string[], situation: Situation) => void;
}

/** Milliseconds; 0 waits without end. */
const drawTimeout = (random: SeededRandom): string => String(oneIn(random, 4) ? 0 : 1 + random.below(500));

const drawLimit = (random: SeededRandom): string => String(pick(random, [0, 4, 30, 128, 512]));

/** Replies that are right only where there is, or is not, an append-only file. */
function needsLog(reply: string, refusal: RegExp, { logs, logHasChanged }: Situation): boolean {
  if (!logHasChanged && refusal.test(reply) === logs)
    throw new Error(`${JSON.stringify(reply)} although appendonly is ${logs ? "on" : "off"}`);
  return logs;
}

/** A checkpoint that was waited for has failed: because of the disk, or because the server was stopped meanwhile. */
const checkpointFailed = (reply: string): Told => (reply.includes("given up") ? "nothing" : "failed");

const setting = (name: string, draw: (random: SeededRandom) => string): PersistenceEvent => ({
  weight: 1,
  words: ["CONFIG", "SET", name],
  draw: (random) => ["CONFIG", "SET", name, draw(random)],
  reply: OK,
  tells: () => "written",
});

const EVENTS: readonly PersistenceEvent[] = [
  {
    weight: 8,
    words: ["AOF", "SYNC"],
    draw: () => ["AOF", "SYNC"],
    reply: /^(\+OK|-[^\r]*)\r\n/,
    tells: (reply, situation) => {
      if (!needsLog(reply, /^-ERR AOF SYNC needs/, situation)) return "nothing";
      return reply.startsWith("+") ? "durable" : "failed";
    },
  },
  {
    weight: 8,
    words: ["WAITAOF"],
    draw: (random) => ["WAITAOF", "1", "0", drawTimeout(random)],
    reply: /^(\*2\r\n:[01]\r\n:0|-ERR WAITAOF cannot be used[^\r]*)\r\n/,
    // WAITAOF that gave up may have been executed before the disk failed and answered after it.
    tells: (reply, situation) => {
      if (!needsLog(reply, /^-/, situation)) return "nothing";
      return reply === "*2\r\n:1\r\n:0\r\n" ? "durable" : "nothing";
    },
  },
  {
    ...setting("appendfsync", drawPolicy),
    weight: 3,
    executed: (words, { promises }) => promises.setPolicy(words[3] as Policy),
  },
  { ...setting("appendonly", (random) => pick(random, ["yes", "yes", "no"])), weight: 2 },
  setting("hash-max-listpack-entries", drawLimit),
  setting("set-max-listpack-entries", drawLimit),
  setting("zset-max-listpack-entries", drawLimit),
  setting("list-max-listpack-size", (random) => pick(random, ["-2", "-1", "3", "40"])),
  setting("hz", (random) => pick(random, ["1", "10", "100"])),
  setting("save", (random) => pick(random, ["", "1 1", "3 10"])),
  {
    weight: 6,
    words: ["SAVE"],
    draw: () => ["SAVE"],
    reply: /^(\+OK|-ERR Background save already in progress|-ERR the checkpoint failed: [^\r]*)\r\n/,
    tells: (reply) => {
      if (reply.startsWith("+")) return "durable";
      return reply.startsWith("-ERR Background") ? "written" : checkpointFailed(reply);
    },
  },
  {
    weight: 6,
    words: ["BGSAVE"],
    draw: (random) => (oneIn(random, 3) ? ["BGSAVE", "SCHEDULE"] : ["BGSAVE"]),
    reply:
      /^(\+Background saving (started|scheduled)|-ERR Background save already in progress|-ERR Another child process [^\r]*)\r\n/,
    tells: () => "written",
  },
  {
    weight: 4,
    words: ["BGREWRITEAOF"],
    draw: () => ["BGREWRITEAOF"],
    reply: /^\+Background append only file rewriting (already in progress|started|scheduled)\r\n/,
    tells: () => "written",
  },
  {
    weight: 2,
    words: ["LASTSAVE"],
    draw: () => ["LASTSAVE"],
    reply: /^:[0-9]+\r\n/,
    tells: () => "written",
  },
  {
    weight: 3,
    words: ["INFO", "persistence"],
    draw: () => ["INFO", "persistence"],
    reply: /^\$[0-9]+\r\n# Persistence\r\n([a-z_]+:[^\r]*\r\n)+\r\n/,
    tells: (reply, { logs, logHasChanged }) => {
      if (!logHasChanged && !reply.includes(`\r\naof_enabled:${logs ? 1 : 0}\r\n`))
        throw new Error(`INFO tells that appendonly is ${logs ? "off" : "on"}`);
      return "written";
    },
  },
  {
    weight: 2,
    words: ["DEBUG", "RELOAD"],
    draw: () => ["DEBUG", "RELOAD"],
    reply: /^(\+OK|-[^\r]*)\r\n/,
    tells: (reply) => (reply.startsWith("+") ? "durable" : checkpointFailed(reply)),
  },
  {
    weight: 1,
    words: ["SHUTDOWN"],
    draw: (random) => ["SHUTDOWN", ...pick(random, [[], ["SAVE"], ["NOSAVE"]])],
    // A success is that the connection ends.
    reply: /^-ERR Errors trying to SHUTDOWN[^\r]*\r\n/,
    tells: checkpointFailed,
  },
];

const TICKETS: readonly PersistenceEvent[] = EVENTS.flatMap((event) =>
  Array.from({ length: event.weight }, () => event),
);

export function drawPersistenceCommand(random: SeededRandom): string[] {
  return [...pick(random, TICKETS).draw(random)];
}

export function persistenceEvent(words: readonly string[]): PersistenceEvent | undefined {
  return EVENTS.find((event) => event.words.every((word, index) => words[index] === word));
}

/** The first two words of every event, or its only one. */
export const persistenceWords: readonly string[] = EVENTS.map(({ words }) => words.slice(0, 2).join(" "));
