/**
 * The names of the files in a checkpoint folder: the one place that builds and parses them.
 *
 * Invariant: ids and births have a fixed width, so that names sort as numbers do.
 */

export const SEGMENTS_FOLDER = "segments";
/** In a data directory: where a backup is unpacked before it becomes its checkpoints. */
export const RESTORING_FOLDER = "checkpoints.restoring";
/** Ten decimal digits. */
export const CHECKPOINT_ID_MAX = 9_999_999_999;
/** Births are written as 16 hex digits; numbers in JavaScript are exact up to here. */
export const BIRTH_MAX = Number.MAX_SAFE_INTEGER;

const UNFINISHED = ".new";
const ID_DIGITS = 10;
const BIRTH_DIGITS = 16;

export type CheckpointFileKind = "manifest" | "index" | "values";

export type ParsedName =
  | { readonly kind: CheckpointFileKind; readonly id: number }
  /** Whatever it was going to be: never read, removed at start. */
  | { readonly kind: "unfinished" };

export function manifestName(id: number): string {
  return `${idText(id)}.manifest`;
}

export function indexName(id: number): string {
  return `${idText(id)}.index`;
}

export function valuesName(id: number): string {
  return `${idText(id)}.values`;
}

/** Within the folder of segments. */
export function segmentName(birth: number): string {
  return `${birth.toString(16).padStart(BIRTH_DIGITS, "0")}.segment`;
}

/** The name that a file has until it is whole. */
export function unfinishedName(name: string): string {
  return name + UNFINISHED;
}

export function hasUnfinishedName(name: string): boolean {
  return name.endsWith(UNFINISHED);
}

/** undefined for a name that none of ours has. */
export function parseName(name: string): ParsedName | undefined {
  const match = /^([0-9]{10})\.(manifest|index|values)(\.new)?$/.exec(name);
  if (match === null) return undefined;
  if (match[3] !== undefined) return { kind: "unfinished" };
  return { kind: match[2] as CheckpointFileKind, id: Number(match[1]) };
}

export type ParsedSegmentName =
  | { readonly kind: "segment"; readonly birth: number }
  | { readonly kind: "unfinished" };

export function parseSegmentName(name: string): ParsedSegmentName | undefined {
  const match = /^([0-9a-f]{16})\.segment(\.new)?$/.exec(name);
  if (match === null) return undefined;
  if (match[2] !== undefined) return { kind: "unfinished" };
  const birth = Number.parseInt(match[1]!, 16);
  return birth <= BIRTH_MAX ? { kind: "segment", birth } : undefined;
}

function idText(id: number): string {
  return String(id).padStart(ID_DIGITS, "0");
}
