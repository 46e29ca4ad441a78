/**
 * Makes a folder with its parents.
 *
 * Not `mkdirSync(…, { recursive: true })`: Node 20 never returns from it where mkdir(2) answers ENOENT below a
 * folder that exists, as /proc does, and a mistyped path in a configuration must end in an error.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../../base/errors.ts";

/** No error if the folder exists; EEXIST if something else has the name. */
export function makeDirectory(path: string, mode: number): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== "ENOENT" || parent === path) throw error;
    makeDirectory(parent, mode);
    makeOne(path, mode);
  }
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const exists = systemCode(error) === "EEXIST" && statSync(path).isDirectory();
    if (!exists) throw error;
  }
}
