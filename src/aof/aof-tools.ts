/** What `ferrite aof stats` and `ferrite aof check` say about a folder. Both only read, and answer plain data. */
import type { FileSystem } from "../ports/file-system.ts";
import type { Finding, PartReport } from "./inspect-log.ts";
import { inspectLog } from "./inspect-log.ts";
import { DEFAULT_STEM } from "./part-names.ts";

export interface AofStats {
  readonly folder: string;
  readonly parts: readonly PartReport[];
  readonly bytes: number;
  readonly frames: number;
  readonly effects: number;
  readonly units: number;
  readonly effectsPerFrame: number;
  readonly bytesPerEffect: number;
  /** Absent without a base. */
  readonly baseLsn?: number;
  readonly baseBytes: number;
  readonly baseCommands: number;
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly firstTimeMs: number;
  readonly lastTimeMs: number;
  readonly commands: Readonly<Record<string, number>>;
  readonly databases: readonly number[];
  readonly strayParts: readonly string[];
}

export interface AofCheck {
  readonly folder: string;
  /**
   *  clean    all of it is valid
   *  torn     only the last write is cut short: recovery deals with that by itself
   *  damaged  recovery refuses this log; see `aofRepair`
   */
  readonly verdict: "clean" | "torn" | "damaged";
  readonly findings: readonly Finding[];
  readonly parts: readonly PartReport[];
  readonly lastLsn: number;
  /** Effects that an earlier repair gave up. */
  readonly lostEffects: number;
  readonly strayParts: readonly string[];
  /** A copy that was made while a server wrote and is older than its manifest: it is read as far as it goes. */
  readonly copied: boolean;
}

/** Throws FerriteError("usage") for a log of another program or version, or the system's error. */
export function aofStats(fs: FileSystem, folder: string, stem: string = DEFAULT_STEM): AofStats {
  const { parts, commands, databases, strayParts, lastLsn } = inspectLog(fs, folder, stem);
  const sum = (of: (part: PartReport) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  const bytes = sum((part) => part.bytes);
  const frames = sum((part) => part.frames);
  const effects = sum((part) => part.effects);
  const base = parts.find((part) => part.type === "base");
  const incremental = parts.filter((part) => part.type === "incr");
  const effectBytes = bytes - (base?.bytes ?? 0);
  const effectFrames = frames - (base?.frames ?? 0);
  return {
    folder,
    parts,
    bytes,
    frames,
    effects,
    units: sum((part) => part.units),
    effectsPerFrame: effectFrames === 0 ? 0 : effects / effectFrames,
    bytesPerEffect: effects === 0 ? 0 : effectBytes / effects,
    ...(base === undefined ? {} : { baseLsn: base.lastLsn }),
    baseBytes: base?.bytes ?? 0,
    baseCommands: base?.commands ?? 0,
    firstLsn: incremental.find((part) => part.firstLsn > 0)?.firstLsn ?? 0,
    lastLsn,
    firstTimeMs: parts.find((part) => part.firstTimeMs > 0)?.firstTimeMs ?? 0,
    lastTimeMs: parts.findLast((part) => part.lastTimeMs > 0)?.lastTimeMs ?? 0,
    commands,
    databases,
    strayParts,
  };
}

/** Throws FerriteError("usage") for a log of another program or version, or the system's error. */
export function aofCheck(fs: FileSystem, folder: string, stem: string = DEFAULT_STEM): AofCheck {
  const { parts, findings, strayParts, copied, lastLsn } = inspectLog(fs, folder, stem);
  const damaged = findings.some((finding) => finding.kind !== "torn");
  return {
    folder,
    verdict: damaged ? "damaged" : findings.length > 0 ? "torn" : "clean",
    findings,
    parts,
    lastLsn,
    lostEffects: parts.reduce((total, part) => total + part.lostEffects, 0),
    strayParts,
    copied,
  };
}
