// Builds dist/ from src/ when something in src/ is newer, and the addon when it has not been built.
// `--if-possible`: exit 0 without a compiler (an installed package ships dist/ and has no TypeScript).
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "dist", ".built");
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

function newestUnder(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

if (!existsSync(tsc) || !existsSync(join(root, "src"))) {
  if (existsSync(join(root, "dist", "cli", "main.js")) || process.argv.includes("--if-possible"))
    process.exit(0);
  console.error(
    "ferrite: cannot build: TypeScript is not installed. Run `npm ci` (with development packages) first.",
  );
  process.exit(1);
}
const newest = Math.max(newestUnder(join(root, "src")), statSync(join(root, "tsconfig.json")).mtimeMs);
if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) process.exit(0);
rmSync(join(root, "dist"), { recursive: true, force: true });
const result = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.json")], { stdio: "inherit" });
if (result.status !== 0) process.exit(result.status ?? 1);
writeFileSync(stamp, "");
