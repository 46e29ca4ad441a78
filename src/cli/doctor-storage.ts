/**
 * Checks of the data directory: can it be written, by whom is it used, how fast does it sync, is there room.
 *
 * Invariants: nothing that exists is changed; a file that was made for a measurement is removed again; a directory
 * that does not exist yet is judged by the nearest folder above it and not created.
 */
import { dirname, join } from "node:path";
import { messageOf, systemCode } from "../base/errors.ts";
import { formatSize } from "../config/units.ts";
import { type Finding, fail, ok, warn } from "./doctor-report.ts";
import type { Host } from "./host.ts";

const SYNC_SAMPLES = 16;
const SYNC_BYTES = 2048;
/** Above it a write under aof_sync = "always" waits noticeably, and a sync each second begins to hurt. */
const SLOW_SYNC_MS = 10;
const FREE_BYTES_FAIL = 64 * 1024 ** 2;
const FREE_BYTES_WARN = 1024 ** 3;

export interface StorageFindings {
  readonly findings: readonly Finding[];
  /** Another process owns the directory. */
  readonly isLocked: boolean;
  readonly exists: boolean;
}

export function checkStorage(host: Host, folder: string): StorageFindings {
  const stat = host.files.statSync(folder);
  if (stat !== undefined && stat.kind !== "directory") {
    const finding = fail("data-directory", `${folder} is not a folder`, "choose another storage.data_dir");
    return { findings: [finding], isLocked: false, exists: false };
  }
  const exists = stat !== undefined;
  const place = exists ? folder : nearestFolder(host, folder);
  const findings = [...writeAndMeasure(host, folder, place, exists), freeSpace(host, place)];
  const owner = exists ? lockOwner(host, folder) : undefined;
  if (owner !== undefined) {
    findings.push(
      warn("lock", `in use by ${owner}`, "a second server cannot start here while that one runs"),
    );
  } else if (exists) {
    findings.push(ok("lock", "not in use"));
  }
  return { findings, isLocked: owner !== undefined, exists };
}

function nearestFolder(host: Host, path: string): string {
  const above = dirname(path);
  return above === path || host.files.statSync(above) !== undefined ? above : nearestFolder(host, above);
}

function writeAndMeasure(host: Host, folder: string, place: string, exists: boolean): Finding[] {
  const probe = join(place, ".ferrite-doctor");
  try {
    const medianMs = syncMedianMs(host, probe);
    const state = exists ? `${folder} can be written` : `${folder} does not exist yet and can be created`;
    return [ok("data-directory", state), syncFinding(medianMs)];
  } catch (error) {
    const code = systemCode(error);
    const advice =
      code === "ENOSPC"
        ? "free some space on its volume"
        : "change its owner or permissions, or choose another storage.data_dir";
    return [fail("data-directory", `${place} cannot be written: ${messageOf(error)}`, advice)];
  } finally {
    if (host.files.statSync(probe) !== undefined) host.files.unlinkSync(probe);
  }
}

/** Appends and syncs as a server under aof_sync = "always" with one client does. */
function syncMedianMs(host: Host, path: string): number {
  const file = host.files.openSync(path, "append");
  try {
    const bytes = new Uint8Array(SYNC_BYTES);
    const samples: number[] = [];
    for (let i = 0; i < SYNC_SAMPLES; i++) {
      const startMs = host.monotonicMs();
      file.appendSync(bytes, 0, bytes.length);
      file.syncSync();
      samples.push(host.monotonicMs() - startMs);
    }
    return samples.sort((a, b) => a - b)[SYNC_SAMPLES / 2]!;
  } finally {
    file.close();
  }
}

function syncFinding(medianMs: number): Finding {
  const found = `a write of ${formatSize(SYNC_BYTES)} is on disk after ${medianMs.toFixed(2)} ms (median of ${SYNC_SAMPLES})`;
  if (medianMs <= SLOW_SYNC_MS) return ok("sync", found);
  return warn(
    "sync",
    found,
    'expect slow writes under aof_sync = "always"; a local SSD takes well under 1 ms',
  );
}

function freeSpace(host: Host, place: string): Finding {
  const freeBytes = host.files.freeBytesSync(place);
  if (freeBytes === undefined) return ok("free-space", "cannot be read on this system");
  const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GB free on the volume of ${place}`;
  const advice = "free some space: a full disk stops writes until there is room again";
  if (freeBytes < FREE_BYTES_FAIL) return fail("free-space", found, advice);
  return freeBytes < FREE_BYTES_WARN ? warn("free-space", found, advice) : ok("free-space", found);
}

/** Taking the lock for a moment is the only answer that is never stale; without a LOCK file nobody can hold it. */
function lockOwner(host: Host, folder: string): string | undefined {
  const path = join(folder, "LOCK");
  if (host.files.statSync(path) === undefined) return undefined;
  try {
    const lock = host.files.lockSync(path, "ferrite doctor");
    if (lock !== undefined) {
      lock.release();
      return undefined;
    }
    const note = Buffer.from(host.files.readFileSync(path)).toString("utf8").trim().replaceAll("\n", ", ");
    return note === "" ? "another process" : `another process (${note})`;
  } catch (error) {
    return `an unknown process: ${messageOf(error)}`;
  }
}
