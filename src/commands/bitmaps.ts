/** The family of bitmap commands, in the order of their names. */
import { bitmapEditCommands } from "./bitmap-edit.ts";
import { bitmapFieldCommands } from "./bitmap-field.ts";
import { bitmapOperationCommands } from "./bitmap-operation.ts";
import { bitmapSearchCommands } from "./bitmap-search.ts";
import type { CommandSpec } from "./spec.ts";

export const bitmapCommands: readonly CommandSpec[] = [
  ...bitmapEditCommands,
  ...bitmapFieldCommands,
  ...bitmapOperationCommands,
  ...bitmapSearchCommands,
].sort((a, b) => (a.name < b.name ? -1 : 1));
