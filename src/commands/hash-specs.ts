/** Words that the specs of the hash commands share. */
import type { ArgumentDoc, CommandSpec } from "./spec.ts";

export const FIELD_ARGUMENT: ArgumentDoc = { name: "field", type: "string" };
export const FIELDS_ARGUMENT: ArgumentDoc = { name: "field", type: "string", multiple: true };

/** Field expiry: `FIELDS numfields field [field ...]`. */
export const COUNTED_FIELDS: ArgumentDoc = {
  name: "fields",
  type: "block",
  token: "FIELDS",
  arguments: [{ name: "numfields", type: "integer" }, FIELDS_ARGUMENT],
};

export const WRITES = ["write", "denyoom", "fast"] as const satisfies CommandSpec["flags"];
export const READS_FAST = ["readonly", "fast"] as const satisfies CommandSpec["flags"];
