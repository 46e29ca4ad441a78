/** Redis's command group "bitmap": every width, offset and kind of overflow, with wrong ones among them. */
import type { CommandGroup, Unit, Vocabulary } from "../../support/random-commands.ts";
import type { Argument, Command } from "../../support/resp-client.ts";

export const bitmapGroup: CommandGroup = { name: "bitmap", weight: 5, next: bitmapUnit };

export function bitmapUnit(words: Vocabulary): Unit {
  const make = words.random.pick([bits, bits, ranges, operation, fields, fields]);
  return { commands: [make(words)] };
}

function bits(words: Vocabulary): Command {
  const { random } = words;
  if (random.oneIn(3)) return ["GETBIT", words.key(), offset(words)];
  return ["SETBIT", words.key(), offset(words), random.oneIn(8) ? words.integer() : random.pick(["0", "1"])];
}

function ranges(words: Vocabulary): Command {
  const { random } = words;
  const unit = random.pick([[], [], ["BIT"], ["bit"], ["BYTE"], ["bad"]]);
  return random.pick<() => Command>([
    () => ["BITCOUNT", words.key()],
    () => ["BITCOUNT", words.key(), words.integer(), words.integer(), ...unit],
    () => ["BITPOS", words.key(), bit(words)],
    () => ["BITPOS", words.key(), bit(words), words.integer()],
    () => ["BITPOS", words.key(), bit(words), words.integer(), words.integer(), ...unit],
  ])();
}

function operation(words: Vocabulary): Command {
  const { random } = words;
  const name = random.pick(["AND", "OR", "XOR", "NOT", "and", "not", "bad"]);
  const sources = random.oneIn(2) && name.toUpperCase() === "NOT" ? [words.key()] : words.keys();
  return ["BITOP", name, words.key(), ...sources];
}

function fields(words: Vocabulary): Command {
  const { random } = words;
  const name = random.oneIn(10) ? "BITFIELD_RO" : "BITFIELD";
  return [name, words.key(), ...random.several(5, () => fieldOperation(words)).flat()];
}

function fieldOperation(words: Vocabulary): Argument[] {
  const { random } = words;
  return random.pick<() => Argument[]>([
    () => ["GET", type(words), fieldOffset(words)],
    () => ["SET", type(words), fieldOffset(words), fieldValue(words)],
    () => ["incrby", type(words), fieldOffset(words), fieldValue(words)],
    () => ["OVERFLOW", random.pick(["WRAP", "SAT", "FAIL", "sat", random.oneIn(6) ? "bad" : "fail"])],
  ])();
}

function type(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(40))
    return random.pick(["u0", "u64", "i65", "i0", "x8", "8", "u", "", "U8", "i-1", "u08"]);
  if (random.oneIn(3))
    return random.pick(["i64", "u63", "i63", "u53", "i53", "u52", "i52", "u32", "i32", "i33"]);
  return random.oneIn(2) ? `u${random.between(1, 63)}` : `i${random.between(1, 64)}`;
}

/** Around the ends of every width, and of int64. */
function fieldValue(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(5)) return words.integer();
  const power = 1n << BigInt(random.between(0, 63));
  const value = power + BigInt(random.between(-2, 2));
  return String(random.oneIn(2) ? value : -value);
}

function bit(words: Vocabulary): string {
  return words.random.oneIn(10) ? words.integer() : words.random.pick(["0", "1"]);
}

/** Never one that is legal and large: a value of half a gigabyte would prove little. */
function offset(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(12)) return wrongOffset(words);
  return String(random.oneIn(6) ? random.below(20_000) : random.below(150));
}

function fieldOffset(words: Vocabulary): string {
  const { random } = words;
  if (random.oneIn(40)) return random.oneIn(2) ? wrongOffset(words) : `#${wrongOffset(words)}`;
  return random.oneIn(3) ? `#${random.below(12)}` : offset(words);
}

function wrongOffset(words: Vocabulary): string {
  return words.random.pick(["-1", "x", "", "01", "1.5", "4294967296", "9223372036854775807", "#1"]);
}
