/**
 * `ferrite aof stats|check|repair`: the append-only file from outside of a server.
 *
 * Invariants: `stats` and `check` change nothing; `repair` owns the data directory while it works, so that no
 * server can write to what is being repaired, and works on a copy unless `--in-place` says otherwise.
 */
import { join, resolve } from "node:path";
import { FerriteError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { AofOutcome, RepairWishes } from "./aof-tools.ts";
import { type Finding, fail, ok, warn } from "./doctor-report.ts";
import { EXIT_CORRUPTION, EXIT_OK, failureOf } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";
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
  if (word === "repair") return repair(parsed, host, config);
  refuseRepairFlags(parsed);
  const stem = config.values.persistence.aof_file;
  const outcome = word === "stats" ? host.aof.stats(folder, stem) : host.aof.check(folder, stem);
  print(outcome, parsed, host);
  return outcome.verdict === "damaged" ? EXIT_CORRUPTION : EXIT_OK;
}

function refuseRepairFlags(parsed: ParsedArguments): void {
  const given = ["into", "in-place", "drop"].find(
    (name) => parsed.texts.has(name) || parsed.switches.has(name),
  );
  if (given !== undefined) throw new FerriteError("usage", `--${given} belongs to 'ferrite aof repair'`);
}

function repair(parsed: ParsedArguments, host: Host, config: Config): number {
  const dataFolder = config.values.storage.data_dir;
  const folder = join(dataFolder, "aof");
  const into = repairTarget(parsed, host, folder);
  const lock = host.files.lockSync(join(dataFolder, "LOCK"), "ferrite aof repair");
  if (lock === undefined) {
    throw new FerriteError(
      "conflict",
      `the data directory ${dataFolder} is in use; stop that server before repairing`,
    );
  }
  try {
    const mode: RepairWishes["mode"] = parsed.switches.has("drop") ? "drop" : "cut";
    const wishes = into === undefined ? { mode } : { mode, into };
    print(host.aof.repair(folder, config.values.persistence.aof_file, wishes), parsed, host);
  } finally {
    lock.release();
  }
  if (into !== undefined && !parsed.switches.has("json")) {
    host.print(
      `To use the copy: move ${folder} aside and ${into} to its place. Nothing in ${folder} was changed.\n`,
    );
  }
  return EXIT_OK;
}

/** undefined: in place. */
function repairTarget(parsed: ParsedArguments, host: Host, folder: string): string | undefined {
  const named = parsed.texts.get("into");
  if (parsed.switches.has("in-place")) {
    if (named !== undefined) throw new FerriteError("usage", "--in-place and --into exclude each other");
    if (parsed.switches.has("drop"))
      throw new FerriteError("usage", "--drop works on a copy only, without --in-place");
    return undefined;
  }
  const into = resolve(host.workingFolder, named ?? `${folder}.repaired`);
  if (host.files.statSync(into) !== undefined) {
    throw new FerriteError(
      "conflict",
      `${into} exists and is left as it is; choose another folder with --into`,
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
