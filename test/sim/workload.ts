/**
 * Random commands over few keys, so that clients collide, expiries meet writes, and databases change places.
 *
 * Invariant: what is drawn depends on the generator alone, never on the server's state.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { requestText } from "../support/sim-server.ts";

export const DATABASES = 3;
const KEYS = ["a", "b", "c", "key:1", "key:2", "\xff\x00bin", "long".repeat(20)];
/** Lists and sorted sets have keys of their own. */
const LIST_KEYS = ["list:1", "list:2", "list:\xff"];
const SORTED_SET_KEYS = ["zset:1", "zset:2"];
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
  if (kind < 94) return drawDataCommand(random, nowMs);
  if (kind < 96) return oneIn(random, 2) ? ["PING"] : ["ECHO", drawValue(random)];
  if (kind < 98) return oneIn(random, 2) ? ["AOF", "SYNC"] : ["WAITAOF", "1", "0", drawTimeout(random)];
  if (oneIn(random, 4)) return ["CLIENT", "PAUSE", String(random.below(300)), pick(random, ["WRITE", "ALL"])];
  return ["CONFIG", "SET", "appendfsync", drawPolicy(random)];
}

/** One whose reply and effects depend on nothing but the data and the session. */
export function drawDataCommand(random: SeededRandom, nowMs: number): string[] {
  const kind = random.below(94);
  if (kind < 32) return drawStringCommand(random, nowMs);
  if (kind < 38) return drawListCommand(random);
  if (kind < 44) return drawSortedSetCommand(random);
  if (kind < 50) return drawBitmapCommand(random);
  if (kind < 85) return drawKeyCommand(random, nowMs);
  if (kind < 91) return ["SELECT", String(random.below(DATABASES))];
  return drawDatabaseCommand(random);
}

export function drawWatchedKeys(random: SeededRandom): string[] {
  return drawKeys(random);
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

function drawBitmapCommand(random: SeededRandom): string[] {
  const key = pick(random, KEYS);
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return ["SETBIT", key, String(random.below(400)), String(random.below(2))];
    case 3:
      return ["GETBIT", key, String(random.below(400))];
    case 4:
      return ["BITCOUNT", key];
    case 5:
      return ["BITPOS", key, String(random.below(2))];
    case 6:
      return ["BITOP", pick(random, ["AND", "OR", "XOR"]), key, ...drawKeys(random)];
    default:
      return ["BITFIELD", key, "INCRBY", `u${1 + random.below(63)}`, drawBit(random), drawIncrement(random)];
  }
}

/** Elements repeat, and now and then so many come at once that the list leaves its record. */
function drawListCommand(random: SeededRandom): string[] {
  const key = pick(random, LIST_KEYS);
  const sides = ["LEFT", "RIGHT"] as const;
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return [pick(random, ["LPUSH", "RPUSH"]), key, ...drawElements(random)];
    case 4:
    case 5:
      return [pick(random, ["LPOP", "RPOP"]), key];
    case 6:
    case 7:
      return ["LMOVE", key, pick(random, LIST_KEYS), pick(random, sides), pick(random, sides)];
    case 8:
      return ["LSET", key, String(random.below(20)), drawElement(random)];
    case 9:
      return ["LREM", key, "0", drawElement(random)];
    case 10:
      return ["LTRIM", key, String(random.below(4)), String(random.below(300))];
    case 11:
      return ["PEXPIRE", key, String(random.below(20_000))];
    case 12:
      return ["DEL", key];
    default:
      return ["LRANGE", key, "0", "-1"];
  }
}

/** Members are few but for now and then, when the sorted set leaves its record. */
function drawSortedSetCommand(random: SeededRandom): string[] {
  const key = pick(random, SORTED_SET_KEYS);
  const score = (): string => String(random.below(20) - 10);
  const member = (): string => `m${random.below(12)}`;
  switch (random.below(12)) {
    case 0:
    case 1:
      return ["ZADD", key, score(), member(), score(), drawElement(random)];
    case 2:
      return ["ZADD", key, ...Array.from({ length: 130 }, (_, i) => [score(), `many ${i}`]).flat()];
    case 3:
    case 4:
      return ["ZINCRBY", key, score(), member()];
    case 5:
      return ["ZREM", key, member(), drawElement(random)];
    case 6:
      return [pick(random, ["ZPOPMIN", "ZPOPMAX"]), key, String(1 + random.below(60))];
    case 7:
      return ["ZREMRANGEBYRANK", key, String(random.below(4)), String(random.below(100))];
    case 8:
      return ["ZUNIONSTORE", pick(random, SORTED_SET_KEYS), "2", ...SORTED_SET_KEYS];
    case 9:
      return ["PEXPIRE", key, String(random.below(20_000))];
    case 10:
      return ["DEL", key];
    default:
      return ["ZRANGE", key, "0", "-1", "WITHSCORES"];
  }
}

function drawElements(random: SeededRandom): string[] {
  const count = oneIn(random, 12) ? 100 + random.below(100) : 1 + random.below(5);
  return Array.from({ length: count }, () => drawElement(random));
}

function drawElement(random: SeededRandom): string {
  if (oneIn(random, 30)) return drawValue(random);
  return String.fromCharCode(97 + random.below(5)).repeat(1 + random.below(40));
}

function drawBit(random: SeededRandom): string {
  return String(random.below(300));
}

function drawIncrement(random: SeededRandom): string {
  return String(random.below(2_000_000) - 1_000_000);
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
