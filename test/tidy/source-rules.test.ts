/** Rules about the text of src/: lengths, words, and that time, chance, files and sockets come in through ports. */
import { describe, expect, it } from "vitest";
import { repositoryFiles, type SourceFile, sourceFiles } from "./repository.ts";
import { placeOf } from "./source-text.ts";

const LINES_MAX = 500;
const SOURCES = sourceFiles(repositoryFiles(), "src");

/** Words that the design keeps out, because it has one word for each thing; matched as parts of identifiers. */
const FORBIDDEN_WORDS = new Set([
  "page",
  "pages",
  "chunk",
  "chunks",
  "blob",
  "blobs",
  "dump",
  "dumps",
  "journal",
  "journals",
]);
/** Folders in which such a word means something else. */
const OTHER_MEANINGS: Readonly<Record<string, readonly string[]>> = {
  // The operating system's pages of memory.
  "src/adapters/": ["page", "pages"],
};

/** Where these may be used is said with each. */
const OUTSIDE: readonly { readonly name: string; readonly pattern: RegExp; readonly allowedIn: RegExp }[] = [
  { name: "the wall clock", pattern: /\bDate\.now\b|\bnew Date\(\)/g, allowedIn: /^src\/(adapters|cli)\// },
  {
    name: "the monotonic clock",
    pattern: /\bperformance\.now\b|\bhrtime\b/g,
    allowedIn: /^src\/(adapters|cli)\//,
  },
  {
    name: "chance",
    pattern: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b/g,
    allowedIn: /^src\/adapters\//,
  },
  {
    name: "timers",
    pattern: /\b(?:setTimeout|setInterval|setImmediate)\b/g,
    allowedIn: /^src\/(adapters|cli)\//,
  },
  {
    name: "the process",
    pattern: /\bprocess\.(?:env|argv|cwd|exit|pid|stdout|stderr|on|once|kill|memoryUsage|uptime|title)\b/g,
    // embed is composed by the program that embeds it, which has no other place to say such things.
    allowedIn: /^src\/(adapters|cli|embed)\/|^src\/database\/server-parts\.ts$/,
  },
  { name: "the console", pattern: /\bconsole\.\w+/g, allowedIn: /^src\/(adapters|cli)\// },
];

const OUTSIDE_MODULES = new Set(
  [
    "fs",
    "fs/promises",
    "net",
    "tls",
    "http",
    "https",
    "dgram",
    "dns",
    "timers",
    "timers/promises",
    "child_process",
    "worker_threads",
    "os",
  ].map((name) => `node:${name}`),
);

function everyMatch(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...file.code.matchAll(pattern)].map(
      (match) => `${placeOf(file.path, file.text, match.index)}: ${match[0].trim()}`,
    ),
  );
}

describe("source files", () => {
  it(`have at most ${LINES_MAX} lines`, () => {
    const long = SOURCES.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  it("say what they are for before anything else", () => {
    const silent = SOURCES.filter(
      ({ text }) => !/\/\*\*|\/\/ /.test(text.split("\n").slice(0, 60).join("\n")),
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it("have no default export and no `any`", () => {
    expect(everyMatch(/\bexport\s+default\b/g, SOURCES)).toEqual([]);
    expect(everyMatch(/(?::|\bas|<|,|\|)\s*any\b(?!\s*[:(])/g, SOURCES)).toEqual([]);
  });

  it("use the design's words in identifiers", () => {
    const wrong = SOURCES.flatMap((file) =>
      [...file.code.matchAll(/[A-Za-z_$][\w$]*/g)]
        .filter(([name]) => wordsOf(name).some((word) => isForbidden(word, file.path)))
        .map((match) => `${placeOf(file.path, file.text, match.index)}: ${match[0]}`),
    );
    expect(wrong).toEqual([]);
  });

  for (const { name, pattern, allowedIn } of OUTSIDE) {
    it(`take ${name} from a port`, () => {
      expect(
        everyMatch(
          pattern,
          SOURCES.filter(({ path }) => !allowedIn.test(path)),
        ),
      ).toEqual([]);
    });
  }

  it("take files, sockets and the system from ports", () => {
    const wrong = SOURCES.filter(
      ({ path }) => !/^src\/(adapters|cli)\/|^src\/database\/assembly\.ts$/.test(path),
    ).flatMap((file) =>
      file.imports
        .filter(({ specifier, isType }) => !isType && OUTSIDE_MODULES.has(specifier))
        .map(({ specifier, offset }) => `${placeOf(file.path, file.text, offset)}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

function isForbidden(word: string, path: string): boolean {
  if (!FORBIDDEN_WORDS.has(word)) return false;
  return !Object.entries(OTHER_MEANINGS).some(
    ([folder, words]) => path.startsWith(folder) && words.includes(word),
  );
}

/** `pageBytes`, `PAGE_BYTES` and `page-bytes` are the words page and bytes. */
function wordsOf(identifier: string): string[] {
  return identifier
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/);
}
