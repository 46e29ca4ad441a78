import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { changeToml, type TomlChange } from "../../src/config/rewrite.ts";
import { locateToml } from "../../src/config/toml-positions.ts";
import { MemoryFiles } from "./memory-files.ts";

const change = (key: string, toml: string, isDefault = false): TomlChange => ({
  path: key.split("."),
  toml,
  isDefault,
});

describe("changing values of a TOML file", () => {
  it("keeps comments, order, blank lines and spelling", () => {
    const before = `# top
title = 'x'   # not ours

[server] # the server
port   =   7000 # why 7000
bind = [
  "127.0.0.1", # local
  "::1",
]

# memory
[storage]
max_memory = "1GB"
`;
    const after = changeToml(before, [
      change("server.port", "7001"),
      change("server.bind", '["0.0.0.0"]'),
      change("storage.max_memory", '"2GB"'),
      change("storage.max_memory_policy", '"allkeys-lru"'),
      change("server.hz", "50"),
    ]);
    expect(after).toBe(`# top
title = 'x'   # not ours

[server] # the server
port   =   7001 # why 7000
bind = ["0.0.0.0"]
hz = 50

# memory
[storage]
max_memory = "2GB"
max_memory_policy = "allkeys-lru"
`);
  });

  it.each([
    ["", "[server]\nhz = 50\n"],
    ["[storage]\nmax_memory = 1", "[storage]\nmax_memory = 1\n\n[server]\nhz = 50\n"],
    ["[server]", "[server]\nhz = 50\n"],
    ["[server]\r\nport = 1\r\n", "[server]\r\nport = 1\r\nhz = 50\r\n"],
    ["server.port = 1 # x\n[storage]\n", "server.port = 1 # x\nserver.hz = 50\n[storage]\n"],
    ["server = { port = 1 }\n", "server = { port = 1, hz = 50 }\n"],
    ["server = {}\n", "server = { hz = 50 }\n"],
    ["[server.tls]\nport = 1\n", "[server.tls]\nport = 1\n\n[server]\nhz = 50\n"],
    ["[server]\n'hz' = 1\n", "[server]\n'hz' = 50\n"],
    ['[ server ]\n"h\\u007a" = 1\n', '[ server ]\n"h\\u007a" = 50\n'],
  ])("puts a value where its table is: %j", (before, after) => {
    expect(changeToml(before, [change("server.hz", "50")])).toBe(after);
  });

  it("finds the table of a dotted key inside a section", () => {
    expect(
      changeToml("[server]\ntls.port = 1\n[storage]\n", [change("server.tls.auth_clients", '"no"')]),
    ).toBe('[server]\ntls.port = 1\ntls.auth_clients = "no"\n[storage]\n');
  });

  it("adds no value that holds without the file, and leaves a line that says the same alone", () => {
    const text = "[server]\nhz = 0x0a\n";
    expect(changeToml(text, [change("server.timeout", "0", true), change("server.hz", "10", true)])).toBe(
      text,
    );
  });

  it("changes nothing but the value, whatever surrounds it", () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    const value = fc.oneof(
      fc.integer().map(String),
      fc.string().map((text) => JSON.stringify(text)),
      fc.constantFrom(
        "'a # b'",
        '"""x\n"y" # z"""',
        "'''\n]\n'''",
        '[1, [2, "]"], # c\n 3]',
        "{ a = 1, b = '}' }",
        "1979-05-27 07:32:00",
        '""',
        "''",
      ),
    );
    const section = fc.record({
      name: word,
      entries: fc.uniqueArray(fc.tuple(word, value), { selector: ([key]) => key }),
    });
    const sections = fc.uniqueArray(section, { selector: ({ name }) => name, minLength: 1 });
    fc.assert(
      fc.property(sections, fc.nat(), (list, pick) => {
        const lines = list.flatMap(({ name, entries }) => [
          `# about ${name}`,
          `[${name}] # here`,
          ...entries.map(([key, text]) => `  ${key} = ${text}  # note`),
          "",
        ]);
        const before = `${lines.join("\n")}\n`;
        const all = list.flatMap(({ name, entries }) => entries.map(([key, text]) => ({ name, key, text })));
        const chosen = all[pick % Math.max(1, all.length)];
        if (chosen === undefined) return;
        const after = changeToml(before, [change(`${chosen.name}.${chosen.key}`, '"new"')]);
        const expected = parse(before) as Record<string, Record<string, unknown>>;
        expected[chosen.name]![chosen.key] = "new";
        expect(JSON.stringify(parse(after))).toBe(JSON.stringify(expected));
        const [head, tail] = [before.indexOf(`[${chosen.name}]`), before.length];
        expect(after.slice(0, head)).toBe(before.slice(0, head));
        expect(after.length).toBe(tail - chosen.text.length + '"new"'.length);
      }),
    );
  });
});

