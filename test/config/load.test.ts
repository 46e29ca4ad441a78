import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { loadConfig } from "../../src/config/load.ts";
import { effectiveToml, exampleToml } from "../../src/config/render.ts";
import type { FlagSetting } from "../../src/config/settings.ts";

interface Layers {
  toml?: string;
  environment?: Record<string, string>;
  flags?: FlagSetting[];
}

function load({ toml, environment, flags }: Layers): Config {
  return loadConfig({
    ...(toml === undefined
      ? {}
      : { file: { path: "conf/ferrite.toml", text: toml, folder: "/etc/ferrite" } }),
    environment: environment ?? {},
    flags: flags ?? [],
    workingFolder: "/srv",
  });
}

function problemsOf(layers: Layers): string {
  try {
    load(layers);
  } catch (error) {
    expect((error as { kind?: string }).kind).toBe("usage");
    return (error as Error).message;
  }
  throw new Error("the configuration was accepted");
}

const port = (text: string): FlagSetting => ({ key: "server.port", text, flag: "--port" });

describe("precedence", () => {
  it("takes defaults, then the file, then the environment, then flags", () => {
    const toml = "[server]\nport = 7001\nmax_clients = 50\ndatabases = 4\n";
    const environment = { FERRITE_SERVER_PORT: "7002", FERRITE_DATABASES: "8" };
    const config = load({ toml, environment, flags: [port("7003")] });
    expect(config.values.server).toMatchObject({
      port: 7003,
      databases: 8,
      max_clients: 50,
      tcp_backlog: 511,
    });
    expect(config.sourceOf("server.port")).toBe("--port");
    expect(config.sourceOf("server.databases")).toBe("environment variable FERRITE_DATABASES");
    expect(config.sourceOf("server.max_clients")).toBe("ferrite.toml line 3");
    expect(config.sourceOf("server.tcp_backlog")).toBe("default");
  });

  it("takes the last of a flag that is repeated", () => {
    expect(load({ flags: [port("1"), port("2")] }).values.server.port).toBe(2);
  });

  it("reads every kind of value from each layer", () => {
    const expected = {
      server: {
        bind: ["127.0.0.1", "::1"],
        timeout: 300_000,
        protected_mode: false,
        unix_socket_permissions: 0o770,
      },
      storage: { max_memory: 2 * 1024 ** 3, max_memory_policy: "allkeys-lfu" },
    };
    const toml = `
      [server]
      bind = ["127.0.0.1", "::1"]
      timeout = "5m"
      protected_mode = false
      unix_socket_permissions = "770"
      client_output_buffer_limit = "pubsub 64mb 16mb 90"
      [server.tls]
      auth_clients = "no"
      [storage]
      max_memory = "2GB"
      max_memory_policy = "allkeys-lfu"`;
    const fromFile = load({ toml }).values;
    expect(fromFile).toMatchObject(expected);
    expect(fromFile.server.tls.auth_clients).toBe("no");
    expect(fromFile.server.client_output_buffer_limit).toEqual({
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * 1024 ** 2, softBytes: 64 * 1024 ** 2, softSeconds: 60 },
      pubsub: { hardBytes: 64 * 1024 ** 2, softBytes: 16 * 1024 ** 2, softSeconds: 90 },
    });
    const environment = {
      FERRITE_SERVER_BIND: "127.0.0.1,::1",
      FERRITE_SERVER_TIMEOUT: "300",
      FERRITE_SERVER_PROTECTED_MODE: "no",
      FERRITE_SERVER_UNIX_SOCKET_PERMISSIONS: "770",
      FERRITE_STORAGE_MAX_MEMORY: "2gb",
      FERRITE_STORAGE_MAX_MEMORY_POLICY: "allkeys-lfu",
      FERRITE_SERVER_TLS_AUTH_CLIENTS: "no",
    };
    const fromEnvironment = load({ environment }).values;
    expect(fromEnvironment).toMatchObject(expected);
    expect(fromEnvironment.server.tls.auth_clients).toBe("no");
  });

  it("accepts dotted keys and inline tables as TOML does", () => {
    const config = load({ toml: 'server.port = 7001\nstorage = { max_memory = 5, data_dir = "d" }\n' });
    expect(config.values.server.port).toBe(7001);
    expect(config.values.storage.max_memory).toBe(5);
    expect(config.sourceOf("storage.data_dir")).toBe("ferrite.toml line 2");
  });

  it("takes paths of the file from its folder and others from the working directory", () => {
    expect(load({}).values.storage.data_dir).toBe("/srv/data");
    expect(load({ toml: '[storage]\ndata_dir = "d"\n' }).values.storage.data_dir).toBe("/etc/ferrite/d");
    expect(load({ environment: { FERRITE_DATA_DIR: "e" } }).values.storage.data_dir).toBe("/srv/e");
    expect(load({ toml: '[server]\nunix_socket = "/run/f.sock"\n' }).values.server.unix_socket).toBe(
      "/run/f.sock",
    );
  });
});

