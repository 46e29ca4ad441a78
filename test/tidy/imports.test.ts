/**
 * Who may import whom: the layers of docs/architecture.md, held against every import in src/.
 *
 * A folder imports only from groups below its own and from itself. Folders of one group do not know each other.
 */
import { describe, expect, it } from "vitest";
import { repositoryFiles, type SourceFile, sourceFiles } from "./repository.ts";
import { placeOf } from "./source-text.ts";

/** Lowest first. */
const GROUPS: readonly (readonly string[])[] = [
  ["base"],
  // Contracts only, so the pure folders of the next line may name them in types.
  ["ports"],
  ["codec", "protocol", "value", "config", "metrics"],
  ["aof", "engine", "adapters"],
  ["checkpoint", "commands"],
  ["recovery", "backup", "scripting"],
  ["database"],
  ["server", "embed"],
  ["cli"],
];

/** Narrower than the groups: who alone may import a folder, and what a folder does not know. */
const IMPORTED_ONLY_BY: Readonly<Record<string, readonly string[]>> = { adapters: ["cli", "embed"] };
const DOES_NOT_KNOW: Readonly<Record<string, readonly string[]>> = { server: ["engine"], commands: ["aof"] };

/** The package's entry: the library face, replies and errors, and the types of what it hands out. */
const ENTRY = "src/index.ts";

const SOURCES = sourceFiles(repositoryFiles(), "src");
const byPath = new Map(SOURCES.map((file) => [file.path, file]));

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function levelOf(folder: string): number {
  return GROUPS.findIndex((group) => group.includes(folder));
}

/** Why the import is not allowed, or undefined. */
function objection(from: string, to: string, isType = false): string | undefined {
  if (from === ENTRY)
    return isType || /^src\/(embed|base|protocol)\//.test(to)
      ? undefined
      : "the entry sees the library face only";
  const [importer, imported] = [folderOf(from), folderOf(to)];
  if (importer === imported) return undefined;
  if (levelOf(imported) < 0) return `${imported} is in no group`;
  if (levelOf(imported) >= levelOf(importer)) return `${imported} is not below ${importer}`;
  const allowed = IMPORTED_ONLY_BY[imported];
  if (allowed !== undefined && !allowed.includes(importer))
    return `${imported} is for ${allowed.join(" and ")} alone`;
  if (DOES_NOT_KNOW[importer]?.includes(imported)) return `${importer} does not know ${imported}`;
  return undefined;
}

/** Imports that remain at run time, followed depth first; a file met again on the way is a cycle. */
function cyclesIn(files: ReadonlyMap<string, SourceFile>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      cycles.push([...way.slice(way.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const { target, isType } of files.get(path)?.imports ?? []) {
      if (target !== undefined && !isType) visit(target, [...way, path]);
    }
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return cycles;
}

describe("imports in src", () => {
  it("are found at all", () => {
    expect(SOURCES.length).toBeGreaterThan(100);
    expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
  });

  it("go down the layers only", () => {
    const wrong = SOURCES.flatMap((file) =>
      file.imports.flatMap(({ target, offset, isType }) => {
        const reason = target === undefined ? undefined : objection(file.path, target, isType);
        return reason === undefined
          ? []
          : [`${placeOf(file.path, file.text, offset)} imports ${target}: ${reason}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("name files that exist, with their extension", () => {
    const wrong = SOURCES.flatMap((file) =>
      file.imports
        .filter(({ target }) => target !== undefined && !byPath.has(target))
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("form no cycle at run time", () => {
    expect(cyclesIn(byPath)).toEqual([]);
  });

  it("would show a cycle if there were one", () => {
    const file = (path: string, target: string): [string, SourceFile] => [
      path,
      {
        path,
        text: "",
        code: "",
        withStrings: "",
        imports: [{ specifier: "", target, isType: false, offset: 0 }],
      },
    ];
    expect(cyclesIn(new Map([file("a", "b"), file("b", "c"), file("c", "a")]))).toEqual(["a → b → c → a"]);
    expect(objection("src/engine/x.ts", "src/aof/y.ts")).toBe("aof is not below engine");
    expect(objection("src/database/x.ts", "src/adapters/y.ts")).toBe("adapters is for cli and embed alone");
  });

  it("take packages that package.json declares", () => {
    const manifest = repositoryFiles().find(({ path }) => path === "package.json")!;
    const { dependencies } = JSON.parse(manifest.text) as { dependencies: Record<string, string> };
    const wrong = SOURCES.flatMap(({ path, imports }) =>
      imports
        .map(({ specifier }) => specifier)
        .filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:"))
        .filter((specifier) => !(packageOf(specifier) in dependencies))
        .map((specifier) => `${path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
