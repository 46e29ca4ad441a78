/** Commands on lists, sets, sorted sets and hashes, and those that wait for an element. */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import {
  type Drawing,
  drawCondition,
  drawCount,
  drawElement,
  drawKey,
  drawValue,
  HASH_KEYS,
  LIST_KEYS,
  MORTAL_HASH_KEY,
  oneIn,
  pick,
  QUEUE_KEYS,
  SET_KEYS,
  SORTED_SET_KEYS,
  STAYING_FIELD,
  several,
} from "./drawing.ts";

const SIDES = ["LEFT", "RIGHT"] as const;

const number = (random: SeededRandom, bound: number): string => String(random.below(bound));

/** What all of them share: the key goes, gets a time, or gets rid of it. */
function drawForKey({ random }: Drawing, key: string): string[] {
  switch (random.below(5)) {
    case 0:
    case 1:
      return ["PEXPIRE", key, number(random, 20_000)];
    case 2:
      return ["PERSIST", key];
    case 3:
      return ["TYPE", key];
    default:
      return ["DEL", key];
  }
}

export function drawListCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  if (oneIn(random, 8))
    return [pick(random, ["LPUSH", "RPUSH"]), pick(random, QUEUE_KEYS), drawElement(random)];
  const key = drawKey(random, LIST_KEYS);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const elements = Array.from({ length: drawCount(random) }, () => drawElement(random));
      return [pick(random, ["LPUSH", "RPUSH", "LPUSHX"]), key, ...elements];
    }
    case 4:
    case 5:
      return [pick(random, ["LPOP", "RPOP"]), key, ...(oneIn(random, 3) ? [number(random, 50)] : [])];
    case 6:
    case 7:
      return ["LMOVE", key, drawKey(random, LIST_KEYS), pick(random, SIDES), pick(random, SIDES)];
    case 8:
      return ["LSET", key, number(random, 20), drawElement(random)];
    case 9:
      return ["LREM", key, "0", drawElement(random)];
    case 10:
      return ["LTRIM", key, number(random, 4), number(random, 300)];
    case 11:
      return ["LINSERT", key, pick(random, ["BEFORE", "AFTER"]), drawElement(random), drawElement(random)];
    case 12:
      return oneIn(random, 2) ? ["LLEN", key] : ["LINDEX", key, number(random, 30)];
    case 13:
      return drawForKey(drawing, key);
    default:
      return ["LRANGE", key, "0", "-1"];
  }
}

function drawQueue(random: SeededRandom): string {
  return oneIn(random, 3) ? drawKey(random, LIST_KEYS) : pick(random, QUEUE_KEYS);
}

/** Waits for up to a few seconds, seldom for ever. */
export function drawWaitingCommand({ random }: Drawing): string[] {
  const timeout = oneIn(random, 6) ? "0" : String((1 + random.below(2500)) / 1000);
  switch (random.below(5)) {
    case 0:
    case 1: {
      const keys = several(random, 3, () => drawQueue(random));
      return [pick(random, ["BLPOP", "BRPOP"]), ...keys, timeout];
    }
    case 2:
    case 3: {
      const keys = several(random, 2, () => drawKey(random, SORTED_SET_KEYS));
      return [pick(random, ["BZPOPMIN", "BZPOPMAX"]), ...keys, timeout];
    }
    default: {
      const [from, to] = [drawQueue(random), drawQueue(random)];
      return ["BLMOVE", from, to, pick(random, SIDES), pick(random, SIDES), timeout];
    }
  }
}

export function drawSortedSetCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  const key = drawKey(random, SORTED_SET_KEYS);
  const score = (): string => String(random.below(20) - 10);
  const member = (): string => `m${random.below(12)}`;
  switch (random.below(13)) {
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
      return ["ZREMRANGEBYRANK", key, number(random, 4), number(random, 100)];
    case 8:
      return ["ZUNIONSTORE", key, "2", drawKey(random, SORTED_SET_KEYS), drawKey(random, SORTED_SET_KEYS)];
    case 9:
      return drawForKey(drawing, key);
    case 10:
      return oneIn(random, 2) ? ["ZCARD", key] : ["ZSCORE", key, member()];
    default:
      return ["ZRANGE", key, "0", "-1", "WITHSCORES"];
  }
}

