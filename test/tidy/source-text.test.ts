import { describe, expect, it } from "vitest";
import { scanSource } from "./source-text.ts";

const codeOf = (text: string): string => scanSource(text).code.replace(/ +/g, " ");

/** Text with template placeholders, written with `@` so that it is not taken for a forgotten template here. */
const template = (text: string): string => text.replaceAll("@", "$");

describe("the scanner behind the rules", () => {
  it("blanks comments and strings and keeps code, offsets and lines", () => {
    const text = 'const a = "setTimeout"; // Date.now\n/* any\n any */ let b = 1;\n';
    const { code, withStrings } = scanSource(text);
    expect(code).toHaveLength(text.length);
    expect(code).not.toMatch(/setTimeout|Date|any/);
    expect(code.split("\n")).toHaveLength(text.split("\n").length);
    expect(withStrings).toContain('"setTimeout"');
    expect(withStrings).not.toContain("Date.now");
    expect(code.indexOf("let b")).toBe(text.indexOf("let b"));
  });

  it("reads code inside templates, nested ones too", () => {
    expect(codeOf(template("`text @{Date.now() + `@{inner({ a: 1 })} more`} text` + after"))).toMatch(
      /Date\.now\(\).*inner\(\{ a: 1 \}\).*after/,
    );
    expect(codeOf(template("`text @{a} word` + b"))).not.toMatch(/text|word/);
  });

  it("tells a regular expression from a division", () => {
    expect(codeOf('const r = /["`]/.test(x); const y = "hidden";')).not.toContain("hidden");
    expect(codeOf('const half = a / b; const c = d / "hidden".length; visible')).toContain("visible");
    expect(codeOf("x.replace(/\\/[/]'/g, y); visible")).toContain("visible");
  });

  it("is not confused by quotes within quotes", () => {
    expect(codeOf(`const a = "it's"; const b = '"'; const c = "\\""; visible`)).toContain("visible");
    expect(codeOf("// it's\nvisible")).toContain("visible");
  });
});
