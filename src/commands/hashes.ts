/** The family of hash commands, in the order of their names. */
import { hashExpireCommands } from "./hash-expire.ts";
import { hashNumberCommands } from "./hash-number.ts";
import { hashRandomCommand } from "./hash-random.ts";
import { hashReadCommands } from "./hash-read.ts";
import { hashScanCommand } from "./hash-scan.ts";
import { hashSetCommands } from "./hash-set.ts";
import { hashTtlCommands } from "./hash-ttl.ts";
import type { CommandSpec } from "./spec.ts";

export const hashCommands: readonly CommandSpec[] = [
  ...hashSetCommands,
  ...hashReadCommands,
  ...hashNumberCommands,
  hashRandomCommand,
  hashScanCommand,
  ...hashExpireCommands,
  ...hashTtlCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));
