/**
 * The text inside a lock file: who holds it, for people to read and for a second process to judge.
 *
 * Invariants
 *  - a note of kind "kernel" proves nothing: the kernel's lock on the file does;
 *  - a note of kind "note" holds as long as its process lives: the same machine start, the same process id and
 *    the same start time of that process, so that a reused id (1 in a restarted container) is not taken for it;
 *  - what cannot be told (another process namespace) counts as held: two owners would destroy data, a wrong
 *    refusal is cured by removing the file, which the message says.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { systemCode } from "../../base/errors.ts";

export type LockKind = "kernel" | "note";

interface Holder {
  readonly process: number;
  readonly started: string;
  readonly boot: string;
  readonly space: string;
}

/** Lines `name value`; the caller's note (version and the like) comes last. */
export function composeNote(kind: LockKind, note: string): string {
  const me = describe(process.pid);
  return `lock ${kind}\npid ${me.process}\nstarted ${me.started}\nboot ${me.boot}\nspace ${me.space}\n${note}\n`;
}

/** True if the text is a note of kind "note" whose process may still live. */
export function isHeldByNote(text: string): boolean {
  const value = (name: string): string => new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1] ?? "";
  if (value("lock") !== "note") return false;
  const process = Number(value("pid"));
  if (!Number.isSafeInteger(process) || process <= 0) return false;
  const now = describe(process);
  if (value("boot") !== now.boot) return false;
  if (value("space") !== now.space) return true;
  if (now.started !== "") return value("started") === now.started;
  return isAlive(process);
}

/** `started` is empty where the platform does not show it, or if there is no such process. */
function describe(process: number): Holder {
  // Fields after the command's name, which is in parentheses and may contain anything: the 20th is the start time.
  const status = readText(`/proc/${process}/stat`);
  const started = status.slice(status.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // No such thing on this platform: then there is one namespace.
  }
  return { process, started, boot: readText("/proc/sys/kernel/random/boot_id").trim(), space };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}
