import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesGlob } from "../../src/base/glob.ts";

/** Both ranges lie inside larger buffers, so that a read outside shows. */
function matches(pattern: string, text: string, ignoreCase = false): boolean {
  const p = Buffer.from(`*${pattern}*`, "latin1");
  const t = Buffer.from(`*${text}*`, "latin1");
  return matchesGlob(p, 1, p.length - 2, t, 1, t.length - 2, ignoreCase);
}

/** The definition: a star stands for any run of bytes. Exponential, for short inputs. */
function matchesByDefinition(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    return (
      matchesByDefinition(pattern.slice(1), text) ||
      (text !== "" && matchesByDefinition(pattern, text.slice(1)))
    );
  }
  if (text === "") return false;
  const literal = pattern[0] === "?" || pattern[0] === text[0];
  return literal && matchesByDefinition(pattern.slice(1), text.slice(1));
}

describe("glob patterns", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["*", "a", true],
    ["*", "", false],
    ["", "", true],
    ["", "a", false],
    ["a*c", "abbc", true],
    ["a*c", "abbcd", false],
    ["a*b*c", "aXbYbZc", true],
    ["h?llo", "hello", true],
    ["h?llo", "hllo", false],
    ["[a-c]x", "bx", true],
    ["[c-a]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[^a-c]x", "dx", true],
    ["[]", "a", false],
    ["[^]", "a", true],
    ["[abc", "c", true],
    ["[^", "a", true],
    ["[", "[", false],
    ["[\\]]", "]", true],
    ["[a\\-c]", "b", false],
    ["[a-]", "]", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["\\", "\\", true],
    ["a\\", "a\\", true],
    ["a**", "a", true],
    ["a?", "a", false],
  ];
  for (const [pattern, text, expected] of cases) {
    it(`${JSON.stringify(pattern)} ${expected ? "matches" : "does not match"} ${JSON.stringify(text)}`, () => {
      expect(matches(pattern, text)).toBe(expected);
    });
  }

  it("folds ASCII letters when asked", () => {
    expect(matches("MAX*[A-C]", "maxmemoryb", true)).toBe(true);
    expect(matches("MAX*", "maxmemory")).toBe(false);
  });

  it("agrees with the definition of stars and question marks", () => {
    const letters = fc.constantFrom("a", "b", "*", "?");
    const texts = fc.constantFrom("a", "b");
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 8 }),
        fc.array(texts, { minLength: 1, maxLength: 10 }),
        (pattern, text) => {
          expect(matches(pattern.join(""), text.join(""))).toBe(
            matchesByDefinition(pattern.join(""), text.join("")),
          );
        },
      ),
    );
  });

  it("a pattern made to be slow costs no more than pattern times text", () => {
    expect(matches(`${"a*".repeat(500)}b`, "a".repeat(5000))).toBe(false);
  });

  it("gives up beyond 1,000 stars, as Redis does", () => {
    expect(matches("*a".repeat(1000), "a".repeat(1100))).toBe(true);
    expect(matches("*a".repeat(1001), "a".repeat(1100))).toBe(false);
  });
});
