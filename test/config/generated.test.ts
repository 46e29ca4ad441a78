import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { configurationDocument } from "../../src/config/documentation.ts";
import { OPTION_LIST } from "../../src/config/options.ts";
import { exampleToml } from "../../src/config/render.ts";

const root = new URL("../../", import.meta.url);
const shouldUpdate = process.env["FERRITE_TEST_UPDATE"] === "1";

describe.each([
  ["config.example.toml", exampleToml],
  ["docs/configuration.md", configurationDocument],
])("%s", (name, generate) => {
  it("is what the table of options says (FERRITE_TEST_UPDATE=1 writes it anew)", () => {
    const url = new URL(name, root);
    if (shouldUpdate) writeFileSync(url, generate());
    expect(readFileSync(url, "utf8")).toBe(generate());
  });

  it("names every option", () => {
    const text = generate();
    for (const { path } of OPTION_LIST) expect(text).toContain(path.at(-1));
  });
});