describe("names that are not known", () => {
  it.each([
    [
      "[storage]\n\nmax_memroy = 1\n",
      "unknown option 'storage.max_memroy' in ferrite.toml line 3; did you mean 'storage.max_memory'?",
    ],
    [
      "[server]\nmaxclients = 1\n",
      "unknown option 'server.maxclients' in ferrite.toml line 2; did you mean 'server.max_clients'?",
    ],
    [
      "[storage]\ndatabases = 1\n",
      "unknown option 'storage.databases' in ferrite.toml line 2; did you mean 'server.databases'?",
    ],
    [
      "[persistence]\nappendfsync = 'no'\n",
      "unknown option 'persistence.appendfsync' in ferrite.toml line 2; did you mean 'persistence.aof_sync'?",
    ],
    ["# x\n[servr]\nport = 1\n", "unknown section 'servr' in ferrite.toml line 2; did you mean 'server'?"],
    [
      "[server.tsl]\nport = 1\n",
      "unknown section 'server.tsl' in ferrite.toml line 1; did you mean 'server.tls'?",
    ],
    ["zzz = 1\n", "unknown option 'zzz' in ferrite.toml line 1"],
    ["server = 5\n", "server in ferrite.toml line 1: expected a table such as [server], found 5"],
    [
      "[[server]]\nport = 1\n",
      'server in ferrite.toml line 1: expected a table such as [server], found [{"port":1}]',
    ],
  ])("are named with the nearest known one: %j", (toml, message) => {
    expect(problemsOf({ toml })).toBe(message);
  });

  it("are found in the environment and in --set", () => {
    expect(problemsOf({ environment: { FERRITE_SERVER_PROT: "1" } })).toBe(
      "unknown environment variable FERRITE_SERVER_PROT; did you mean FERRITE_SERVER_PORT?",
    );
    expect(problemsOf({ flags: [{ key: "server.prot", text: "1", flag: "--set" }] })).toBe(
      "unknown option 'server.prot' in --set; did you mean 'server.port'?",
    );
  });

  it("leaves alone the variables of the test suite and those that Kubernetes sets for a service called ferrite", () => {
    const environment = {
      FERRITE_REQUIRE: "redis-server",
      FERRITE_NO_NATIVE: "1",
      FERRITE_TEST_UPDATE: "1",
      FERRITE_CONFIG: "x.toml",
      FERRITE_PORT: "tcp://10.0.0.1:6379",
      FERRITE_PORT_6379_TCP_ADDR: "10.0.0.1",
      FERRITE_SERVICE_HOST: "10.0.0.1",
      OTHER: "x",
    };
    expect(load({ environment }).values.server.port).toBe(6379);
  });
});

describe("values that are not of the option's type", () => {
  it.each([
    [
      "[storage]\nmax_memory = 'lots'\n",
      'storage.max_memory in ferrite.toml line 2: expected a size such as "64MB", or a number of bytes, found "lots"',
    ],
    [
      "[storage]\nmax_memory = -1\n",
      'storage.max_memory in ferrite.toml line 2: expected a size such as "64MB", or a number of bytes, found -1',
    ],
    [
      "[server]\nport = '6379'\n",
      'server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found "6379"',
    ],
    [
      "[server]\nport = 65536\n",
      "server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found 65536",
    ],
    [
      "[server]\nport = 1.5\n",
      "server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found 1.5",
    ],
    [
      "[server]\nprotected_mode = 'yes'\n",
      'server.protected_mode in ferrite.toml line 2: expected true or false, found "yes"',
    ],
    [
      "[persistence]\naof_sync = 'often'\n",
      'persistence.aof_sync in ferrite.toml line 2: expected one of "everysec", "always", "no", found "often"',
    ],
    [
      "[persistence]\naof_file = 'a/b'\n",
      'persistence.aof_file in ferrite.toml line 2: expected the name of a file, without a folder, found "a/b"',
    ],
    [
      "[server]\ntimeout = '5 minutes'\n",
      'server.timeout in ferrite.toml line 2: expected a duration from 0s to 2147483647s such as "300s", "5m" or "100ms", or a number of seconds, found "5 minutes"',
    ],
    [
      "[server]\nunix_socket_permissions = 700\n",
      'server.unix_socket_permissions in ferrite.toml line 2: expected octal permissions in quotes such as "700", or "0" for the default, found 700',
    ],
    [
      "[server]\nbind = [1]\n",
      'server.bind in ferrite.toml line 2: expected addresses such as ["127.0.0.1", "::1"], found [1]',
    ],
    [
      "[server]\nport = { a = 1 }\n",
      "server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found a table",
    ],
    [
      "[server]\nport = 2020-01-01\n",
      "server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found a date",
    ],
    [
      "[storage]\nsegment_size = 300000\n",
      'storage.segment_size in ferrite.toml line 2: expected a multiple of "64KB", found 300000',
    ],
    [
      "[storage]\ndata_dir = ''\n",
      'storage.data_dir in ferrite.toml line 2: expected the path of a folder, found ""',
    ],
    [
      "[server]\nclient_output_buffer_limit = 'normal 1'\n",
      'server.client_output_buffer_limit in ferrite.toml line 2: expected groups of "<class> <hard> <soft> <seconds>" with class normal, replica or pubsub, such as "pubsub 32mb 8mb 60", found "normal 1"',
    ],
  ])("are explained: %j", (toml, message) => {
    expect(problemsOf({ toml })).toBe(message);
  });

  it("are explained in the environment and in flags", () => {
    expect(problemsOf({ environment: { FERRITE_SERVER_PORT: "x" } })).toBe(
      'server.port in environment variable FERRITE_SERVER_PORT: expected an integer from 0 to 65535, found "x"',
    );
    expect(problemsOf({ flags: [port("x")] })).toBe(
      'server.port in --port: expected an integer from 0 to 65535, found "x"',
    );
  });

  it("does not show a secret", () => {
    expect(problemsOf({ toml: "[server]\nrequirepass = 123456\n" })).toBe(
      "server.requirepass in ferrite.toml line 2: expected a string, found something else (not shown)",
    );
  });

  it("are reported also where a later layer overrides them", () => {
    expect(problemsOf({ toml: "[server]\nport = 'x'\n", flags: [port("1")] })).toContain(
      "ferrite.toml line 2",
    );
  });
});

