/**
 * `ferrite aof stats|check|repair|truncate`: the append-only file from outside of a server.
 *
 * Invariants: `stats` and `check` change nothing; `repair` and `truncate` own the data directory while they work, so that
 * no server can write to what is being read, and make a copy unless `--in-place` says otherwise.
 */
import { join, resolve } from "node:path";
import { FerriteError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { AofOutcome, ProgressSink, RepairWishes, TruncateWishes } from "./aof-tools.ts";
import { type Finding, fail, ok, warn } from "./doctor-report.ts";
import { EXIT_CORRUPTION, EXIT_OK, failureOf } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
import { compactMoment, parseMoment } from "./parse-moment.ts";
import { readConfig } from "./read-config.ts";

export function aofCommand(parsed: ParsedArguments, host: Host): number {
  const config = readConfig(parsed, host);
  const dataFolder = config.values.storage.data_dir;
  const folder = join(dataFolder, "aof");
  if (host.files.statSync(folder) === undefined) {
    throw new FerriteError(
      "usage",
      `${folder} does not exist: there is no append-only file; choose with --data-dir`,
    );
  }
  const word = parsed.operands[0]!;
  refuseForeignFlags(parsed, word);
  if (word === "repair") return repair(parsed, host, config);
  if (word === "truncate") return truncate(parsed, host, config);
  const stem = config.values.persistence.aof_file;
  const outcome = word === "stats" ? host.aof.stats(folder, stem) : host.aof.check(folder, stem);
  print(outcome, parsed, host);
  return outcome.verdict === "damaged" ? EXIT_CORRUPTION : EXIT_OK;
}

const CLEAR_LINE = "\r\u001b[K";

/** Flags of some words only. */
const FLAG_WORDS: Readonly<Record<string, readonly string[]>> = {
  into: ["repair"],
  drop: ["repair"],
  output: ["repair", "truncate"],
  "in-place": ["repair", "truncate"],
  "to-lsn": ["truncate"],
  "to-time": ["truncate"],
};

function refuseForeignFlags(parsed: ParsedArguments, word: string): void {
  for (const [name, words] of Object.entries(FLAG_WORDS)) {
    if (words.includes(word) || !(parsed.texts.has(name) || parsed.switches.has(name))) continue;
    const belongs = words.map((owner) => `'ferrite aof ${owner}'`).join(" and ");
    throw new FerriteError("usage", `--${name} belongs to ${belongs}`);
  }
}

function repair(parsed: ParsedArguments, host: Host, config: Config): number {
  const dataFolder = config.values.storage.data_dir;
  const folder = join(dataFolder, "aof");
  if (parsed.switches.has("in-place") && parsed.switches.has("drop"))
    throw new FerriteError("usage", "--drop works on a copy only, without --in-place");
  const into = outputFolder(parsed, host, `${folder}.repaired`);
  const mode: RepairWishes["mode"] = parsed.switches.has("drop") ? "drop" : "cut";
  const wishes = into === undefined ? { mode } : { mode, into };
  whileOwned(host, dataFolder, "repair", () =>
    print(host.aof.repair(folder, config.values.persistence.aof_file, wishes), parsed, host),
  );
  adviseOnCopy(parsed, host, folder, into);
  return EXIT_OK;
}

function truncate(parsed: ParsedArguments, host: Host, config: Config): number {
  const dataFolder = config.values.storage.data_dir;
  const folder = join(dataFolder, "aof");
  const target = targetOf(parsed);
  const now = compactMoment(host.wallMs());
  const into = outputFolder(parsed, host, `${folder}.truncated-${now}`);
  const wishes: TruncateWishes = into === undefined ? { target } : { target, into };
  const stem = config.values.persistence.aof_file;
  const progress = progressOf(parsed, host);
  whileOwned(host, dataFolder, "truncate", () => {
    try {
      print(host.aof.truncate(folder, stem, wishes, progress), parsed, host);
    } finally {
      if (progress !== undefined) host.complain(CLEAR_LINE);
    }
  });
  adviseOnCopy(parsed, host, folder, into);
  return EXIT_OK;
}

function targetOf(parsed: ParsedArguments): TruncateWishes["target"] {
  const lsn = parsed.texts.get("to-lsn");
  const time = parsed.texts.get("to-time");
  if ((lsn === undefined) === (time === undefined))
    throw new FerriteError("usage", "'ferrite aof truncate' needs one of --to-lsn N and --to-time T");
  if (time !== undefined) return { timeMs: parseMoment(time, "--to-time") };
  if (/^\d{1,15}$/.test(lsn!)) return { lsn: Number(lsn) };
  throw new FerriteError("usage", `--to-lsn is ${JSON.stringify(lsn)}; expected a number such as 1234`);
}

/** On a terminal, a line that is written over. */
function progressOf(parsed: ParsedArguments, host: Host): ProgressSink | undefined {
  if (!host.outputIsTerminal || parsed.switches.has("json")) return undefined;
  return (bytes, totalBytes) => {
    const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((bytes / totalBytes) * 100));
    host.complain(`${CLEAR_LINE}reading: ${percent} % of ${Math.ceil(totalBytes / 1_048_576)} MiB`);
  };
}

