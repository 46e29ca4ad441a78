/**
 * The package as its users get it: compiled, packed by npm, unpacked into a project's node_modules. For tests that
 * need other processes and threads, or the package's own door.
 *
 * Nothing is downloaded: what the package depends on is linked from the repository.
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryFolder } from "../support/temp.ts";

const run = promisify(execFile);
const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const COMPILER = join(REPOSITORY, "node_modules/typescript/bin/tsc");

export interface Project {
  /** A folder with `node_modules/ferrite` in it. */
  readonly folder: string;
  /** What the tarball holds, relative to the package. */
  readonly files: readonly string[];
  /** Runs a module of this text in the project; answers its output. Rejects if it fails or runs for too long. */
  module(text: string, args?: readonly string[]): Promise<string>;
  /** Writes a module and answers its path. */
  write(name: string, text: string): string;
  /** Type-checks a module of this text against the package's declarations; answers the compiler's complaints. */
  typeErrors(text: string): Promise<string>;
}

let made: Promise<Project> | undefined;

/** The project, made once per test file. */
export const builtProject = (): Promise<Project> => (made ??= makeProject());

async function makeProject(): Promise<Project> {
  const folder = temporaryFolder("project");
  const files = await packInto(folder);
  const installed = join(folder, "node_modules/ferrite");
  const { dependencies } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) {
    symlinkSync(join(REPOSITORY, "node_modules", name), join(folder, "node_modules", name));
  }
  // What the install script would build from the package's sources.
  if (existsSync(join(REPOSITORY, "build"))) symlinkSync(join(REPOSITORY, "build"), join(installed, "build"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  let count = 0;
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    folder,
    files,
    write,
    async module(text, args = []) {
      const path = write(`script-${count++}.mjs`, text);
      const { stdout } = await run(process.execPath, [path, ...args], { cwd: folder, timeout: 40_000 });
      return stdout;
    },
    typeErrors: (text) => typeErrors(folder, write(`types-${count++}.mts`, text)),
  };
}

/** Compiles, packs and unpacks; answers the files of the tarball. */
async function packInto(folder: string): Promise<readonly string[]> {
  const source = join(folder, "source");
  mkdirSync(source);
  for (const name of [
    "package.json",
    "native",
    "scripts",
    "docs",
    "config.example.toml",
    "README.md",
    "LICENSE",
  ]) {
    const from = join(REPOSITORY, name);
    if (existsSync(from)) cpSync(from, join(source, name), { recursive: true });
  }
  // Whether the sources compile without complaint is another check's business; what was emitted is tested here.
  const config = join(REPOSITORY, "tsconfig.json");
  await run(process.execPath, [COMPILER, "-p", config, "--outDir", join(source, "dist")]).catch(() => {});
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", "--offline"], { cwd: source });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  const installed = join(folder, "node_modules/ferrite");
  mkdirSync(installed, { recursive: true });
  await run("tar", ["-xzf", join(source, packed.filename), "--strip-components=1", "-C", installed]);
  return packed.files.map((file) => file.path);
}

/** With the declarations of libraries checked too, and nothing of Node's. */
async function typeErrors(folder: string, path: string): Promise<string> {
  const options = [
    "--strict",
    "--noEmit",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--lib",
    "es2023,esnext.disposable",
  ];
  const command = [COMPILER, ...options, "--types", "", path];
  const { stdout } = await run(process.execPath, command, { cwd: folder }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout;
}
