/** The family of string commands, in the order of their names. */
import type { CommandSpec } from "./spec.ts";
import { stringEditCommands } from "./string-edit.ts";
import { stringExchangeCommands } from "./string-exchange.ts";
import { stringLcsCommands } from "./string-lcs.ts";
import { stringNumberCommands } from "./string-number.ts";
import { stringReadCommands } from "./string-read.ts";
import { stringSetCommands } from "./string-set.ts";

export const stringCommands: readonly CommandSpec[] = [
  ...stringEditCommands,
  ...stringExchangeCommands,
  ...stringLcsCommands,
  ...stringNumberCommands,
  ...stringReadCommands,
  ...stringSetCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));
