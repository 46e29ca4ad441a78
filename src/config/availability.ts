/** What may be said of options whose feature does not exist yet: only that they are at their default. */
import type { OptionEntry } from "./options.ts";

export function isDefault(entry: OptionEntry, value: unknown): boolean {
  const { kind, terms } = entry.option;
  return kind.toToml(value) === kind.toToml(terms.default);
}

export function notAvailable(entry: OptionEntry): string {
  const { kind, terms } = entry.option;
  return `${entry.key} is not available in this version; leave it at its default, ${kind.toToml(terms.default)}`;
}
