// Builds the addon (build/Release/ferrite.node) with node-gyp, without ever going to the network.
//
// Run by npm's install script. It exits 0 with one warning when a compiler, Python or Node's headers are missing:
// the portable path (node:net, node:fs) then serves, slower, and says so. It does nothing when the addon is newer
// than every native source. It works in a folder of its own and renames the result into place, so two builds at
// once, or one that is killed, never leave half a file behind, and a running server keeps the file it has mapped.
//
//   node scripts/build-native.mjs              build if needed
//   node scripts/build-native.mjs --force      build in any case
//   node scripts/build-native.mjs --sanitize   build/Sanitize, with AddressSanitizer and UBSan. Use it so:
//       LD_PRELOAD="$(gcc -print-file-name=libasan.so)" ASAN_OPTIONS=detect_leaks=0 \
//         FERRITE_NATIVE_BUILD=Sanitize npx vitest run test/contract/transport.test.ts
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sanitize = process.argv.includes("--sanitize");
const target = join(root, "build", sanitize ? "Sanitize" : "Release", "ferrite.node");

function sources() {
  const native = readdirSync(join(root, "native")).filter((name) => /\.(cc|h)$/.test(name));
  return [join(root, "binding.gyp"), ...native.map((name) => join(root, "native", name))];
}

function isFresh() {
  if (!existsSync(target)) return false;
  const built = statSync(target).mtimeMs;
  return sources().every((path) => statSync(path).mtimeMs <= built);
}

/** npm names its own copy in the environment; outside npm it lies beside the npm that belongs to this node. */
function findNodeGyp() {
  const named = process.env.npm_config_node_gyp;
  if (named !== undefined && existsSync(named)) return named;
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const places = [join(prefix, "lib", "node_modules", "npm"), join(prefix, "share", "nodejs", "npm")];
  if (process.env.npm_execpath !== undefined)
    places.unshift(dirname(dirname(realpathSync(process.env.npm_execpath))));
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const npm = join(folder, "npm");
    if (existsSync(npm)) places.push(dirname(dirname(realpathSync(npm))));
  }
  for (const place of places) {
    const script = join(place, "node_modules", "node-gyp", "bin", "node-gyp.js");
    if (existsSync(script)) return script;
  }
  try {
    return createRequire(import.meta.url).resolve("node-gyp/bin/node-gyp.js");
  } catch {
    return undefined;
  }
}

/** The folder to pass as --nodedir: it holds include/node/node_api.h, as a release, a distribution and npm's `node` have it. */
function findHeaders() {
  const binary = realpathSync(process.execPath);
  const candidates = [process.env.npm_config_nodedir, dirname(dirname(binary)), dirname(binary)];
  return candidates.find(
    (folder) => folder !== undefined && existsSync(join(folder, "include", "node", "node_api.h")),
  );
}

function giveUp(reason) {
  console.warn(`ferrite: the native addon was not built (${reason}); the portable path will serve, slower.`);
  process.exit(0);
}

function build(nodeGyp, headers) {
  const buildFolder = join(root, "build");
  mkdirSync(buildFolder, { recursive: true });
  const work = mkdtempSync(join(buildFolder, "work-"));
  try {
    cpSync(join(root, "native"), join(work, "native"), { recursive: true });
    copyFileSync(join(root, "binding.gyp"), join(work, "binding.gyp"));
    const started = new Date();
    const parameters = [nodeGyp, "rebuild", `--nodedir=${headers}`, "--", `-Dsanitize=${sanitize ? 1 : 0}`];
    const result = spawnSync(process.execPath, parameters, {
      cwd: work,
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    const product = join(work, "build", "Release", "ferrite.node");
    if (result.status !== 0 || !existsSync(product))
      return { error: `${result.stderr ?? ""}${result.stdout ?? ""}` };
    mkdirSync(dirname(target), { recursive: true });
    utimesSync(product, started, started); // a source saved while the compiler ran must count as newer
    renameSync(product, target);
    return { milliseconds: Date.now() - started.getTime() };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.env.FERRITE_NO_NATIVE === "1") giveUp("FERRITE_NO_NATIVE=1");
if (process.platform === "win32") giveUp("Windows is served by the portable path");
if (isFresh() && !process.argv.includes("--force")) process.exit(0);
const nodeGyp = findNodeGyp();
if (nodeGyp === undefined) giveUp("node-gyp, which comes with npm, was not found");
const headers = findHeaders();
if (headers === undefined) giveUp("Node's header files were not found next to its binary");
const outcome = build(nodeGyp, headers);
if (outcome.error !== undefined) {
  if (process.argv.includes("--force")) console.warn(outcome.error.trim());
  giveUp(
    "node-gyp failed; C++17, make and Python 3 are needed; `node scripts/build-native.mjs --force` shows its output",
  );
}
console.log(
  `ferrite: built ${sanitize ? "build/Sanitize" : "build/Release"}/ferrite.node in ${outcome.milliseconds} ms`,
);
