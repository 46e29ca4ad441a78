/** Commands on strings and bitmaps. */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import {
  type Drawing,
  drawExpiry,
  drawKey,
  drawKeys,
  drawValue,
  oneIn,
  pick,
  STRING_KEYS,
} from "./drawing.ts";

export function drawStringCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  const key = drawKey(random, STRING_KEYS);
  const value = drawValue(random);
  switch (random.below(22)) {
    case 0:
    case 1:
    case 2:
      return ["SET", key, value];
    case 3:
    case 4:
      return ["SET", key, value, ...drawSetOptions(drawing)];
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
      return ["GETEX", key, ...(oneIn(random, 3) ? ["PERSIST"] : drawExpiry(drawing))];
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
      return ["MGET", ...drawKeys(random, STRING_KEYS)];
    case 20:
      return ["STRLEN", key];
    default:
      return ["GET", key];
  }
}

export function drawBitmapCommand({ random }: Drawing): string[] {
  const key = drawKey(random, STRING_KEYS);
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
      return ["BITOP", pick(random, ["AND", "OR", "XOR"]), key, ...drawKeys(random, STRING_KEYS)];
    default:
      return ["BITFIELD", key, "INCRBY", `u${1 + random.below(63)}`, drawBit(random), drawIncrement(random)];
  }
}

function drawBit(random: SeededRandom): string {
  return String(random.below(300));
}

function drawIncrement(random: SeededRandom): string {
  return String(random.below(2_000_000) - 1_000_000);
}

function drawSetOptions(drawing: Drawing): string[] {
  const { random } = drawing;
  const options: string[] = [];
  const expiry = random.below(4);
  if (expiry === 0) options.push("KEEPTTL");
  else if (expiry < 3) options.push(...drawExpiry(drawing));
  if (oneIn(random, 3)) options.push(pick(random, ["NX", "XX"]));
  if (oneIn(random, 4)) options.push("GET");
  return options;
}

function drawPairs(random: SeededRandom): string[] {
  return drawKeys(random, STRING_KEYS).flatMap((key) => [key, drawValue(random)]);
}
