/**
 * Where the package lies on disk.
 *
 * Found by its package.json and not by a fixed number of steps upwards: this code runs from src/, from dist/, and from
 * a bundle in dist/ (scripts/build.mjs), in which every module has the place of the bundle.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const PACKAGE_FOLDER: string = packageFolder();

function packageFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json in any folder above ${start}`);
  }
}
