/**
 * TypeScript text with its comments, or also its strings, blanked out: enough of a scanner for rules about words.
 *
 * Invariants: every character that is blanked becomes a space and line ends stay, so offsets and line numbers are
 * those of the file. Code inside `${…}` of a template stays code.
 *
 * Not a parser: a slash begins a regular expression when what stands before it cannot end an expression, which is
 * right for all code that a formatter has laid out.
 */
export interface SourceText {
  /** Without comments, strings and regular expressions. */
  readonly code: string;
  /** Without comments. */
  readonly withStrings: string;
}

const REGEX_MAY_FOLLOW =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|=>|\b(?:return|typeof|case|in|of|throw|await|yield))\s*$/;

export function scanSource(text: string): SourceText {
  const scanner = new Scanner(text);
  scanner.run();
  return { code: scanner.code.join(""), withStrings: scanner.withStrings.join("") };
}

class Scanner {
  readonly code: string[];
  readonly withStrings: string[];
  readonly #text: string;
  #at = 0;
  /** Open braces per open `${`; the last one is the innermost. */
  readonly #templates: number[] = [];

  constructor(text: string) {
    this.#text = text;
    this.code = [...text];
    this.withStrings = [...text];
    // Characters beyond the basic plane would shift the arrays against the text.
    if (this.code.length !== text.length) {
      this.code = text.split("");
      this.withStrings = text.split("");
    }
  }

  run(): void {
    while (this.#at < this.#text.length) this.#step();
  }

  #step(): void {
    const start = this.#at;
    const two = this.#text.slice(start, start + 2);
    const one = two.charAt(0);
    if (two === "//") this.#blankComment(this.#endOf("\n", start));
    else if (two === "/*") this.#blankComment(this.#endOf("*/", start + 2) + 2);
    else if (one === '"' || one === "'") this.#blankString(this.#quoteEnd(one, start + 1));
    else if (one === "`") this.#template(start + 1);
    else if (one === "/" && REGEX_MAY_FOLLOW.test(this.#before(start)))
      this.#blankString(this.#regexEnd(start + 1));
    else {
      this.#brace(one);
      this.#at++;
    }
  }

  #before(start: number): string {
    return this.code.slice(Math.max(0, start - 40), start).join("");
  }

  #brace(character: string): void {
    const depth = this.#templates.length - 1;
    if (depth < 0) return;
    if (character === "{") this.#templates[depth]!++;
    if (character !== "}" || --this.#templates[depth]! > 0) return;
    this.#templates.pop();
    this.#template(this.#at + 1);
    this.#at--;
  }

  /** Blanks a template from `start` to its end or to the next `${`. */
  #template(start: number): void {
    let end = start;
    while (end < this.#text.length) {
      if (this.#text[end] === "\\") end += 2;
      else if (this.#text[end] === "`") break;
      else if (this.#text.startsWith("${", end)) {
        this.#templates.push(1);
        this.#blank(this.code, start, end);
        this.#at = end + 2;
        return;
      } else end++;
    }
    this.#blank(this.code, start, end);
    this.#at = end + 1;
  }

  #blankComment(end: number): void {
    this.#blank(this.code, this.#at, end);
    this.#blank(this.withStrings, this.#at, end);
    this.#at = end;
  }

  #blankString(end: number): void {
    this.#blank(this.code, this.#at + 1, end - 1);
    this.#at = end;
  }

  #blank(characters: string[], start: number, end: number): void {
    for (let i = start; i < Math.min(end, characters.length); i++)
      if (characters[i] !== "\n") characters[i] = " ";
  }

  #endOf(mark: string, start: number): number {
    const end = this.#text.indexOf(mark, start);
    return end < 0 ? this.#text.length : end;
  }

  #quoteEnd(quote: string, start: number): number {
    let end = start;
    while (end < this.#text.length && this.#text[end] !== quote) end += this.#text[end] === "\\" ? 2 : 1;
    return end + 1;
  }

  #regexEnd(start: number): number {
    let isInClass = false;
    for (let end = start; end < this.#text.length; end++) {
      const character = this.#text[end];
      if (character === "\\") end++;
      else if (character === "[") isInClass = true;
      else if (character === "]") isInClass = false;
      else if (character === "/" && !isInClass) return end + 1;
    }
    return this.#text.length;
  }
}

/** `file:line` of an offset, as editors and terminals link it. */
export function placeOf(path: string, text: string, offset: number): string {
  return `${path}:${text.slice(0, offset).split("\n").length}`;
}