describe("problems", () => {
  it("are all reported together", () => {
    const message = problemsOf({
      toml: "[server]\nport = 'x'\nprot = 1\n",
      environment: { FERRITE_X: "1" },
      flags: [{ key: "a.b", text: "", flag: "--set" }],
    });
    expect(message.split("\n")).toEqual([
      "4 problems in the configuration:",
      "  unknown option 'server.prot' in ferrite.toml line 3; did you mean 'server.port'?",
      "  unknown environment variable FERRITE_X",
      "  unknown option 'a.b' in --set",
      '  server.port in ferrite.toml line 2: expected an integer from 0 to 65535, found "x"',
    ]);
  });

  it("names the place of a syntax error", () => {
    expect(problemsOf({ toml: "[server]\nport = = 1\n" })).toMatch(
      /^ferrite\.toml line 2, column \d+: Invalid TOML/,
    );
  });

  it("refuses features that do not exist yet, unless left at their default", () => {
    expect(problemsOf({ toml: "[encryption]\nenabled = true\n" })).toBe(
      "encryption.enabled is not available in this version; leave it at its default, false (set in ferrite.toml line 2)",
    );
    expect(problemsOf({ toml: "[storage]\nbackend = 'hybridlog'\n" })).toContain(
      "storage.backend is not available",
    );
    expect(load({ toml: "[encryption]\nenabled = false\n" }).values.encryption.enabled).toBe(false);
  });

  it.each([
    [
      { FERRITE_PORT: "0" },
      "server.port, server.tls.port and server.unix_socket are all off: the server would listen nowhere",
    ],
    [
      {
        FERRITE_SERVER_TLS_PORT: "6380",
        FERRITE_SERVER_TLS_AUTH_CLIENTS: "no",
        FERRITE_SERVER_TLS_KEY_FILE: "k",
      },
      "server.tls.port is set, but server.tls.cert_file is not",
    ],
    [
      { FERRITE_PORT: "1", FERRITE_SERVER_PORT: "2" },
      "server.port is set differently by environment variable FERRITE_PORT and FERRITE_SERVER_PORT; set only one of them",
    ],
  ])("are found between values that are fine by themselves: %j", (environment, message) => {
    expect(problemsOf({ environment: environment as unknown as Record<string, string> })).toBe(message);
  });
});

describe("the effective configuration as TOML", () => {
  const toml = `[server]
port = 7001
bind = ["0.0.0.0", "::"]
requirepass = "hunter2"
timeout = "90s"
client_output_buffer_limit = "pubsub 64mb 16mb 90"
[server.tls]
auth_clients = "optional"
[storage]
data_dir = "/tmp/\\u00e9 \\"q\\""
max_memory = "100MB"
[logging]
level = "debug"
`;

  it("gives the same values when it is loaded again", () => {
    const first = load({ toml });
    const second = load({ toml: effectiveToml(first) });
    const secretFree = { ...first.values.server, requirepass: "" };
    expect(second.values).toEqual({ ...first.values, server: secretFree });
  });

  it("says where each value comes from and shows no secret", () => {
    const text = effectiveToml(load({ toml, flags: [port("7002")] }));
    expect(text).toContain("port = 7002  # --port\n");
    expect(text).toContain('timeout = "90s"  # ferrite.toml line 5\n');
    expect(text).toContain("databases = 16  # default\n");
    expect(text).not.toContain("hunter2");
    expect(text).toContain("# requirepass is set and not shown  # ferrite.toml line 4\n");
  });

  it("has an example that changes nothing as it stands, and nothing when every option is uncommented", () => {
    const example = exampleToml();
    expect(load({ toml: example }).values).toEqual(load({}).values);
    const uncommented = example.replaceAll(/^# (\w+ = )/gm, "$1");
    expect(uncommented).toContain("\nport = 6379\n");
    const atRoot = loadConfig({
      file: { path: "f", text: uncommented, folder: "/srv" },
      workingFolder: "/srv",
    });
    expect(atRoot.values).toEqual(load({}).values);
  });
});
