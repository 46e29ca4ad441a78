/**
 * The vocabulary of random commands: few keys that collide, values at every boundary, numbers that overflow.
 *
 * Invariants: everything is drawn from one Randomness, so a seed repeats it; no time is near now, so the moment at
 * which a server executes a command does not decide what it answers.
 *
 * Groups of commands (test/differential/groups) turn it into commands. A new family is one more file there.
 */
import type { Argument, Command } from "./resp-client.ts";
import type { Randomness } from "./seed.ts";

/** What is sent together and judged together; minimising keeps or drops it whole. */
export interface Unit {
  readonly commands: readonly Command[];
  /** Replies to expect, where it is not one per command (CLIENT REPLY). */
  readonly replies?: number;
  /** Time to let pass after the replies, for keys that expire. */
  readonly pauseMs?: number;
  /** Which connection sends it, below SESSIONS; the first one if absent. Its replies are there before another one sends. */
  readonly session?: number;
}

/** Connections of a sequence. */
export const SESSIONS = 3;

export interface CommandGroup {
  readonly name: string;
  /** Share of the commands drawn, relative to the other groups. */
  readonly weight: number;
  next(words: Vocabulary): Unit;
}

export const DATABASES = 16;
export const KEYS: readonly Argument[] = [
  "a",
  "b",
  "c",
  "d",
  "e",
  "key:1",
  "key:2",
  "",
  "\xff\x00\r\n",
  "{tag}x",
];
/** For transactions, which other groups must not meddle with. */
export const WATCHED_KEYS: readonly Argument[] = ["w:1", "w:2", "w:3", "w:\xff"];
const VALUES: readonly Argument[] = [
  ...[
    "",
    "0",
    "1",
    "7",
    "-5",
    "10",
    "42",
    "3.25",
    "-0",
    "+1",
    "012",
    " 1",
    "1 ",
    "abc",
    "ababcbdab",
    "1e3",
    "0x1f",
  ],
  ...["inf", "nan", "true", "hello world", "999999999999999", "123456789012345678", "9007199254740993"],
  ...["9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615"],
  ...[
    "x".repeat(43),
    "x".repeat(44),
    "x".repeat(45),
    "y".repeat(4096),
    "\x00",
    "\r\n",
    "a\x00b\xff\r\n$5\r\n",
  ],
];
const INTEGERS = [
  ...[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "-4",
    "5",
    "10",
    "100",
    "-100",
    "+1",
    "01",
    "",
    "x",
    " 1",
    "1.0",
    "1e2",
    "-0",
  ],
  ...["2147483648", "4294967296", "999999999999999", "-9007199254740993", "9007199254740993"],
  ...["9223372036854775806", "9223372036854775807", "-9223372036854775807", "-9223372036854775808"],
  ...["9223372036854775808", "-9223372036854775809", "99999999999999999999999"],
];
const FLOATS = [
  ...[
    "0",
    "1",
    "0.1",
    "-2.5",
    "1e2",
    "3.0",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "+inf",
    "x",
    "",
    " 1",
    "1 ",
    "1.5e-3",
    ".5",
  ],
  ...[
    "5.",
    "1e400",
    "1e-400",
    "1e300",
    "-1e300",
    "0.30000000000000004",
    "1e17",
    "123456789.123456789",
    "1_0",
    "--1",
  ],
];
const PATTERNS = [
  ...["*", "a", "[a-c]", "?", "k*1", "key:*", "[^a]", "\\a", "", "**", "h[", "[b-a]*", "*:?", "{*}*", "a\\"],
];

export class Vocabulary {
  readonly random: Randomness;
  /** Wall clock when the run began; absolute times lie far before or far after it. */
  readonly #nowMs: number;
  readonly #keys: readonly Argument[];

  constructor(random: Randomness, nowMs: number, keys: readonly Argument[] = KEYS) {
    this.random = random;
    this.#nowMs = nowMs;
    this.#keys = keys;
  }

  /** The same vocabulary with other keys: for what must not meet the commands of other groups. */
  withKeys(keys: readonly Argument[]): Vocabulary {
    return new Vocabulary(this.random, this.#nowMs, keys);
  }

  key(): Argument {
    return this.random.pick(this.#keys);
  }
  keys(): Argument[] {
    return this.random.several(4, () => this.key());
  }
  pairs(): Argument[] {
    return this.random.several(3, () => [this.key(), this.value()]).flat();
  }
  value(): Argument {
    if (this.random.oneIn(12)) return this.random.bytes(this.random.below(300));
    if (this.random.oneIn(150)) return "z".repeat(this.random.between(16_000, 200_000));
    return this.random.pick(VALUES);
  }
  integer(): string {
    return this.random.oneIn(3) ? this.random.pick(INTEGERS) : String(this.random.between(-20, 60));
  }
  float(): string {
    return this.random.oneIn(2) ? this.random.pick(FLOATS) : String(this.random.between(-9999, 9999) / 100);
  }
  pattern(): string {
    return this.random.pick(PATTERNS);
  }
  database(): string {
    if (this.random.oneIn(8))
      return this.random.pick(["-1", "16", "x", "", "99999999999", "9223372036854775808"]);
    return String(this.random.oneIn(6) ? this.random.below(DATABASES) : this.random.below(3));
  }

  /** Each of the words with a chance of one in `times`. */
  some(times: number, ...words: string[]): string[] {
    return words.filter(() => this.random.oneIn(times));
  }

  /** A time in the given unit, relative or absolute: far future mostly, past, or no time at all. */
  time(unitMs: number, absolute: boolean): string {
    const farMs = 1e7 + this.random.below(1e6) * 1000;
    switch (this.random.below(9)) {
      case 0:
        return absolute ? this.random.pick(["1", "1000"]) : this.random.pick(["-1", "-100"]);
      case 1:
        // Times beyond 2^53 ms are held as that one, which Redis does not; so of those only what Redis refuses.
        return this.random.pick(["0", "x", "", "1.5", "-9223372036854775808", "9223372036854775808"]);
      default:
        return String(Math.floor(((absolute ? this.#nowMs : 0) + farMs) / unitMs));
    }
  }
}
