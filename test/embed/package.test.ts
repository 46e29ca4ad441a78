/** The package through its own door: what is packed, how it is imported, and what its types allow. */
import { describe, expect, it } from "vitest";
import { builtProject } from "./built-package.ts";

describe("the packed package", () => {
  it("has what a user needs and nothing of the workshop", async () => {
    const { files } = await builtProject();
    for (const name of [
      "package.json",
      "dist/index.js",
      "dist/index.d.ts",
      "dist/cli/main.js",
      "scripts/build-native.mjs",
      "config.example.toml",
      "docs/library.md",
    ]) {
      expect(files).toContain(name);
    }
    expect(files.some((name) => name.startsWith("native/") && name.endsWith(".cc"))).toBe(true);
    expect(files.filter((name) => /^(src|test|bench|node_modules|build|data)\//.test(name))).toEqual([]);
  });

  it("opens, works and ends by itself when imported by name", async () => {
    const project = await builtProject();
    const output = await project.module(`
      import { FerriteError, open, ReplyError } from "ferrite";
      const db = await open("./by-name");
      await db.set("k", "v");
      const refusal = await db.call("NOSUCH").catch((error) => error instanceof ReplyError);
      const usage = await open("").catch((error) => error instanceof FerriteError && error.kind);
      console.log(await db.getText("k"), refusal, usage);
      await db.close();
    `);
    expect(output).toBe("v true usage\n");
  });

  it("is not to be entered by any other door", async () => {
    const project = await builtProject();
    await expect(project.module(`import "ferrite/dist/database/database.js";`)).rejects.toThrow(
      /ERR_PACKAGE_PATH_NOT_EXPORTED/,
    );
  });

  it("has types that stand without Node's", async () => {
    const project = await builtProject();
    const errors = await project.typeErrors(`
      import { open, FerriteError, ReplyError, type OpenOptions, type FerriteDatabase } from "ferrite";
      const options: OpenOptions = { config: { "persistence.aof_sync": "always", "storage.max_memory": "1GB" }, logger: "silent" };
      export async function f(): Promise<Uint8Array | null> {
        await using db: FerriteDatabase = await open("./data", options);
        const text: string | null = await db.getText("k");
        if (text === null) throw new FerriteError("usage", new ReplyError("ERR x").code);
        for await (const key of db.scan({ match: "a*" })) await db.del(key);
        return db.get(new Uint8Array(1));
      }
    `);
    expect(errors).toBe("");
    const wrong = await project.typeErrors(`
      import { open } from "ferrite";
      await open("./data", { config: { "persistence.aof_sync": "sometimes" } });
    `);
    expect(wrong).toMatch(/"sometimes"/);
  });
});
