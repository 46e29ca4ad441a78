import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AssertionBroken } from "../../src/base/assert.ts";
import { FerriteError } from "../../src/base/errors.ts";
import { exampleToml } from "../../src/config/render.ts";
import { FakeHost } from "./fake-host.ts";

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost();
});
afterEach(() => host.dispose());

describe("the command line", () => {
  it.each([
    [["rnu"], "unknown command 'rnu'; did you mean 'run'?"],
    [["xyzzyx"], "unknown command 'xyzzyx'; see ferrite --help"],
    [["my.toml"], "unknown command 'my.toml'; a configuration file is given with --config my.toml"],
    [["--prot", "1"], "unknown flag --prot; did you mean --port?"],
    [["run", "--prot=1"], "unknown flag --prot; did you mean --port?"],
    [["-x"], "unknown flag -x; see ferrite run --help"],
    [["--requirepass", "x"], "unknown flag --requirepass; use --set server.requirepass=VALUE"],
    [["--maxmemory", "1"], "unknown flag --maxmemory; use --set storage.max_memory=VALUE"],
    [
      ["--server.timeout", "1"],
      "unknown flag --server.timeout; set an option with --set server.timeout=VALUE",
    ],
    [["init", "--port", "1"], "'ferrite init' has no flag --port; it belongs to 'ferrite run'"],
    [["--port"], "--port needs a value: --port PORT"],
    [["-p", "--bind", "x"], "-p needs a value: -p PORT"],
    [["--test-config=yes"], "--test-config takes no value"],
    [["--set", "x"], "--set needs KEY=VALUE, found 'x'"],
    [
      ["--port", "1", "run"],
      "unexpected argument 'run' for 'ferrite run'; the command comes first: ferrite COMMAND [FLAGS]",
    ],
    [["init", "a", "b"], "unexpected argument 'b' for 'ferrite init'"],
    [["aof"], "'ferrite aof' needs one of: stats, check, repair, truncate"],
    [["aof", "chekc"], "unknown word 'chekc' after 'ferrite aof'; did you mean 'check'?"],
    [
      ["completions", "powershell"],
      "unknown word 'powershell' after 'ferrite completions'; it is one of: bash, zsh, fish",
    ],
    [["--port", "x"], 'server.port in --port: expected an integer from 0 to 65535, found "x"'],
    [["-p", "x"], 'server.port in -p: expected an integer from 0 to 65535, found "x"'],
    [
      ["--set", "storage.max_memroy=1"],
      "unknown option 'storage.max_memroy' in --set; did you mean 'storage.max_memory'?",
    ],
    [
      ["-c", "none.toml"],
      "cannot read the configuration file none.toml: there is no such file; 'ferrite init' writes one",
    ],
  ])("%j says: %s", async (words, message) => {
    expect(await host.run(...words)).toBe(2);
    expect(host.errors).toBe(`ferrite: ${message}\n`);
    expect(host.output).toBe("");
    expect(host.started).toEqual([]);
  });

  it("prints its version and help", async () => {
    expect(await host.run("--version")).toBe(0);
    expect(host.output).toBe("ferrite 9.8.7\n");
    host.output = "";
    expect(await host.run("--help")).toBe(0);
    for (const word of [
      "init",
      "doctor",
      "--data-dir DIR",
      "-p, --port PORT",
      "Exit codes:",
      "--set KEY=VALUE",
    ]) {
      expect(host.output).toContain(word);
    }
    host.output = "";
    expect(await host.run("aof", "--help")).toBe(0);
    expect(host.output).toContain("Usage: ferrite aof stats|check|repair|truncate [FLAGS]");
  });
});

