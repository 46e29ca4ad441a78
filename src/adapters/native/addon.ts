/**
 * Finds and types the C++ addon. Absent is a normal state: without a compiler, or with FERRITE_NO_NATIVE=1, the
 * portable adapters serve and say so.
 *
 * FERRITE_NATIVE_BUILD=Sanitize picks the build with AddressSanitizer (scripts/build-native.mjs).
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { PACKAGE_FOLDER } from "../package-folder.ts";
import type { FileAddon } from "./addon-files.ts";

export interface Addon extends TransportAddon, FileAddon {}

/** An opaque native transport. */
export interface TransportHandle {
  readonly transportHandle: unique symbol;
}

/**
 * The transport's functions. Arguments are trusted, except that ranges of `transportSend` are checked. Errors of
 * the system are negative libuv codes. The arrays given to `transportCreate` are written to until `onStopped`.
 */
export interface TransportAddon {
  /**
   * `arena` takes what is read, `events` the turn's entries, `queued` the bytes queued by slot (its length is the
   * most connections at once), `control` two words: connections refused so far, and the last one's error.
   */
  transportCreate(
    arena: Uint8Array,
    events: Int32Array,
    queued: Float64Array,
    control: Int32Array,
  ): TransportHandle;
  /** Must precede listening. `onTurn` is called at the end of a poll that brought something. */
  transportStart(handle: TransportHandle, onTurn: (count: number) => void, onStopped: () => void): void;
  transportListenTcp(
    handle: TransportHandle,
    host: string,
    port: number,
    backlog: number,
    index: number,
  ): number;
  /** `permissions` below 0 leaves the mode alone. */
  transportListenPipe(
    handle: TransportHandle,
    path: string,
    permissions: number,
    backlog: number,
    index: number,
  ): number;
  transportCloseListener(handle: TransportHandle, index: number): void;
  transportSend(handle: TransportHandle, bytes: Uint8Array, entries: Int32Array, count: number): void;
  transportPauseReading(handle: TransportHandle, slot: number): void;
  transportResumeReading(handle: TransportHandle, slot: number): void;
  transportNotifyDrained(handle: TransportHandle, slot: number, belowBytes: number): void;
  transportClose(handle: TransportHandle, slot: number, flush: boolean): void;
  /** False if the slot is not one whose closed event was told. */
  transportRelease(handle: TransportHandle, slot: number): boolean;
  transportAddress(handle: TransportHandle, slot: number, peer: boolean): string;
  transportDescriptor(handle: TransportHandle, slot: number): number;
  transportStop(handle: TransportHandle, flush: boolean): void;
}

let attempted = false;
let addon: Addon | undefined;
let problem = "";

/** The addon, or undefined where it is not built, does not load, or is not wanted. Looks once. */
export function loadAddon(): Addon | undefined {
  if (!attempted) {
    attempted = true;
    addon = find();
  }
  return addon;
}

/** Why `loadAddon` answers undefined, for the start banner and INFO; empty if it does not. */
export function addonProblem(): string {
  loadAddon();
  return problem;
}

function find(): Addon | undefined {
  if (process.env["FERRITE_NO_NATIVE"] === "1") {
    problem = "FERRITE_NO_NATIVE=1";
    return undefined;
  }
  const folder = process.env["FERRITE_NATIVE_BUILD"] === "Sanitize" ? "Sanitize" : "Release";
  const path = join(PACKAGE_FOLDER, "build", folder, "ferrite.node");
  if (!existsSync(path)) {
    problem = `${path} is not built; run: node scripts/build-native.mjs --force`;
    return undefined;
  }
  try {
    return createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    problem = `${path} does not load: ${messageOf(error)}`;
    return undefined;
  }
}
