/**
 * Where in a TOML text each key and value stands, for messages with line numbers and for changing one value
 * without touching anything else.
 *
 * Requires a text that the TOML parser has accepted: nothing is validated here, and what the parser
 * would have refused may be placed wrongly. The parser gives values without positions; a second parser would
 * be a second opinion on what a file means, whereas this scanner only has to know where things end.
 */

export interface TomlEntry {
  /** The full path, table header and dotted keys included. */
  readonly path: readonly string[];
  /** Line of the key, from 1. */
  readonly line: number;
  /** The value's range in the text. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

export interface TomlTablePosition {
  readonly path: readonly string[];
  readonly line: number;
  /** Where a line can be added that then belongs to this table: after its last line that is not blank or a comment. */
  end: number;
}

export interface TomlPositions {
  readonly entries: readonly TomlEntry[];
  /** Headers in order; the first is the root, which has no header line. */
  readonly tables: readonly TomlTablePosition[];
}

export function locateToml(text: string): TomlPositions {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  readonly #entries: TomlEntry[] = [];
  #position = 0;
  #line = 1;
  #lineCountedTo = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): TomlPositions {
    let table: TomlTablePosition = { path: [], line: 1, end: 0 };
    const tables = [table];
    while (this.#skipBlank()) {
      if (this.#text[this.#position] === "[") {
        table = { path: this.#header(), line: this.#lineOf(this.#position), end: 0 };
        tables.push(table);
      } else {
        this.#keyAndValue(table.path);
      }
      table.end = this.#endOfLine();
      this.#position = table.end;
    }
    return { entries: this.#entries, tables };
  }

  /** Skips white space, line ends, comments and the commas of arrays and inline tables; false at the text's end. */
  #skipBlank(): boolean {
    while (this.#position < this.#text.length) {
      const character = this.#text[this.#position]!;
      if (character === "#") this.#position = this.#endOfComment();
      else if (/[\s,\ufeff]/.test(character)) this.#position++;
      else return true;
    }
    return false;
  }

  #endOfComment(): number {
    const end = this.#text.indexOf("\n", this.#position);
    return end === -1 ? this.#text.length : end;
  }

  /** After the line's end, or the end of the text; only blanks and a comment can stand before it. */
  #endOfLine(): number {
    const end = this.#text.indexOf("\n", this.#position);
    return end === -1 ? this.#text.length : end + 1;
  }

  #lineOf(position: number): number {
    while (this.#lineCountedTo < position) if (this.#text[this.#lineCountedTo++] === "\n") this.#line++;
    return this.#line;
  }

  #header(): string[] {
    while (this.#text[this.#position] === "[") this.#position++;
    const path = this.#key("]");
    while (this.#text[this.#position] === "]") this.#position++;
    return path;
  }

  /** `table` is undefined inside an array, where values have no path of their own. */
  #keyAndValue(table: readonly string[] | undefined): void {
    const line = this.#lineOf(this.#position);
    const key = this.#key("=");
    const path = table === undefined ? undefined : [...table, ...key];
    this.#position++;
    while (/[ \t]/.test(this.#text[this.#position] ?? "")) this.#position++;
    const valueStart = this.#position;
    this.#value(path);
    if (path !== undefined) this.#entries.push({ path, line, valueStart, valueEnd: this.#position });
  }

  /** A dotted key up to, and not including, `stop`. */
  #key(stop: string): string[] {
    const path: string[] = [];
    while (this.#position < this.#text.length && this.#text[this.#position] !== stop) {
      const character = this.#text[this.#position]!;
      const start = this.#position;
      if (character === '"' || character === "'") {
        this.#string(character);
        const quoted = this.#text.slice(start, this.#position);
        path.push(character === '"' ? unescapeKey(quoted) : quoted.slice(1, -1));
      } else if (/[\w-]/.test(character)) {
        while (/[\w-]/.test(this.#text[this.#position] ?? "")) this.#position++;
        path.push(this.#text.slice(start, this.#position));
      } else {
        this.#position++;
      }
    }
    return path;
  }

  #value(path: readonly string[] | undefined): void {
    const character = this.#text[this.#position];
    if (character === '"' || character === "'") this.#string(character);
    else if (character === "[") this.#enclosed("]", () => this.#value(undefined));
    else if (character === "{") this.#enclosed("}", () => this.#keyAndValue(path));
    else this.#bare();
  }

  #enclosed(close: string, element: () => void): void {
    this.#position++;
    while (this.#skipBlank() && this.#text[this.#position] !== close) element();
    this.#position++;
  }

  /** Numbers, booleans and dates; a date may contain one space. */
  #bare(): void {
    const start = this.#position;
    while (this.#position < this.#text.length && !/[\r\n,\]}#]/.test(this.#text[this.#position]!))
      this.#position++;
    while (this.#position > start + 1 && /[ \t]/.test(this.#text[this.#position - 1]!)) this.#position--;
    if (this.#position === start) this.#position++; // unreachable in valid TOML; an endless loop would be worse
  }

  #string(quote: string): void {
    const fence = quote.repeat(3);
    if (this.#text.startsWith(fence, this.#position)) {
      this.#position += 3;
      this.#until(quote, fence);
      // Up to two quotes may stand right before the closing three.
      while (this.#text[this.#position] === quote) this.#position++;
      return;
    }
    this.#position++;
    this.#until(quote, quote);
  }

  #until(quote: string, end: string): void {
    while (this.#position < this.#text.length && !this.#text.startsWith(end, this.#position)) {
      this.#position += quote === '"' && this.#text[this.#position] === "\\" ? 2 : 1;
    }
    this.#position += end.length;
  }
}

/** TOML's escapes in keys are JSON's, but for the eight-digit form, which no key of ours can need. */
function unescapeKey(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}