function whileOwned(host: Host, dataFolder: string, word: string, work: () => void): void {
  const lock = host.files.lockSync(join(dataFolder, "LOCK"), `ferrite aof ${word}`);
  if (lock === undefined) {
    const doing = word === "repair" ? "repairing" : "truncating";
    throw new FerriteError(
      "conflict",
      `the data directory ${dataFolder} is in use; stop that server before ${doing}`,
    );
  }
  try {
    work();
  } finally {
    lock.release();
  }
}

function adviseOnCopy(parsed: ParsedArguments, host: Host, folder: string, into: string | undefined): void {
  if (into === undefined || parsed.switches.has("json")) return;
  host.print(
    `To use the copy: move ${folder} aside and ${into} to its place. Nothing in ${folder} was changed.\n`,
  );
}

/** undefined: in place. */
function outputFolder(parsed: ParsedArguments, host: Host, byDefault: string): string | undefined {
  const flag = parsed.texts.has("into") ? "into" : "output";
  const named = parsed.texts.get(flag);
  if (flag === "into" && parsed.texts.has("output"))
    throw new FerriteError("usage", "--into and --output are the same; give one of them");
  if (parsed.switches.has("in-place")) {
    if (named !== undefined) throw new FerriteError("usage", `--in-place and --${flag} exclude each other`);
    return undefined;
  }
  const into = resolve(host.workingFolder, named ?? byDefault);
  if (host.files.statSync(into) !== undefined) {
    throw new FerriteError(
      "conflict",
      `${into} exists and is left as it is; choose another folder with --output`,
    );
  }
  return into;
}

function print(outcome: AofOutcome, parsed: ParsedArguments, host: Host): void {
  if (parsed.switches.has("json")) {
    host.print(`${JSON.stringify({ verdict: outcome.verdict, ...outcome.report }, null, 2)}\n`);
    return;
  }
  host.print(`${[...describeReport(outcome.report, ""), outcome.summary].join("\n")}\n`);
}

/** `name: value` lines; nested objects are indented, lists numbered. */
export function describeReport(report: object, indent: string): string[] {
  return Object.entries(report).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    if (typeof value !== "object" || value === null) return [`${indent}${name}: ${String(value)}`];
    const isEmpty = Object.keys(value).length === 0;
    return isEmpty
      ? [`${indent}${name}: none`]
      : [`${indent}${name}:`, ...describeReport(value, `${indent}  `)];
  });
}

/** For `ferrite doctor`. */
export function checkAof(host: Host, folder: string, stem: string, isLocked: boolean): Finding {
  if (host.files.statSync(folder) === undefined) return ok("aof", "no append-only file yet");
  try {
    const { verdict, summary } = host.aof.check(folder, stem);
    if (verdict === "intact") return ok("aof", summary);
    if (verdict === "damaged")
      return fail("aof", summary, "see `ferrite aof check`, then `ferrite aof repair`");
    if (isLocked) return ok("aof", `${summary} (a server is writing to it)`);
    return warn("aof", summary, "the next start cuts the incomplete end off; nothing acknowledged is in it");
  } catch (error) {
    return fail("aof", failureOf(error).message, "see `ferrite aof check`");
  }
}
