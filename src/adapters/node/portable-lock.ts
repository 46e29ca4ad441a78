/**
 * An exclusive lock on a file without the addon.
 *
 * Invariants
 *  - where flock(1) exists the lock is the kernel's, on a descriptor of this process: it excludes the native
 *    implementation and ends with the process, however that ends;
 *  - elsewhere the file's note is the lock: it is made whole by link(2), which fails if a file is there, and it
 *    is taken over only when its process is gone (files/lock-note.ts);
 *  - within one process a second lock on the same file is refused like anybody else's.
 *
 * flock(1) on an inherited descriptor locks the open file itself, which is shared with this process: the child
 * ends at once, the lock stays. That is the only way to the kernel's lock from node:fs.
 */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { systemCode } from "../../base/errors.ts";
import type { FileLock } from "../../ports/file-system.ts";
import { composeNote, isHeldByNote } from "../files/lock-note.ts";

const FILE_MODE = 0o600;
/** flock(1)'s answer with -n when somebody else holds the lock. */
const HELD = 1;

export interface PortableLockOptions {
  /** The program to lock with; a name that does not exist selects the lock by note. */
  readonly flock?: string;
}

/** Undefined if somebody else holds it; throws the system's errors. */
export function portableLock(
  path: string,
  note: string,
  options: PortableLockOptions = {},
): FileLock | undefined {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE);
  // Loaded here: with the addon the kernel is asked directly, and all that this module brings along would be idle.
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { status } = spawnSync(options.flock ?? "flock", ["-x", "-n", "3"], {
    stdio: ["ignore", "ignore", "ignore", descriptor],
  });
  if (status === 0) return holdDescriptor(descriptor, path, note);
  closeSync(descriptor);
  return status === HELD ? undefined : lockByNote(path, note);
}

function holdDescriptor(descriptor: number, path: string, note: string): FileLock | undefined {
  if (isHeldByNote(readFileSync(path, "utf8"))) {
    closeSync(descriptor);
    return undefined;
  }
  ftruncateSync(descriptor, 0);
  writeSync(descriptor, composeNote("kernel", note), 0);
  return releasing(() => closeSync(descriptor));
}

function lockByNote(path: string, note: string): FileLock | undefined {
  const mine = `${path}.${randomUUID()}`;
  const text = composeNote("note", note);
  writeFileSync(mine, text, { mode: FILE_MODE, flag: "wx" });
  try {
    // Twice: once as found, once more after a dead holder's file has been moved away.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (linkIfAbsent(mine, path)) return releasing(() => unlinkIfOurs(path, text));
      if (!removeIfDead(path)) return undefined;
    }
    return undefined;
  } finally {
    unlinkSync(mine);
  }
}

/**
 * Moves a dead holder's file away. Between reading and moving somebody else may have done the same and taken
 * the lock: what was moved is read again, and put back if it is a living holder's.
 */
function removeIfDead(path: string): boolean {
  if (isHeldByNote(readIfPresent(path))) return false;
  const away = `${path}.${randomUUID()}`;
  try {
    renameSync(path, away);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return true;
    throw error;
  }
  const dead = !isHeldByNote(readFileSync(away, "utf8"));
  if (!dead) linkIfAbsent(away, path);
  unlinkSync(away);
  return dead;
}

function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

function unlinkIfOurs(path: string, text: string): void {
  if (readIfPresent(path) === text) unlinkSync(path);
}

function readIfPresent(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
}

function releasing(release: () => void): FileLock {
  let held = true;
  return {
    release() {
      if (held) release();
      held = false;
    },
  };
}
