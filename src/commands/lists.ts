/** The family of list commands, in the order of their names. */
import { listEditCommands } from "./list-edit.ts";
import { listMoveCommands } from "./list-move.ts";
import { listPopCommands } from "./list-pop.ts";
import { listPopAnyCommands } from "./list-pop-any.ts";
import { listPushCommands } from "./list-push.ts";
import { listReadCommands } from "./list-read.ts";
import type { CommandSpec } from "./spec.ts";

export const listCommands: readonly CommandSpec[] = [
  ...listEditCommands,
  ...listMoveCommands,
  ...listPopCommands,
  ...listPopAnyCommands,
  ...listPushCommands,
  ...listReadCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));
