/** The family of set commands, in the order of their names. */
import { setAlgebraCommands } from "./set-algebra-specs.ts";
import { setMemberCommands } from "./set-members.ts";
import { setRandomCommands } from "./set-random.ts";
import { setScanCommand } from "./set-scan.ts";
import type { CommandSpec } from "./spec.ts";

export const setCommands: readonly CommandSpec[] = [
  ...setMemberCommands,
  ...setRandomCommands,
  ...setAlgebraCommands,
  setScanCommand,
].sort((a, b) => (a.name < b.name ? -1 : 1));
