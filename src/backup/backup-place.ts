/**
 * Where a backup may be written: below one folder, whatever a client asks for.
 *
 * Invariants
 *  - the path that is answered lies in a folder that exists, really lies below the backup folder, links followed, and was
 *    not there when it was looked for;
 *  - a refusal names the backup folder, and the option that chooses it.
 *
 * Clients may not choose freely, because BACKUP would let whoever has the password write anywhere that the server may.
 */
import { FerriteError, systemCode } from "../base/errors.ts";
import { hasUnfinishedName } from "../checkpoint/names.ts";
import type { FileSystem } from "../ports/file-system.ts";

export interface BackupPlace {
  readonly fs: FileSystem;
  /** `backup.directory`, absolute; created if it does not exist. */
  readonly directory: string;
  /** The name that a backup gets if it is given none. */
  readonly fileName: string;
  readonly nowMs: number;
}

/** Throws FerriteError: "usage" for a path that may not be used, "conflict" for one that exists. */
export function backupPath(place: BackupPlace, asked: string | undefined): string {
  const { fs, directory } = place;
  const isNew = fs.statSync(directory) === undefined;
  fs.makeDirectorySync(directory);
  if (isNew) fs.syncDirectorySync(directory.slice(0, Math.max(1, directory.lastIndexOf("/"))));
  const path = asked === undefined ? defaultPath(place) : askedPath(place, asked);
  if (fs.statSync(path) !== undefined)
    throw new FerriteError("conflict", `ERR ${path} exists and is left as it is; choose another name`);
  return path;
}

function askedPath(place: BackupPlace, asked: string): string {
  const { fs, directory } = place;
  const relative = asked.startsWith(`${directory}/`) ? asked.slice(directory.length + 1) : asked;
  const words = relative.split("/");
  if (asked.includes("\0") || words.some((word) => word === "" || word === "." || word === ".."))
    throw outside(place, asked);
  if (hasUnfinishedName(relative))
    throw new FerriteError(
      "usage",
      `ERR a backup may not be called ${asked}: the name is that of a file which is not finished`,
    );
  const path = `${directory}/${relative}`;
  const folder = path.slice(0, path.lastIndexOf("/"));
  const root = fs.realPathSync(directory);
  const found = realFolder(place, folder, asked);
  if (found !== root && !found.startsWith(root === "/" ? root : `${root}/`)) throw outside(place, asked);
  return path;
}

function realFolder({ fs, directory }: BackupPlace, folder: string, asked: string): string {
  try {
    const found = fs.realPathSync(folder);
    if (fs.statSync(found)?.kind === "directory") return found;
  } catch (error) {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTDIR") throw error;
  }
  throw new FerriteError(
    "usage",
    `ERR writing the backup ${asked}: ${directory} has no folder for it; create ${folder} first`,
  );
}

function outside({ directory }: BackupPlace, asked: string): FerriteError {
  return new FerriteError(
    "usage",
    `ERR writing the backup ${JSON.stringify(asked)}: backups are written below ${directory} only (backup.directory); give a path within it, without '..'`,
  );
}

/** The configured name, or, if that exists, the name with the time in it: `checkpoint-20260102T030405Z.ferrite`. */
function defaultPath({ fs, directory, fileName, nowMs }: BackupPlace): string {
  const plain = `${directory}/${fileName}`;
  if (fs.statSync(plain) === undefined) return plain;
  const stamp = `${new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  const dot = fileName.lastIndexOf(".");
  const end = dot > 0 ? dot : fileName.length;
  return `${directory}/${fileName.slice(0, end)}-${stamp}${fileName.slice(end)}`;
}
