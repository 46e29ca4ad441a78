/**
 * Commands that are about durability and settings rather than data: what is drawn, what is answered, and what the answer
 * promises. A new one (of checkpoints, for one) is an entry of EVENTS.
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

export interface PersistenceEvent {
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** The first words, by which an executed command is recognised. */
  readonly words: readonly string[];
  readonly draw: (random: SeededRandom) => readonly string[];
  readonly reply: string | RegExp;
  readonly tells: (reply: string) => Told;
  /** It has been executed. */
  readonly executed?: (words: readonly string[], promises: Promises) => void;
}

/** Milliseconds; 0 waits without end. */
const drawTimeout = (random: SeededRandom): string => String(oneIn(random, 4) ? 0 : 1 + random.below(500));

const drawLimit = (random: SeededRandom): string => String(pick(random, [0, 4, 30, 128, 512]));

/** Nothing is begun, so nothing is promised beyond what any reply is. */
const NO_CHECKPOINTS = /^-ERR checkpoints are not available[^\r]*\r\n/;
const notAvailable = (name: string): PersistenceEvent => ({
  weight: 1,
  words: [name],
  draw: () => [name],
  reply: NO_CHECKPOINTS,
  tells: () => "written",
});

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
    tells: (reply) => (reply.startsWith("+") ? "durable" : "failed"),
  },
  {
    weight: 8,
    words: ["WAITAOF"],
    draw: (random) => ["WAITAOF", "1", "0", drawTimeout(random)],
    reply: /^\*2\r\n:[01]\r\n:0\r\n/,
    // WAITAOF that gave up may have been executed before the disk failed and answered after it.
    tells: (reply) => (reply === "*2\r\n:1\r\n:0\r\n" ? "durable" : "nothing"),
  },
  {
    ...setting("appendfsync", drawPolicy),
    weight: 3,
    executed: (words, promises) => promises.setPolicy(words[3] as Policy),
  },
  setting("hash-max-listpack-entries", drawLimit),
  setting("set-max-listpack-entries", drawLimit),
  setting("zset-max-listpack-entries", drawLimit),
  setting("list-max-listpack-size", (random) => pick(random, ["-2", "-1", "3", "40"])),
  setting("hz", (random) => pick(random, ["1", "10", "100"])),
  notAvailable("SAVE"),
  notAvailable("BGSAVE"),
  notAvailable("BGREWRITEAOF"),
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
