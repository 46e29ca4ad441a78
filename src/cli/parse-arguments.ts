/**
 * From the words of a command line to a subcommand, its flags and operands.
 *
 * Invariant: a word that is not understood is an error that names the nearest known one; nothing is guessed and
 * run. Splitting (`--port=1`, `-p1`, `--`) is left to util.parseArgs, the judgement is made here, because its
 * own messages know neither subcommands nor near names.
 */
import { parseArgs } from "node:util";
import { FerriteError } from "../base/errors.ts";
import { nearest } from "../config/nearest.ts";
import { findOption, OPTION_LIST } from "../config/options.ts";
import type { FlagSetting } from "../config/settings.ts";
import { COMMANDS, type CommandSpec, DEFAULT_COMMAND, type FlagSpec } from "./command-table.ts";

export interface ParsedArguments {
  readonly command: CommandSpec;
  /** Names of the switches that were given. */
  readonly switches: ReadonlySet<string>;
  /** Arguments of flags that set no option, the last one given wins: `config`, `into`. */
  readonly texts: ReadonlyMap<string, string>;
  /** What flags say about options, in order. */
  readonly settings: readonly FlagSetting[];
  readonly operands: readonly string[];
}

/** Throws FerriteError("usage"). */
export function parseArguments(words: readonly string[]): ParsedArguments {
  const first = words[0];
  const named = first === undefined ? undefined : COMMANDS.find((command) => command.name === first);
  if (first !== undefined && named === undefined && !first.startsWith("-")) throw unknownCommand(first);
  const command = named ?? DEFAULT_COMMAND;
  return judge(command, tokensOf(command, named === undefined ? words : words.slice(1)));
}

function unknownCommand(word: string): FerriteError {
  if (/\.(toml|conf)$/.test(word)) {
    return new FerriteError(
      "usage",
      `unknown command '${word}'; a configuration file is given with --config ${word}`,
    );
  }
  return new FerriteError(
    "usage",
    `unknown command '${word}'${didYouMean(
      nearest(
        word,
        COMMANDS.map(({ name }) => name),
      ),
    )}`,
  );
}

const didYouMean = (suggestion: string | undefined): string =>
  suggestion === undefined ? "; see ferrite --help" : `; did you mean '${suggestion}'?`;

type Token = NonNullable<ReturnType<typeof tokensOf>>[number];

function tokensOf(command: CommandSpec, words: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const flag of command.flags) {
    options[flag.name] = {
      type: flag.argument === undefined ? "boolean" : "string",
      ...(flag.short === undefined ? {} : { short: flag.short }),
    };
  }
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function judge(command: CommandSpec, tokens: readonly Token[]): ParsedArguments {
  const switches = new Set<string>();
  const texts = new Map<string, string>();
  const settings: FlagSetting[] = [];
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const flag = command.flags.find(({ name }) => name === token.name);
    if (flag === undefined) throw unknownFlag(command, token.rawName);
    if (flag.argument === undefined) {
      if (token.value !== undefined) throw new FerriteError("usage", `${token.rawName} takes no value`);
      switches.add(flag.name);
      continue;
    }
    const text = argumentOf(flag, token.rawName, token.value, token.inlineValue === true);
    if (flag.name === "set") settings.push(settingOf(text));
    else if (flag.key !== undefined) settings.push({ key: flag.key, text, flag: token.rawName });
    else texts.set(flag.name, text);
  }
  if (!switches.has("help")) checkOperands(command, operands);
  return { command, switches, texts, settings, operands };
}

function unknownFlag(command: CommandSpec, rawName: string): FerriteError {
  const known = command.flags.map(({ name }) => `--${name}`);
  const elsewhere = COMMANDS.find(({ flags }) => flags.some(({ name }) => `--${name}` === rawName));
  if (elsewhere !== undefined) {
    return new FerriteError(
      "usage",
      `'ferrite ${command.name}' has no flag ${rawName}; it belongs to 'ferrite ${elsewhere.name}'`,
    );
  }
  const asOption = findOption(rawName.replace(/^-+/, ""));
  if (asOption !== undefined) {
    return new FerriteError(
      "usage",
      `unknown flag ${rawName}; set an option with --set ${asOption.key}=VALUE`,
    );
  }
  const suggestion = nearest(rawName, known);
  if (suggestion !== undefined)
    return new FerriteError("usage", `unknown flag ${rawName}; did you mean ${suggestion}?`);
  const leaf = rawName.replace(/^-+/, "").replaceAll("-", "_");
  const option = OPTION_LIST.find(
    (entry) => entry.path.at(-1) === leaf || entry.option.terms.redis === leaf.replaceAll("_", "-"),
  );
  const advice =
    option === undefined ? `see ferrite ${command.name} --help` : `use --set ${option.key}=VALUE`;
  return new FerriteError("usage", `unknown flag ${rawName}; ${advice}`);
}

/** A following word that looks like a flag is far likelier a forgotten argument than the argument. */
function argumentOf(flag: FlagSpec, rawName: string, value: string | undefined, isInline: boolean): string {
  if (value === undefined || (!isInline && /^--?[a-z]/i.test(value))) {
    throw new FerriteError("usage", `${rawName} needs a value: ${rawName} ${flag.argument}`);
  }
  return value;
}

function settingOf(text: string): FlagSetting {
  const equals = text.indexOf("=");
  if (equals < 1) throw new FerriteError("usage", `--set needs KEY=VALUE, found '${text}'`);
  return { key: text.slice(0, equals).trim(), text: text.slice(equals + 1), flag: "--set" };
}

function checkOperands(command: CommandSpec, operands: readonly string[]): void {
  const extra = operands[command.operandsMax];
  if (extra !== undefined) {
    const hint = COMMANDS.some(({ name }) => name === extra)
      ? "; the command comes first: ferrite COMMAND [FLAGS]"
      : "";
    throw new FerriteError("usage", `unexpected argument '${extra}' for 'ferrite ${command.name}'${hint}`);
  }
  if (command.words === undefined) return;
  const word = operands[0];
  if (word === undefined) {
    throw new FerriteError("usage", `'ferrite ${command.name}' needs one of: ${command.words.join(", ")}`);
  }
  if (!command.words.includes(word)) {
    const suggestion = nearest(word, command.words);
    const advice =
      suggestion === undefined
        ? `; it is one of: ${command.words.join(", ")}`
        : `; did you mean '${suggestion}'?`;
    throw new FerriteError("usage", `unknown word '${word}' after 'ferrite ${command.name}'${advice}`);
  }
}