describe("positions in a TOML file", () => {
  it("gives lines of tables, keys and values in inline tables", () => {
    const { entries, tables } = locateToml(
      'a = 1\n\n[b.c]\n"d.e" = """\nx\n""" # z\nf = { g = [1, { h = 2 }], i = 3 }\n',
    );
    expect(tables.map(({ path, line }) => [path, line])).toEqual([
      [[], 1],
      [["b", "c"], 3],
    ]);
    expect(entries.map(({ path, line }) => [path.join("/"), line])).toEqual([
      ["a", 1],
      ["b/c/d.e", 4],
      ["b/c/f/g", 7],
      ["b/c/f/i", 7],
      ["b/c/f", 7],
    ]);
  });
});

describe("CONFIG REWRITE", () => {
  const path = "/etc/ferrite.toml";
  const open = (text: string, flags: { key: string; text: string; flag: string }[] = []) => {
    const files = new MemoryFiles({ [path]: text });
    const config = loadConfig({ file: { path, text, folder: "/etc" }, flags, workingFolder: "/srv" });
    const copied: string[][] = [];
    config.useFile({
      path,
      files,
      copyPermissions: (from, to) => copied.push([from, to, files.text(to) ?? ""]),
    });
    return { config, files, copied };
  };

  it("needs a configuration file", () => {
    expect(loadConfig({ workingFolder: "/srv" }).rewrite()).toBe(
      "ERR The server is running without a config file",
    );
  });

  it("writes what CONFIG SET has changed, and only that", () => {
    const flags = [{ key: "server.port", text: "7000", flag: "--port" }];
    const { config, files } = open("# mine\n[server]\nport = 6380 # keep\nhz = 20\n", flags);
    config.setLive([
      ["hz", "50"],
      ["maxmemory", "1gb"],
      ["requirepass", 'p"w'],
      ["timeout", "0"],
    ]);
    expect(config.rewrite()).toBeUndefined();
    expect(files.text(path)).toBe(
      '# mine\n[server]\nport = 6380 # keep\nhz = 50\nrequirepass = "p\\"w"\n\n[storage]\nmax_memory = "1GB"\n',
    );
    const again = loadConfig({
      file: { path, text: files.text(path)!, folder: "/etc" },
      flags,
      workingFolder: "/srv",
    });
    expect(again.values).toEqual(config.values);
  });

  it("replaces the file atomically and durably, with the permissions of the old one set before a byte is in it", () => {
    const { config, files, copied } = open("[server]\nhz = 20\n");
    config.setLive([["hz", "50"]]);
    files.operations.length = 0;
    config.rewrite();
    expect(files.operations).toEqual([
      `create ${path}.new`,
      `append ${path}.new`,
      `sync ${path}.new`,
      `rename ${path}.new ${path}`,
      "sync /etc",
    ]);
    expect(copied).toEqual([[path, `${path}.new`, ""]]);
  });

  it("keeps what its owner has written since the start", () => {
    const { config, files } = open("[server]\nhz = 20\n");
    files.put(path, "# new\n[server]\nmax_clients = 5\nhz = 20\n");
    config.setLive([["hz", "50"]]);
    config.rewrite();
    expect(files.text(path)).toBe("# new\n[server]\nmax_clients = 5\nhz = 50\n");
  });

  it("leaves the file as it was when writing fails or the file is not TOML any more", () => {
    const { config, files } = open("[server]\nhz = 20\n");
    config.setLive([["hz", "50"]]);
    files.failAppends = true;
    expect(config.rewrite()).toBe("ERR Rewriting CONFIG file: no space left on device");
    expect(files.names()).toEqual([path]);
    expect(files.text(path)).toBe("[server]\nhz = 20\n");
    files.failAppends = false;
    files.put(path, "[server\n");
    expect(config.rewrite()).toMatch(/^ERR Rewriting CONFIG file: Invalid TOML/);
    expect(files.text(path)).toBe("[server\n");
  });

  it("writes nothing when nothing was changed", () => {
    const { config, files } = open("[server]\nhz = 20\n");
    files.operations.length = 0;
    expect(config.rewrite()).toBeUndefined();
    expect(files.operations).toEqual([]);
  });
});