/** Small integers, so that sets of them exist; texts; now and then many. */
function drawMembers(random: SeededRandom): string[] {
  const kind = random.below(3);
  const from = random.below(300);
  return Array.from({ length: drawCount(random) }, (_, index) => {
    if (kind === 0) return number(random, 40);
    return kind === 1 ? `member ${from + index}` : drawElement(random);
  });
}

export function drawSetCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  const key = drawKey(random, SET_KEYS);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return ["SADD", key, ...drawMembers(random)];
    case 4:
      return ["SREM", key, ...drawMembers(random)];
    case 5:
    case 6:
      return ["SPOP", key];
    case 7:
      return ["SPOP", key, String(1 + random.below(40))];
    case 8:
      return ["SRANDMEMBER", key, ...(oneIn(random, 2) ? [String(random.below(60) - 20)] : [])];
    case 9:
      return ["SMOVE", key, drawKey(random, SET_KEYS), drawMembers(random)[0]!];
    case 10:
    case 11: {
      const sources = several(random, 3, () => drawKey(random, SET_KEYS));
      return [pick(random, ["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]), key, ...sources];
    }
    case 12:
      return drawForKey(drawing, key);
    case 13:
      return oneIn(random, 2) ? ["SCARD", key] : ["SISMEMBER", key, drawMembers(random)[0]!];
    default:
      return ["SMEMBERS", key];
  }
}

const FIELDS = ["f", "g", "\xff\x00", "long field ".repeat(8), "h", "i"];

function drawField(random: SeededRandom): string {
  return oneIn(random, 4) ? `field ${random.below(150)}` : pick(random, FIELDS);
}

function drawFields(random: SeededRandom): string[] {
  return several(random, 4, () => drawField(random));
}

const counted = (fields: readonly string[]): string[] => {
  const different = [...new Set(fields)];
  return ["FIELDS", String(different.length), ...different];
};

export function drawHashCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  const isMortal = oneIn(random, 3);
  const key = isMortal ? MORTAL_HASH_KEY : drawKey(random, HASH_KEYS);
  // Whatever may create a hash that is not mortal gives it the field that stays.
  const staying = isMortal ? [] : [STAYING_FIELD, String(random.below(9))];
  const created = (): string => (isMortal ? drawField(random) : STAYING_FIELD);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return ["HSET", key, ...drawFields(random).flatMap((field) => [field, drawValue(random)]), ...staying];
    case 3: {
      const many = Array.from({ length: 60 }, (_, i) => [`field ${i}`, drawElement(random)]).flat();
      return ["HSET", key, ...many, ...staying];
    }
    case 4:
      return ["HSETNX", key, created(), drawValue(random)];
    case 5:
      return ["HINCRBY", key, created(), String(random.below(200) - 100)];
    case 6:
      return ["HDEL", key, ...drawFields(random)];
    case 7:
    case 8:
    case 9:
      return drawFieldExpiry(drawing, isMortal);
    case 10:
      return oneIn(random, 2) ? ["HGET", key, drawField(random)] : ["HMGET", key, ...drawFields(random)];
    case 11:
      return [
        pick(random, ["HPTTL", "HTTL", "HPEXPIRETIME", "HPERSIST"]),
        key,
        ...counted(drawFields(random)),
      ];
    case 12:
      return ["HRANDFIELD", key, ...pick(random, [[], ["3"], ["40", "WITHVALUES"]])];
    case 13:
      return [pick(random, ["HEXISTS", "HSTRLEN"]), key, drawField(random)];
    case 14:
      return isMortal || oneIn(random, 2) ? ["HLEN", key] : drawForKey(drawing, key);
    default:
      return ["HGETALL", key];
  }
}

/** Only on keys that nobody watches: whether a field that goes by itself breaks a WATCH is nobody's promise. */
function drawFieldExpiry({ random, nowMs }: Drawing, isMortal: boolean): string[] {
  const key = isMortal ? MORTAL_HASH_KEY : pick(random, HASH_KEYS);
  const rest = [...drawCondition(random), ...counted(drawFields(random))];
  switch (random.below(5)) {
    case 0:
      return ["HEXPIRE", key, number(random, 5), ...rest];
    case 1:
      return ["HEXPIREAT", key, String(Math.floor(nowMs / 1000) + random.below(6) - 1), ...rest];
    case 2:
      return ["HPEXPIREAT", key, String(nowMs + random.below(4000) - 400), ...rest];
    default:
      return ["HPEXPIRE", key, number(random, 2500), ...rest];
  }
}
