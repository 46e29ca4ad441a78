/**
 * Every command of the workload that is about data: what it does to the model, and what it answers, as Redis documents it.
 *
 * Written from the documentation, not from the server: where the two disagree one of them is wrong.
 */
import { BITMAP_COMMANDS } from "./model-bitmaps.ts";
import { bulk, type ModelCall, type ModelCommand, reading, WRONG_TYPE, WrongType } from "./model-call.ts";
import { HASH_COMMANDS } from "./model-hashes.ts";
import { KEY_COMMANDS } from "./model-keys.ts";
import { LIST_COMMANDS } from "./model-lists.ts";
import { SET_COMMANDS } from "./model-sets.ts";
import { SORTED_SET_COMMANDS } from "./model-sorted-sets.ts";
import { STRING_COMMANDS } from "./model-strings.ts";

export const MODEL_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  ...BITMAP_COMMANDS,
  ...HASH_COMMANDS,
  ...KEY_COMMANDS,
  ...LIST_COMMANDS,
  ...SET_COMMANDS,
  ...SORTED_SET_COMMANDS,
  ...STRING_COMMANDS,
  PING: reading(() => "+PONG\r\n"),
  ECHO: reading(({ words }) => bulk(words[1]!)),
};

/** Does what the command does to the model; answers its reply, or WAITS. */
export function runOnModel(call: ModelCall): string {
  try {
    return MODEL_COMMANDS[call.words[0]!]!.run(call);
  } catch (error) {
    if (!(error instanceof WrongType)) throw error;
    return WRONG_TYPE;
  }
}
