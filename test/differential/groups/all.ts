/** Every group of commands that is compared. A new family of commands is added here. */
import { type CommandGroup, type Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";
import { Randomness } from "../../support/seed.ts";
import { bitmapGroup } from "./bitmaps.ts";
import { connectionGroup } from "./connection.ts";
import { genericGroup } from "./generic.ts";
import { hashGroup } from "./hashes.ts";
import { listGroup } from "./lists.ts";
import { serverGroup } from "./server.ts";
import { setGroup } from "./sets.ts";
import { sortedSetGroup } from "./sorted-sets.ts";
import { sortGroup } from "./sorts.ts";
import { stringGroup } from "./strings.ts";
import { transactionGroup } from "./transactions.ts";

export const GROUPS: readonly CommandGroup[] = [
  stringGroup,
  setGroup,
  bitmapGroup,
  listGroup,
  hashGroup,
  sortedSetGroup,
  sortGroup,
  genericGroup,
  connectionGroup,
  serverGroup,
  transactionGroup,
];

/** A sequence of units that the seed and the clock decide. */
export function randomUnits(seed: number, count: number, nowMs: number): Unit[] {
  const words = new Vocabulary(new Randomness(seed), nowMs);
  const urn = GROUPS.flatMap((group) => Array.from({ length: group.weight }, () => group));
  return Array.from({ length: count }, () => spoiled(words, words.random.pick(urn).next(words)));
}

/** Now and then names in another case, a word too few or too many: what a client with a bug would send. */
function spoiled(words: Vocabulary, unit: Unit): Unit {
  const { random } = words;
  const [only] = unit.commands;
  if (unit.commands.length !== 1 || only === undefined || unit.pauseMs !== undefined) return unit;
  const command: Argument[] = [...only];
  if (random.oneIn(5)) command[0] = String(command[0]).toLowerCase();
  if (random.oneIn(50) && command.length > 1) command.pop();
  if (random.oneIn(70)) command.push(words.value());
  return isSafe(command) ? { ...unit, commands: [command] } : unit;
}

/** A word added or lost must not make a command that stops or silences a server, or whose answer is free. */
function isSafe(command: Command): boolean {
  const [name, word, third] = command.map((argument) => String(argument).toUpperCase());
  // With a small COUNT each server answers a part of its own choice.
  if (name === "SCAN" || name === "ZSCAN" || name === "HSCAN") return false;
  // Another word would be the time-out, and might mean "for ever".
  if (/^B[LRZ]/.test(name ?? "")) return false;
  // ZRANK and ZREVRANK take a word more since Redis 7.2.
  if (name === "ZRANK" || name === "ZREVRANK") return command.length < 4;
  // The list of all commands: families that are still to come are missing from it.
  if (name === "COMMAND" && third === undefined) return false;
  if (name === "SHUTDOWN") return word === "ABORT" && third === undefined;
  return !(name === "CLIENT" && (word === "REPLY" || word === "PAUSE" || word === "KILL"));
}
