/** Rules about all that is committed: documented commands exist, tests are whole, nothing belongs to one machine. */
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "../support/ferrite-server.ts";
import { type RepositoryFile, repositoryFiles, sourceFiles } from "./repository.ts";
import { placeOf } from "./source-text.ts";

const FILES = repositoryFiles();
const WRITTEN = FILES.filter(({ path }) => path !== "package-lock.json" && path !== "LICENSE");
const TESTS = sourceFiles(FILES, "test");
const MARKDOWN = FILES.filter(({ path }) => path.endsWith(".md"));

function everyMatch(pattern: RegExp, files: readonly RepositoryFile[]): string[] {
  return files.flatMap((file) =>
    [...file.text.matchAll(pattern)].map(
      (match) => `${placeOf(file.path, file.text, match.index)}: ${match[0].trim()}`,
    ),
  );
}

describe("the repository", () => {
  it("documents commands that package.json has", () => {
    const manifest = FILES.find(({ path }) => path === "package.json")!;
    const { scripts } = JSON.parse(manifest.text) as { scripts: Record<string, string> };
    const unknown = MARKDOWN.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)]
        .map(([, run, short]) => run ?? short!)
        .filter((name) => !(name in scripts))
        .map((name) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it("documents files that exist", () => {
    const paths = new Set(FILES.map(({ path }) => path));
    const missing = MARKDOWN.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnode ((?:bench|scripts)\/[\w./-]+)|\]\((?!https?:|#|mailto:)([^)#]+)/g)]
        .map(([, script, link]) => script ?? normalised(path, link!))
        .filter((target) => !paths.has(target) && ![...paths].some((other) => other.startsWith(`${target}/`)))
        .map((target) => `${path}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it("names no folder of the machine it was written on", () => {
    const parent = `${dirname(REPOSITORY)}/`;
    // A checkout below a folder for temporary files says nothing about who works where; tests name such paths too.
    const own =
      parent.length > 1 && !parent.startsWith("/tmp/")
        ? [new RegExp(`(?<![\\w.])${escaped(parent)}[\\w.]+`, "g")]
        : [];
    for (const pattern of [...own, /(?<![\w.])\/(?:home|Users)\/[a-z][\w-]*\//g]) {
      expect(everyMatch(pattern, WRITTEN)).toEqual([]);
    }
  });

  it("reads nothing outside of itself", () => {
    const code = FILES.filter(
      ({ path }) => /\.(ts|mjs|json|toml|yml|sh|gyp)$/.test(path) || path.startsWith(".ci/"),
    );
    const wrong = code.flatMap(({ path, text }) => {
      const depth = path.split("/").length - 1;
      const outside = new RegExp(`["'\`](?:\\./)?(?:\\.\\./){${depth + 1},}`, "g");
      return [...text.matchAll(outside)].map((match) => placeOf(path, text, match.index));
    });
    expect(wrong).toEqual([]);
  });

  it("has no test that runs alone, and none that is skipped without a reason in its title", () => {
    const alone = /\b(?:describe|it|test)(?:\.\w+)*\.only\b|\b(?:fdescribe|fit)\(/g;
    const skipped =
      /\b(?:describe|it|test)(?:\.\w+)*\.(?:skip|todo)\((?!\s*`[^`]*\$\{|\s*["'][^"']*\()|\b(?:xit|xdescribe)\(/g;
    const tests = TESTS.map(({ path, withStrings }) => ({ path, text: withStrings }));
    // This file holds the patterns themselves.
    const others = tests.filter(({ path }) => path !== "test/tidy/repository.test.ts");
    expect(everyMatch(alone, others)).toEqual([]);
    expect(everyMatch(skipped, others)).toEqual([]);
  });

  it("ends every text file with one line end and keeps no spaces at the ends of lines", () => {
    const code = WRITTEN.filter(
      ({ path }) => /\.(ts|mjs|json|toml|md|cc|h|gyp)$/.test(path) && !path.startsWith("test/golden/"),
    );
    expect(code.filter(({ text }) => text !== "" && !/[^\n]\n$/.test(text)).map(({ path }) => path)).toEqual(
      [],
    );
    expect(everyMatch(/[^\n]*[ \t]+(?=\n)/g, code)).toEqual([]);
  });
});

function normalised(from: string, link: string): string {
  return new URL(link.trim(), `file:///${from}`).pathname.slice(1).replace(/\/$/, "");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
