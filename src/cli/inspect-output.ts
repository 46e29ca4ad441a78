/**
 * How `ferrite inspect` prints: a line per entry, as text or as JSON.
 *
 * Invariant: whatever bytes are stored, what is printed is ASCII on one line: bytes are quoted as redis-cli quotes them, and
 * long ones are cut.
 */
import type { FileFinding } from "../engine/warm/file-finding.ts";
import type { Host } from "./host.ts";

const SHOWN_BYTES_MAX = 128;

/** Stored bytes in printable form. */
export class Quoted {
  readonly text: string;

  constructor(bytes: Uint8Array, offset: number, length: number) {
    const shown = Math.min(length, SHOWN_BYTES_MAX);
    let text = "";
    for (let i = 0; i < shown; i++) text += quotedByte(bytes[offset + i]!);
    this.text = shown < length ? `${text}... (${length - shown} more bytes)` : text;
  }
}

export type Field = string | number | boolean | Quoted | readonly Quoted[] | undefined;

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [7, "\\a"],
  [8, "\\b"],
  [9, "\\t"],
  [10, "\\n"],
  [13, "\\r"],
  [34, '\\"'],
  [92, "\\\\"],
]);

function quotedByte(byte: number): string {
  const known = ESCAPES.get(byte);
  if (known !== undefined) return known;
  if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

export class InspectOutput {
  readonly #host: Host;
  readonly #json: boolean;
  /** Entries per file; Infinity for all. */
  readonly limit: number;
  /** Whether the slots of an index are printed. */
  readonly keys: boolean;
  readonly damages: FileFinding[] = [];

  constructor(host: Host, options: { json: boolean; limit: number; keys: boolean }) {
    this.#host = host;
    this.#json = options.json;
    this.limit = options.limit;
    this.keys = options.keys;
  }

  line(kind: string, fields: Readonly<Record<string, Field>>): void {
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    if (this.#json) {
      const plain = given.map(([name, value]) => [name, forJson(value)]);
      this.#host.print(`${JSON.stringify({ kind, ...Object.fromEntries(plain) })}\n`);
    } else {
      this.#host.print(`${[kind, ...given.map(([name, value]) => `${name}=${forText(value)}`)].join(" ")}\n`);
    }
  }

  damage(finding: FileFinding): void {
    const { file, offset, what } = finding;
    this.damages.push(finding);
    this.line("damage", { file, offset, what });
  }

  /** Says how many entries the limit left out. */
  rest(what: string, count: number): void {
    if (count > 0) this.line("more", { what, count });
  }
}

function forJson(value: Field): unknown {
  if (value instanceof Quoted) return value.text;
  return Array.isArray(value) ? value.map((each: Quoted) => each.text) : value;
}

function forText(value: Field): string {
  if (value instanceof Quoted) return `"${value.text}"`;
  return Array.isArray(value) ? value.map((each: Quoted) => `"${each.text}"`).join(" ") : String(value);
}

/** ms since 1970 as a person reads it. */
export function timeText(ms: number): string {
  return ms > 0 && ms < 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