describe("the configuration of run", () => {
  it("puts file, environment and flags together", async () => {
    host.write("my.toml", "[server]\nport = 7000\nhz = 20\n[storage]\ndata_dir = 'd'\n");
    host.environment = { FERRITE_CONFIG: "my.toml", FERRITE_PORT: "7001", FERRITE_DATABASES: "4" };
    host.start = async () => ({ banner: {}, stop: async () => {}, ended: Promise.resolve() });
    expect(await host.run("-p7002", "--set", "server.max_clients=50", "-b", "127.0.0.1,::1")).toBe(0);
    const { server, storage } = host.started[0]!.values;
    expect(server).toMatchObject({
      port: 7002,
      hz: 20,
      databases: 4,
      max_clients: 50,
      bind: ["127.0.0.1", "::1"],
    });
    expect(storage.data_dir).toBe(host.path("d"));
    expect(host.started[0]!.filePath).toBe(host.path("my.toml"));
  });

  it("takes ./ferrite.toml by itself, and --config before it", async () => {
    host.write("ferrite.toml", "[server]\nport = 7000\n");
    host.write("other.toml", "[server]\nport = 7009\n");
    expect(await host.run("--test-config")).toBe(0);
    expect(host.output).toBe(`the configuration is valid (${host.path("ferrite.toml")})\n`);
    host.output = "";
    expect(await host.run("--dump-config", "--config", "other.toml")).toBe(0);
    expect(host.output).toContain("port = 7009  # other.toml line 2\n");
  });

  it("is checked without starting anything", async () => {
    host.write("ferrite.toml", "[server]\nprot = 7000\n");
    expect(await host.run("--test-config")).toBe(2);
    expect(host.errors).toBe(
      "ferrite: unknown option 'server.prot' in ferrite.toml line 2; did you mean 'server.port'?\n",
    );
    expect(host.started).toEqual([]);
  });

  it("is printed with its defaults as the example file", async () => {
    expect(await host.run("--dump-config", "--defaults")).toBe(0);
    expect(host.output).toBe(exampleToml());
  });

  it("can be written back by CONFIG REWRITE, with the file's permissions kept", async () => {
    host.write("ferrite.toml", "[server]\nhz = 20 # mine\n");
    host.start = async (config) => {
      expect(config.setLive([["hz", "50"]])).toBeUndefined();
      expect(config.rewrite()).toBeUndefined();
      return { banner: {}, stop: async () => {}, ended: Promise.resolve() };
    };
    expect(await host.run()).toBe(0);
    expect(host.text("ferrite.toml")).toBe("[server]\nhz = 50 # mine\n");
  });
});

