/**
 * The append-only file's tools as the command line needs them: a report as data, a verdict, and a line for people.
 *
 * An interface between the two, so that what the subcommands print and return can be tested without logs.
 */
import { type AofRepair, aofRepair } from "../aof/aof-repair.ts";
import { aofCheck, aofStats } from "../aof/aof-tools.ts";
import { type AofTruncation, aofTruncate } from "../aof/aof-truncate.ts";
import type { Target } from "../aof/truncate-target.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";

export interface AofOutcome {
  /** Printed as JSON, or as indented text. */
  readonly report: object;
  /** "torn": the last write is cut short; the next start cuts it off by itself. */
  readonly verdict: "intact" | "torn" | "damaged";
  /** One line. */
  readonly summary: string;
}

export interface RepairWishes {
  /** Folder for the repaired copy; without it the log is repaired in place. */
  readonly into?: string;
  /** "cut" ends the log before the first damage, "drop" also keeps what is valid after it. */
  readonly mode: "cut" | "drop";
}

export interface TruncateWishes {
  readonly target: Target;
  /** Folder for the truncated copy; without it the log itself is ended. */
  readonly into?: string;
}

/** Told now and then how much of long work is done. */
export type ProgressSink = (bytes: number, totalBytes: number) => void;

/** `folder` is the log's own, `stem` the beginning of its parts' names. They throw FerriteError or the system's error. */
export interface AofTools {
  stats(folder: string, stem: string): AofOutcome;
  check(folder: string, stem: string): AofOutcome;
  repair(folder: string, stem: string, wishes: RepairWishes): AofOutcome;
  truncate(folder: string, stem: string, wishes: TruncateWishes, progress?: ProgressSink): AofOutcome;
}

export function createAofTools(files: FileSystem, clock: Clock): AofTools {
  return {
    stats(folder, stem) {
      const report = aofStats(files, folder, stem);
      const { effects, parts, bytes, lastLsn, baseLsn, baseCommands } = report;
      const base = baseLsn === undefined ? "" : `a base of ${baseCommands} commands for LSN ${baseLsn}, `;
      const count = parts.filter(({ type }) => type === "incr").length;
      const summary = `${base}${effects} effects in ${count} parts, ${bytes} bytes, up to LSN ${lastLsn}`;
      return { report, verdict: "intact", summary };
    },
    check(folder, stem) {
      const report = aofCheck(files, folder, stem);
      const verdict = report.verdict === "clean" ? "intact" : report.verdict;
      const first = report.findings[0];
      const place = first === undefined ? "" : `${first.part} at offset ${first.offset}: ${first.reason}`;
      const summaries = {
        intact: `the log is intact up to LSN ${report.lastLsn}`,
        torn: `the last write is incomplete (${place}); the next start cuts it off`,
        damaged: `the log is damaged: ${place}`,
      };
      return { report, verdict, summary: summaries[verdict] };
    },
    repair(folder, stem, wishes) {
      const report = aofRepair(files, folder, { stem, ...wishes, nowMs: clock.wallMs() });
      return { report, verdict: "intact", summary: repairSummary(report) };
    },
    truncate(folder, stem, wishes, progress) {
      const options = { stem, ...wishes, nowMs: clock.wallMs() };
      const report = aofTruncate(files, folder, progress === undefined ? options : { ...options, progress });
      return { report, verdict: "intact", summary: truncateSummary(report) };
    },
  };
}

function truncateSummary(report: AofTruncation): string {
  const time = report.lastTimeMs === 0 ? "" : ` (${new Date(report.lastTimeMs).toISOString()})`;
  const place = `cut in ${report.part} at offset ${report.offset}`;
  return `the log in ${report.into} ends at LSN ${report.lastLsn}${time}, verified; ${place}`;
}

function repairSummary(report: AofRepair): string {
  const kept = `kept ${report.bytesKept} bytes up to LSN ${report.lastLsn}`;
  const base = report.baseIsDamaged ? "; keys of the base are lost, it is not known which" : "";
  if (report.lost.length === 0) return `${kept}; no effect is lost${base}`;
  const ranges = report.lost.map(
    ({ firstLsn, lastLsn }) => `LSN ${firstLsn} to ${lastLsn === 0 ? "an unknown one" : lastLsn}`,
  );
  return `${kept}; dropped ${report.bytesDropped} bytes; lost: ${ranges.join(", ")}${base}`;
}
