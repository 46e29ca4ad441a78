/**
 * Random commands over few keys, so that clients collide, expiries meet writes, and databases change places.
 *
 * Invariant: what is drawn depends on the generator alone, never on the server's state.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { requestText } from "../support/sim-server.ts";

export const DATABASES = 3;
const KEYS = ["a", "b", "c", "key:1", "key:2", "\xff\x00bin", "long".repeat(20)];
const POLICIES = ["always", "everysec", "no"] as const;

export type Policy = (typeof POLICIES)[number];

export function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}

export function oneIn(random: SeededRandom, bound: number): boolean {
  return random.below(bound) === 0;
}

export function drawPolicy(random: SeededRandom): Policy {
  return pick(random, POLICIES);
}

/** One command. `nowMs` anchors absolute times. */
export function drawCommand(random: SeededRandom, nowMs: number): string[] {
  const kind = random.below(100);
  if (kind < 50) return drawStringCommand(random, nowMs);
  if (kind < 85) return drawKeyCommand(random, nowMs);
  if (kind < 91) return ["SELECT", String(random.below(DATABASES))];
  if (kind < 94) return drawDatabaseCommand(random);
  if (kind < 96) return oneIn(random, 2) ? ["PING"] : ["ECHO", drawValue(random)];
  if (kind < 98) return oneIn(random, 2) ? ["AOF", "SYNC"] : ["WAITAOF", "1", "0", drawTimeout(random)];
  if (oneIn(random, 4)) return ["CLIENT", "PAUSE", String(random.below(300)), pick(random, ["WRITE", "ALL"])];
  return ["CONFIG", "SET", "appendfsync", drawPolicy(random)];
}

function drawStringCommand(random: SeededRandom, nowMs: number): string[] {
  const key = pick(random, KEYS);
  const value = drawValue(random);
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2:
      return ["SET", key, value];
    case 3:
    case 4:
      return ["SET", key, value, ...drawSetOptions(random, nowMs)];
    case 5:
      return ["SETNX", key, value];
    case 6:
      return ["SETEX", key, String(random.below(4)), value];
    case 7:
      return ["PSETEX", key, String(random.below(1500)), value];
    case 8:
      return ["MSET", ...drawPairs(random)];
    case 9:
      return ["MSETNX", ...drawPairs(random)];
    case 10:
      return ["GETSET", key, value];
    case 11:
      return ["GETDEL", key];
    case 12:
      return ["GETEX", key, ...(oneIn(random, 3) ? ["PERSIST"] : drawExpiry(random, nowMs))];
    case 13:
    case 14:
      return ["APPEND", key, value];
    case 15:
      return ["SETRANGE", key, String(random.below(60)), value];
    case 16:
      return ["GETRANGE", key, String(random.below(40) - 20), String(random.below(60) - 20)];
    case 17:
      return [pick(random, ["INCR", "DECR"]), key];
    case 18:
      return [pick(random, ["INCRBY", "DECRBY"]), key, String(random.below(1_000_000) - 500_000)];
    case 19:
      return ["MGET", ...drawKeys(random)];
    case 20:
      return ["STRLEN", key];
    default:
      return ["GET", key];
  }
}

function drawKeyCommand(random: SeededRandom, nowMs: number): string[] {
  const key = pick(random, KEYS);
  switch (random.below(14)) {
    case 0:
      return [pick(random, ["DEL", "UNLINK"]), ...drawKeys(random)];
    case 1:
      return [pick(random, ["EXISTS", "TOUCH"]), ...drawKeys(random)];
    case 2:
      return ["TYPE", key];
    case 3:
    case 4:
      return ["PEXPIRE", key, String(random.below(3000) - 100), ...drawCondition(random)];
    case 5:
      return ["EXPIRE", key, String(random.below(6) - 1), ...drawCondition(random)];
    case 6:
      return ["PEXPIREAT", key, String(nowMs + random.below(5000) - 500), ...drawCondition(random)];
    case 7:
      return ["EXPIREAT", key, String(Math.floor(nowMs / 1000) + random.below(6) - 1)];
    case 8:
      return [pick(random, ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]), key];
    case 9:
      return ["PERSIST", key];
    case 10:
      return ["RENAME", key, pick(random, KEYS)];
    case 11:
      return ["RENAMENX", key, pick(random, KEYS)];
    case 12:
      return ["MOVE", key, String(random.below(DATABASES))];
    default:
      return drawCopy(random, key);
  }
}

function drawDatabaseCommand(random: SeededRandom): string[] {
  switch (random.below(6)) {
    case 0:
      return ["FLUSHALL"];
    case 1:
    case 2:
      return ["FLUSHDB"];
    default:
      return ["SWAPDB", String(random.below(DATABASES)), String(random.below(DATABASES))];
  }
}

function drawCopy(random: SeededRandom, key: string): string[] {
  const words = ["COPY", key, pick(random, KEYS)];
  if (oneIn(random, 2)) words.push("DB", String(random.below(DATABASES)));
  if (oneIn(random, 2)) words.push("REPLACE");
  return words;
}

function drawKeys(random: SeededRandom): string[] {
  return Array.from({ length: 1 + random.below(4) }, () => pick(random, KEYS));
}

function drawPairs(random: SeededRandom): string[] {
  return drawKeys(random).flatMap((key) => [key, drawValue(random)]);
}

/** Numbers, so that INCR has something to do; short texts; now and then one longer than an arena. */
function drawValue(random: SeededRandom): string {
  const kind = random.below(20);
  if (kind < 6) return String(random.below(1000) - 300);
  if (kind === 6) return "";
  if (kind === 7) return "x".repeat(300 + random.below(4000));
  return String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(30));
}

function drawExpiry(random: SeededRandom, nowMs: number): string[] {
  switch (random.below(4)) {
    case 0:
      return ["EX", String(random.below(4))];
    case 1:
      return ["PX", String(random.below(2500))];
    case 2:
      return ["EXAT", String(Math.floor(nowMs / 1000) + random.below(5) - 1)];
    default:
      return ["PXAT", String(nowMs + random.below(4000) - 500)];
  }
}

function drawSetOptions(random: SeededRandom, nowMs: number): string[] {
  const options: string[] = [];
  const expiry = random.below(4);
  if (expiry === 0) options.push("KEEPTTL");
  else if (expiry < 3) options.push(...drawExpiry(random, nowMs));
  if (oneIn(random, 3)) options.push(pick(random, ["NX", "XX"]));
  if (oneIn(random, 4)) options.push("GET");
  return options;
}

function drawCondition(random: SeededRandom): string[] {
  return oneIn(random, 3) ? [pick(random, ["NX", "XX", "GT", "LT"])] : [];
}

/** Milliseconds; 0 waits without end. */
function drawTimeout(random: SeededRandom): string {
  return String(oneIn(random, 4) ? 0 : 1 + random.below(500));
}

/** Bytes as sent: now and then an inline command. */
export function encode(random: SeededRandom, words: readonly string[]): string {
  const plain = words.every((word) => /^[A-Za-z0-9:-]+$/.test(word));
  return plain && oneIn(random, 25) ? `${words.join(" ")}\r\n` : requestText(words);
}
