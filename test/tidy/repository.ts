/** The files of the repository, those not yet committed included, and the imports between the source files. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { REPOSITORY } from "../support/ferrite-server.ts";
import { type SourceText, scanSource } from "./source-text.ts";

export interface RepositoryFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface SourceFile extends RepositoryFile, SourceText {
  readonly imports: readonly Import[];
}

export interface Import {
  readonly specifier: string;
  /** The repository path of a relative import. */
  readonly target?: string;
  /** Nothing of it is left at run time. */
  readonly isType: boolean;
  readonly offset: number;
}

/** Every text file that is, or would be, committed. */
export function repositoryFiles(): RepositoryFile[] {
  return (trackedPaths() ?? allPaths())
    .filter((path) => existsSync(join(REPOSITORY, path)))
    .map((path) => ({ path, text: readFileSync(join(REPOSITORY, path), "utf8") }))
    .filter(({ text }) => !text.includes("\0"));
}

/** undefined where there is no git, or no checkout: in an unpacked archive. */
function trackedPaths(): string[] | undefined {
  // A container often runs as another user than the one who made the checkout.
  const words = ["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const { status, stdout } = spawnSync("git", words, {
    cwd: REPOSITORY,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  return status === 0 ? stdout.split("\0").filter((path) => path !== "") : undefined;
}

const MADE = new Set(["node_modules", "dist", "build", "data", ".git", "results"]);

function allPaths(folder = ""): string[] {
  return readdirSync(join(REPOSITORY, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (MADE.has(entry.name)) return [];
    return entry.isDirectory() ? allPaths(path) : [path];
  });
}

export function sourceFiles(files: readonly RepositoryFile[], folder: string): SourceFile[] {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`) && path.endsWith(".ts"))
    .map((file) => {
      const source = scanSource(file.text);
      return { ...file, ...source, imports: importsOf(file.path, source) };
    });
}

const STATEMENT = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?([^;"]*?)\s*from\s*"([^"]+)"/g;
const BARE = /(?:^|\n)\s*import\s+"([^"]+)"/g;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/g;

function importsOf(path: string, { withStrings }: SourceText): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, isType: boolean, offset: number): void => {
    const target = specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : undefined;
    found.push({ specifier, isType, offset, ...(target === undefined ? {} : { target }) });
  };
  for (const match of withStrings.matchAll(STATEMENT)) {
    add(match[3]!, match[1] !== undefined || hasOnlyTypes(match[2]!), match.index + 1);
  }
  for (const match of withStrings.matchAll(BARE)) add(match[1]!, false, match.index + 1);
  for (const match of withStrings.matchAll(DYNAMIC)) add(match[1]!, false, match.index);
  return found;
}

/** `{ type A, type B }` */
function hasOnlyTypes(clause: string): boolean {
  const names = /^\{([^}]*)\}$/.exec(clause.trim())?.[1];
  if (names === undefined) return false;
  const parts = names.split(",").map((part) => part.trim());
  return parts.every((part) => part === "" || part.startsWith("type "));
}
