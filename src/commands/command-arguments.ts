/** Builders for the argument descriptions of COMMAND DOCS: one line per argument instead of five. */
import type { ArgumentDoc } from "./spec.ts";

type Details = Omit<ArgumentDoc, "name" | "type" | "arguments">;

export function argument(name: string, type: ArgumentDoc["type"], details: Details = {}): ArgumentDoc {
  return { name, type, ...details };
}

/** A word that stands for itself; its name is the word in lower case unless said otherwise. */
export function token(word: string, details: Details & { readonly name?: string } = {}): ArgumentDoc {
  return { name: word.toLowerCase(), type: "pure-token", token: word, ...details };
}

export function oneOf(name: string, choices: readonly ArgumentDoc[], details: Details = {}): ArgumentDoc {
  return { name, type: "oneof", arguments: choices, ...details };
}

export function block(name: string, parts: readonly ArgumentDoc[], details: Details = {}): ArgumentDoc {
  return { name, type: "block", arguments: parts, ...details };
}
