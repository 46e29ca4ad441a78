/**
 * Random commands over few keys, so that clients collide, types meet, expiries meet writes, and databases change places.
 *
 * Invariant: what is drawn depends on the generator, the clock and the configuration alone, never on the server's state.
 */
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { requestText } from "../support/sim-server.ts";
import {
  type Drawing,
  drawAnyKey,
  drawCondition,
  drawKeys,
  drawValue,
  HASH_KEYS,
  oneIn,
  pick,
  STRING_KEYS,
} from "./drawing.ts";
import { drawPersistenceCommand } from "./persistence-events.ts";
import {
  drawHashCommand,
  drawListCommand,
  drawSetCommand,
  drawSortedSetCommand,
  drawWaitingCommand,
} from "./workload-collections.ts";
import { drawBitmapCommand, drawStringCommand } from "./workload-strings.ts";

/** One command. */
export function drawCommand(drawing: Drawing): string[] {
  const { random } = drawing;
  const kind = random.below(100);
  if (kind < 92) return drawDataCommand(drawing);
  if (kind < 94) return drawWaitingCommand(drawing);
  if (kind < 96) return oneIn(random, 2) ? ["PING"] : ["ECHO", drawValue(random)];
  if (kind < 99 || !oneIn(random, 4)) return drawPersistenceCommand(random);
  return ["CLIENT", "PAUSE", String(random.below(300)), pick(random, ["WRITE", "ALL"])];
}

/** One that a transaction may hold: it depends on nothing but the data and the session. */
export function drawQueuedCommand(drawing: Drawing): string[] {
  return oneIn(drawing.random, 30) ? drawWaitingCommand(drawing) : drawDataCommand(drawing);
}

function drawDataCommand(drawing: Drawing): string[] {
  const { random, databases } = drawing;
  const kind = random.below(100);
  if (kind < 24) return drawStringCommand(drawing);
  if (kind < 34) return drawListCommand(drawing);
  if (kind < 42) return drawSortedSetCommand(drawing);
  if (kind < 51) return drawHashCommand(drawing);
  if (kind < 59) return drawSetCommand(drawing);
  if (kind < 64) return drawBitmapCommand(drawing);
  if (kind < 92) return drawKeyCommand(drawing);
  if (kind < 98) return ["SELECT", String(random.below(databases))];
  return drawDatabaseCommand(drawing);
}

/** Of keys whose values change only by commands: see drawFieldExpiry. */
export function drawWatchedKeys({ random }: Drawing): string[] {
  return Array.from({ length: 1 + random.below(4) }, () => pick(random, STRING_KEYS));
}

function drawKeyCommand(drawing: Drawing): string[] {
  const { random, nowMs, databases } = drawing;
  const key = drawAnyKey(random);
  switch (random.below(15)) {
    case 0:
      return [pick(random, ["DEL", "UNLINK"]), ...drawKeys(random, STRING_KEYS)];
    case 1:
      return [pick(random, ["EXISTS", "TOUCH"]), ...drawKeys(random, STRING_KEYS)];
    case 2:
      return oneIn(random, 3) ? ["RANDOMKEY"] : ["TYPE", key];
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
    case 11:
      return [pick(random, ["RENAME", "RENAMENX"]), key, drawTarget(random, key)];
    case 12:
      return ["MOVE", key, String(random.below(databases))];
    default:
      return drawCopy(drawing, key);
  }
}

/** Fields with a time stay on the keys that nobody watches. */
function drawTarget(random: SeededRandom, from: string): string {
  return HASH_KEYS.includes(from) ? pick(random, HASH_KEYS) : drawAnyKey(random);
}

function drawDatabaseCommand({ random, databases }: Drawing): string[] {
  switch (random.below(6)) {
    case 0:
      return ["FLUSHALL"];
    case 1:
    case 2:
      return ["FLUSHDB"];
    default:
      return ["SWAPDB", String(random.below(databases)), String(random.below(databases))];
  }
}

function drawCopy({ random, databases }: Drawing, key: string): string[] {
  const words = ["COPY", key, drawTarget(random, key)];
  if (oneIn(random, 2)) words.push("DB", String(random.below(databases)));
  if (oneIn(random, 2)) words.push("REPLACE");
  return words;
}

/** Bytes as sent: now and then an inline command. */
export function encode(random: SeededRandom, words: readonly string[]): string {
  const plain = words.every((word) => /^[A-Za-z0-9:-]+$/.test(word));
  return plain && oneIn(random, 25) ? `${words.join(" ")}\r\n` : requestText(words);
}
