// Builds dist/ from src/ when something in src/ is newer.
// `--if-possible`: exit 0 without a compiler (an installed package ships dist/ and has no TypeScript).
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
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
await bundleProgram();
writeFileSync(stamp, "");

/**
 * Puts the program `ferrite` into a few files in dist/cli. Node keeps some 80 objects for each module of its own (its
 * name in every importer's words, promises, cells, …) for as long as the process lives: with 350 modules that was a quarter of
 * what a full garbage collection of a server had to mark. The rest of dist/ stays as it is, module by module: the
 * library and the benchmarks of single parts use it.
 */
async function bundleProgram() {
  const { rolldown } = await import("rolldown");
  const folder = join(root, "dist", "cli");
  const bundle = await rolldown({
    input: join(folder, "main.js"),
    platform: "node",
    // Packages stay packages; addresses beginning with a dot or a slash are ours.
    external: (name) => !/^[./]/.test(name),
  });
  const built = join(root, "dist", "bundle");
  await bundle.write({ dir: built, format: "esm", chunkFileNames: "[name].js", comments: false });
  await bundle.close();
  rmSync(folder, { recursive: true });
  renameSync(built, folder);
}