describe("running", () => {
  const banner = { listening: "127.0.0.1:6379", keys: 3 };

  it("shows the banner on a terminal only", async () => {
    host.start = async () => ({ banner, stop: async () => {}, ended: Promise.resolve() });
    await host.run();
    expect(host.output).toBe("");
    host.outputIsTerminal = true;
    await host.run();
    expect(host.output).toBe("ferrite 9.8.7\n  listening  127.0.0.1:6379\n  keys       3\n");
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "stops on %s, finishes what is acknowledged, and exits with 0",
    async (signal) => {
      const stopped: string[] = [];
      host.start = async () => {
        queueMicrotask(() => setImmediate(() => host.signals[0]!(signal)));
        return { banner, stop: async (reason) => void stopped.push(reason) };
      };
      expect(await host.run()).toBe(0);
      expect(stopped).toEqual([signal]);
      expect(host.exits).toEqual([]);
    },
  );

  it("exits at once with 1 on a second signal", async () => {
    let finish = (): void => {};
    host.start = async () => ({ banner, stop: () => new Promise<void>((resolve) => (finish = resolve)) });
    const code = host.run();
    await new Promise((resolve) => setImmediate(resolve));
    host.signals[0]!("SIGTERM");
    await new Promise((resolve) => setImmediate(resolve));
    expect(host.exits).toEqual([]);
    host.signals[0]!("SIGTERM");
    expect(host.exits).toEqual([1]);
    finish();
    expect(await code).toBe(0);
  });

  it("exits at once with 0 on a signal while it starts, when nothing has been acknowledged", async () => {
    host.start = async () => {
      host.signals[0]!("SIGTERM");
      return { banner, stop: async () => {}, ended: Promise.resolve() };
    };
    await host.run();
    expect(host.exits).toEqual([0]);
  });

  it.each([
    [new FerriteError("usage", "a bad option"), 2],
    [new FerriteError("unavailable", "port 6379 is in use"), 3],
    [Object.assign(new Error("listen EADDRINUSE: address in use"), { code: "EADDRINUSE" }), 3],
    [new FerriteError("conflict", "the data directory is in use"), 4],
    [new FerriteError("corruption", "the log is damaged at offset 17"), 5],
  ])("says why it could not start in one line: %s", async (error, code) => {
    host.start = async () => {
      throw error;
    };
    expect(await host.run()).toBe(code);
    expect(host.errors).toBe(`ferrite: ${error.message}\n`);
  });

  it("shows the stack of what must not happen, and of everything when debugging", async () => {
    host.start = async () => {
      throw new AssertionBroken("two and two are five");
    };
    expect(await host.run()).toBe(1);
    expect(host.errors).toMatch(/^ferrite: two and two are five\nAssertionBroken: [\s\S]*\n {4}at /);
    host.errors = "";
    host.start = async () => {
      throw new FerriteError("conflict", "in use");
    };
    expect(await host.run("-l", "debug")).toBe(4);
    expect(host.errors).toMatch(/^ferrite: in use\nFerriteError: in use\n {4}at /);
  });

  it("fails when the server cannot go on or cannot stop", async () => {
    host.start = async () => ({
      banner,
      stop: async () => {},
      ended: Promise.reject(new FerriteError("corruption", "bad")),
    });
    expect(await host.run()).toBe(5);
    host.start = async () => {
      setImmediate(() => host.signals.at(-1)!("SIGTERM"));
      return { banner, stop: () => Promise.reject(new FerriteError("unavailable", "the disk is full")) };
    };
    expect(await host.run()).toBe(3);
  });
});

describe("init", () => {
  it("writes a configuration that is valid and a data directory beside it", async () => {
    expect(await host.run("init", "new/place")).toBe(0);
    expect(host.output).toContain(`wrote ${host.path("new/place/ferrite.toml")}\n`);
    expect(host.files.statSync(host.path("new/place/data"))?.kind).toBe("directory");
    host.output = "";
    expect(await host.run("--dump-config", "-c", "new/place/ferrite.toml")).toBe(0);
    expect(host.output).toContain(`data_dir = "${host.path("new/place/data")}"  # ferrite.toml line`);
  });

  it("never overwrites", async () => {
    host.write("ferrite.toml", "# mine\n");
    expect(await host.run("init")).toBe(4);
    expect(host.errors).toContain(`${host.path("ferrite.toml")} exists and is left as it is`);
    expect(host.text("ferrite.toml")).toBe("# mine\n");
  });
});

describe("aof", () => {
  it("prints reports as text and JSON, for the folder and stem of the configuration", async () => {
    host.files.makeDirectorySync(host.path("d/aof"));
    host.aofOutcome = {
      report: { parts: [{ name: "a", bytes: 5 }], torn: undefined },
      verdict: "intact",
      summary: "5 bytes",
    };
    expect(await host.run("aof", "stats", "--data-dir", "d", "--set", "persistence.aof_file=log")).toBe(0);
    expect(host.aofCalls).toEqual([["stats", host.path("d/aof"), "log"]]);
    expect(host.output).toBe("parts:\n  0:\n    name: a\n    bytes: 5\n5 bytes\n");
    host.output = "";
    expect(await host.run("aof", "check", "--data-dir", "d", "--json")).toBe(0);
    expect(JSON.parse(host.output)).toEqual({ verdict: "intact", parts: [{ name: "a", bytes: 5 }] });
  });

  it("exits with 5 for a damaged log", async () => {
    host.files.makeDirectorySync(host.path("data/aof"));
    host.aofOutcome = { report: {}, verdict: "damaged", summary: "damaged at 17" };
    expect(await host.run("aof", "check")).toBe(5);
    expect(host.output).toBe("damaged at 17\n");
  });

  it("repairs into a copy while it owns the data directory", async () => {
    host.files.makeDirectorySync(host.path("data/aof"));
    expect(await host.run("aof", "repair", "--into", "fixed")).toBe(0);
    expect(host.aofCalls).toEqual([
      ["repair", host.path("data/aof"), "appendonly.aof", { mode: "cut", into: host.path("fixed") }],
    ]);
    const lock = host.files.lockSync(host.path("data/LOCK"), "test");
    expect(lock).toBeDefined();
    lock!.release();
  });

  it("repairs in place or keeps what follows the damage only when told so", async () => {
    host.files.makeDirectorySync(host.path("data/aof"));
    expect(await host.run("aof", "repair", "--in-place")).toBe(0);
    expect(await host.run("aof", "repair", "--drop")).toBe(0);
    expect(host.aofCalls.map((call) => call[3])).toEqual([
      { mode: "cut" },
      { mode: "drop", into: host.path("data/aof.repaired") },
    ]);
    expect(await host.run("aof", "repair", "--drop", "--in-place")).toBe(2);
    expect(await host.run("aof", "check", "--drop")).toBe(2);
    expect(host.aofCalls).toHaveLength(2);
  });

  it("truncates to an LSN or a moment, into a new folder unless told to do it in place", async () => {
    host.files.makeDirectorySync(host.path("data/aof"));
    expect(await host.run("aof", "truncate", "--to-lsn", "17")).toBe(0);
    expect(await host.run("aof", "truncate", "--to-time", "2026-09-20T10:15:00Z", "--output", "cut")).toBe(0);
    expect(await host.run("aof", "truncate", "--to-time", "1700000000", "--in-place", "--json")).toBe(0);
    expect(await host.run("aof", "truncate", "--to-time", "1700000000123", "--in-place")).toBe(0);
    expect(host.aofCalls.map((call) => call[3])).toEqual([
      { target: { lsn: 17 }, into: host.path("data/aof.truncated-20231114T221320Z") },
      { target: { timeMs: Date.UTC(2026, 8, 20, 10, 15) }, into: host.path("cut") },
      { target: { timeMs: 1_700_000_000_000 } },
      { target: { timeMs: 1_700_000_000_123 } },
    ]);
    const refused: readonly (readonly [string[], RegExp])[] = [
      [[], /needs one of --to-lsn N and --to-time T/],
      [["--to-lsn", "1", "--to-time", "2"], /needs one of/],
      [["--to-lsn", "1e9"], /--to-lsn is "1e9"/],
      [["--to-time", "yesterday"], /expected a moment such as/],
      [["--to-time", "2026-09-20T10:15:00"], /time zone\? Add Z/],
      [["--to-time", "2026-13-20T10:15:00Z"], /expected a moment such as/],
      [["--to-lsn", "1", "--output", "x", "--in-place"], /exclude each other/],
      [["--to-lsn", "1", "--drop"], /--drop belongs to 'ferrite aof repair'/],
    ];
    for (const [flags, message] of refused) {
      host.errors = "";
      expect(await host.run("aof", "truncate", ...flags)).toBe(2);
      expect(host.errors).toMatch(message);
    }
    expect(host.aofCalls).toHaveLength(4);
  });

  it("refuses to write over something, and a folder without a log", async () => {
    expect(await host.run("aof", "check")).toBe(2);
    expect(host.errors).toContain("there is no append-only file");
    host.files.makeDirectorySync(host.path("data/aof.repaired"));
    host.files.makeDirectorySync(host.path("data/aof"));
    expect(await host.run("aof", "repair")).toBe(4);
    expect(host.aofCalls).toEqual([]);
  });
});
