/** What people look at when something is wrong: SLOWLOG, MONITOR, LATENCY, INFO, MEMORY, DEBUG. */
import { beforeEach, describe, expect, it } from "vitest";
import { latencyGraph } from "../../src/commands/latency-graph.ts";
import { humanBytes } from "../../src/database/info-sections.ts";
import { LatencyMonitor } from "../../src/database/latency-monitor.ts";
import { monitorLine, sourceOf } from "../../src/database/monitors.ts";
import { Rate } from "../../src/database/statistics.ts";
import { Request } from "../../src/protocol/request.ts";
import { decodeReply } from "../support/redis-oracle.ts";
import { FakeClient, NOW_MS, ServerBench } from "./server-support.ts";

let bench: ServerBench;
beforeEach(() => {
  bench = new ServerBench();
});

describe("the slow log", () => {
  const record = (commandName: string, ...args: string[]) =>
    bench.slowLog.record({
      commandName,
      request: Request.of(args),
      microseconds: 12_345.6,
      unixSeconds: 1_700_000_000,
      peerAddress: "127.0.0.1:5007",
      clientName: "me",
    });
  const logged = () =>
    (decodeReply(bench.run("SLOWLOG", "GET", "-1")) as unknown[][]).map((entry) => entry[3]);

  it("answers the newest first, with all six fields", () => {
    record("get", "GET", "a");
    record("get", "GET", "b");
    expect(decodeReply(bench.run("SLOWLOG", "GET"))).toEqual([
      [1, 1_700_000_000, 12_346, ["GET", "b"], "127.0.0.1:5007", "me"],
      [0, 1_700_000_000, 12_346, ["GET", "a"], "127.0.0.1:5007", "me"],
    ]);
    expect(bench.run("SLOWLOG", "LEN")).toBe(":2\r\n");
    bench.run("SLOWLOG", "RESET");
    record("get", "GET", "c");
    expect(decodeReply(bench.run("SLOWLOG", "GET", "1"))).toEqual([
      [2, 1_700_000_000, 12_346, ["GET", "c"], "127.0.0.1:5007", "me"],
    ]);
  });

  it("cuts long commands as Redis does", () => {
    record("mget", "MGET", ...new Array<string>(40).fill("k"));
    record("get", "GET", "x".repeat(200));
    expect(logged()).toEqual([
      ["GET", `${"x".repeat(128)}... (72 more bytes)`],
      ["MGET", ...new Array<string>(30).fill("k"), "... (10 more arguments)"],
    ]);
  });

  it("never shows secrets", () => {
    record("auth", "AUTH", "user", "secret");
    record("hello", "HELLO", "3", "AUTH", "user", "secret", "SETNAME", "me");
    record("config|set", "CONFIG", "SET", "maxmemory", "0", "RequirePass", "secret");
    record("auth", "AUTH", "secret", "one", "too many");
    expect(JSON.stringify(logged())).not.toContain("secret");
    expect(logged()[1]).toEqual(["CONFIG", "SET", "maxmemory", "0", "RequirePass", "(redacted)"]);
  });

  it("keeps no more than it may", () => {
    for (let i = 0; i < 200; i++) record("get", "GET", String(i));
    expect(bench.slowLog.length).toBe(128);
    bench.slowLog.lengthMax = 2;
    expect(logged()).toEqual([
      ["GET", "199"],
      ["GET", "198"],
    ]);
    bench.slowLog.lengthMax = 0;
    record("get", "GET", "x");
    expect(bench.slowLog.length).toBe(0);
  });
});

describe("MONITOR", () => {
  it("writes lines as Redis does", () => {
    const request = Request.of(["SET", Buffer.from('a\n"\\\t\x07\x08\r\x01\xc3\xa9', "latin1"), "b"]);
    expect(monitorLine("127.0.0.1:40148", 3, request, "set", 1_795_172_902_014_690.5)).toBe(
      '1795172902.014690 [3 127.0.0.1:40148] "SET" "a\\n\\"\\\\\\t\\a\\b\\r\\x01\\xc3\\xa9" "b"',
    );
    expect(sourceOf({ peerAddress: "/tmp/x.sock:0" })).toBe("unix:/tmp/x.sock");
  });

  it("feeds those who asked, but no secrets and no administrative commands", () => {
    expect(bench.run("MONITOR")).toBe("+OK\r\n");
    expect(bench.client.monitoring).toBe(true);
    const feed = (name: string, ...args: string[]) =>
      bench.monitors.feed("127.0.0.1:1", 0, Request.of(args), bench.command(name), 1e6);
    feed("auth", "AUTH", "secret");
    feed("config|get", "CONFIG", "GET", "*");
    feed("get", "GET", "a");
    expect(bench.client.monitorLines).toEqual([
      '1.000000 [0 127.0.0.1:1] "AUTH" "(redacted)"',
      '1.000000 [0 127.0.0.1:1] "GET" "a"',
    ]);
    bench.monitors.remove(bench.client);
    feed("get", "GET", "a");
    expect(bench.client.monitorLines.length).toBe(2);
  });

  it("is refused where replies cannot come later", () => {
    bench.around.mayWait = false;
    expect(bench.run("MONITOR")).toBe("-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n");
  });
});

describe("LATENCY", () => {
  it("records from the threshold on, one sample per second, at most 160", () => {
    const monitor = new LatencyMonitor(0);
    monitor.record("command", 1000, 1);
    expect(monitor.events()).toEqual([]);
    monitor.thresholdMs = 10;
    monitor.record("command", 9.9, 1);
    monitor.record("command", 20.7, 1);
    monitor.record("command", 15, 1);
    expect(monitor.event("command")).toMatchObject({ unixSeconds: [1], latenciesMs: [20], maxMs: 20 });
    for (let second = 2; second < 400; second++) monitor.record("command", 10, second);
    expect(monitor.event("command")?.latenciesMs.length).toBe(160);
    expect(monitor.event("command")?.maxMs).toBe(20);
  });

  it("draws the graph that Redis draws", () => {
    const event = {
      name: "command",
      unixSeconds: [1537, 1538, 1539, 1540],
      latenciesMs: [10, 1050, 1020, 1500],
      maxMs: 1500,
    };
    expect(latencyGraph(event, 1540)).toBe(
      `command - high 1500 ms, low 10 ms (all time high 1500 ms)\n${"-".repeat(80)}\n   #\n ##|\n |||\n_|||\n    \n3210\nssss\n`,
    );
  });

  it("answers LATEST, HISTORY, RESET and HISTOGRAM", () => {
    bench.latency.thresholdMs = 5;
    bench.latency.record("command", 7, 100);
    bench.latency.record("command", 6, 101);
    expect(decodeReply(bench.run("LATENCY", "LATEST"))).toEqual([["command", 101, 6, 7]]);
    expect(decodeReply(bench.run("LATENCY", "HISTORY", "command"))).toEqual([
      [100, 7],
      [101, 6],
    ]);
    expect(bench.run("LATENCY", "DOCTOR")).toContain("command: 2 latency spikes");
    expect(bench.run("LATENCY", "RESET", "command", "other")).toBe(":1\r\n");
    bench.command("get").count(3, 30);
    bench.command("config|get").count(1, 100);
    expect(decodeReply(bench.run("LATENCY", "HISTOGRAM", "get", "config", "nosuch"))).toEqual([
      "get",
      ["calls", 3, "histogram_usec", [16, 3]],
      "config|get",
      ["calls", 1, "histogram_usec", [132, 1]],
    ]);
  });
});

describe("INFO", () => {
  it("chooses sections by name, in its own order", () => {
    const titles = (...names: string[]) =>
      [...bench.info(...names).matchAll(/^# (\w+)/gm)].map((match) => match[1]);
    expect(titles("keyspace", "SERVER", "nosuch")).toEqual(["Server", "Keyspace"]);
    expect(titles()).not.toContain("Commandstats");
    expect(titles("default")).toEqual(titles());
    expect(titles("all")).toContain("Latencystats");
    expect(titles("all")).not.toContain("Modules");
    expect(titles("everything")).toContain("Modules");
    expect(titles("nosuch")).toEqual([]);
  });

  it("separates sections by an empty line and ends lines with CR LF", () => {
    expect(bench.info("cluster", "cpu")).toBe(
      "# CPU\r\nused_cpu_sys:0.250000\r\nused_cpu_user:1.500000\r\nused_cpu_sys_children:0.000000\r\n" +
        "used_cpu_user_children:0.000000\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n",
    );
  });

  it("tells the keyspace, the tiers and the log", () => {
    bench.run("SET", "a", "1");
    bench.run("SELECT", "2");
    bench.run("SET", "b", "1");
    bench.run("PEXPIREAT", "b", String(NOW_MS + 5000));
    expect(bench.info("keyspace")).toBe(
      "# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\ndb2:keys=1,expires=1,avg_ttl=5000\r\n",
    );
    expect(bench.info("tiering")).toMatch(
      /^# Tiering\r\nhot_keys:2\r\nhot_bytes:200\r\nwarm_keys:0\r\nwarm_bytes:0\r\ncold_keys:0\r\ncold_bytes:0\r\n/,
    );
    const persistence = bench.info("persistence");
    for (const field of [
      "checkpoint_in_progress:0",
      "checkpoint_last_save_time:1699999000",
      "checkpoint_last_duration_sec:-1",
      "aof_current_size:1234",
      "aof_last_write_status:ok",
      "aof_last_rewrite_time_sec:-1",
    ]) {
      expect(persistence).toContain(`\r\n${field}\r\n`);
    }
    expect(bench.info("server")).toContain("\r\ntransport:native\r\nfile_system:portable\r\n");
  });

  it("counts commands and errors, and starts again after CONFIG RESETSTAT", () => {
    bench.command("get").count(4, 10);
    bench.command("get").rejected++;
    bench.run("GET", "a");
    bench.statistics.countError("WRONGTYPE Operation");
    bench.statistics.countError("ERR a");
    bench.statistics.countError("ERR b");
    expect(bench.info("commandstats")).toContain(
      "cmdstat_get:calls=4,usec=10,usec_per_call=2.50,rejected_calls=1,failed_calls=0\r\n",
    );
    expect(bench.info("errorstats")).toBe(
      "# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_WRONGTYPE:count=1\r\n",
    );
    expect(bench.info("latencystats")).toContain("latency_percentiles_usec_get:p50=2.");
    expect(bench.info("stats")).toContain("\r\nkeyspace_misses:1\r\n");
    bench.run("CONFIG", "RESETSTAT");
    expect(bench.info("commandstats", "errorstats", "latencystats")).toBe(
      "# Commandstats\r\n\r\n# Errorstats\r\n\r\n# Latencystats\r\n",
    );
    expect(bench.info("stats")).toContain("\r\nkeyspace_misses:0\r\n");
    expect(bench.info("stats")).toContain("\r\ntotal_commands_processed:0\r\n");
  });

  it("keeps a bounded number of error codes", () => {
    for (let i = 0; i < 500; i++) bench.statistics.countError(`CODE${i} x`);
    expect(bench.statistics.errors().length).toBe(128);
    expect(bench.statistics.errorReplies).toBe(500);
  });

  it("writes sizes as Redis does", () => {
    expect([0, 1023, 1024, 941_648, 25_276_514_304].map(humanBytes)).toEqual([
      "0B",
      "1023B",
      "1.00K",
      "919.58K",
      "23.54G",
    ]);
  });

  it("averages rates over sixteen samples", () => {
    const rate = new Rate();
    for (let i = 0; i <= 16; i++) rate.sample(i * 100, i * 100);
    expect(rate.perSecond).toBe(1000);
    rate.sample(50, 1700);
    expect(rate.perSecond).toBe((15 * 1000 + 500) / 16);
  });
});

describe("MEMORY", () => {
  it("estimates a key and finds nothing for none", () => {
    bench.run("SET", "key", "x".repeat(100));
    expect(bench.run("MEMORY", "USAGE", "key")).toBe(":131\r\n");
    expect(bench.run("MEMORY", "USAGE", "key", "SAMPLES", "5")).toBe(":131\r\n");
    expect(bench.run("MEMORY", "USAGE", "none")).toBe("$-1\r\n");
  });

  it("gives figures and findings", () => {
    bench.run("SET", "key", "x");
    const stats = decodeReply(bench.run("MEMORY", "STATS")) as unknown[];
    expect(stats[stats.indexOf("keys.count") + 1]).toBe(1);
    expect(stats).toContain("db.0");
    expect(bench.run("MEMORY", "DOCTOR")).toContain("MEMORY PURGE");
    bench.around.memory = { ...bench.around.memory, used: 1_200_000, dataset: 900_000 };
    expect(bench.run("MEMORY", "DOCTOR")).toContain("too little data");
  });
});

describe("DEBUG", () => {
  it("is there only for those who are let", () => {
    bench.around.debugAccess = "no";
    expect(bench.run("DEBUG", "SLEEP", "1")).toMatch(/^-ERR DEBUG command not allowed/);
    bench.around.debugAccess = "local";
    for (const [peerAddress, allowed] of [
      ["127.0.0.1:1", true],
      ["/tmp/x:0", true],
      ["[::1]:1", true],
      ["10.0.0.1:1", false],
    ] as const) {
      bench.client.peerAddress = peerAddress;
      expect(bench.run("DEBUG", "ERROR", "hi")).toMatch(allowed ? /^-hi/ : /^-ERR DEBUG command not allowed/);
    }
  });

  it("passes on what others do", () => {
    expect(bench.run("DEBUG", "SLEEP", "0.5")).toBe("+OK\r\n");
    expect(bench.run("DEBUG", "SET-ACTIVE-EXPIRE", "0")).toBe("+OK\r\n");
    expect(bench.run("DEBUG", "LOG", "hello")).toBe("+OK\r\n");
    expect(bench.run("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b")).toBe("+OK\r\n");
    expect(bench.around.calls).toEqual(["sleep 500", "active-expire false", "log hello"]);
    expect(bench.run("DEBUG", "CONSTRUCTOR")).toMatch(/^-ERR unknown subcommand or wrong number/);
    expect(bench.run("DEBUG", "STRINGMATCH-LEN", "1000", "a*a*a*b")).toBe(":0\r\n");
  });

  it("fills the database with keys that are logged", () => {
    expect(bench.run("DEBUG", "POPULATE", "3", "k", "5")).toBe("+OK\r\n");
    expect(bench.run("GET", "k:2")).toBe("$5\r\nvalue\r\n");
    bench.run("DEBUG", "POPULATE", "1", "p");
    expect(bench.run("GET", "p:0")).toBe("$7\r\nvalue:0\r\n");
    expect(bench.effects.take().map((effect) => effect.args.join(" "))).toEqual([
      "SET k:0 value",
      "SET k:1 value",
      "SET k:2 value",
      "SET p:0 value:0",
    ]);
  });

  it("samples every reply type", () => {
    const resp3 = new ServerBench(3);
    expect(resp3.run("DEBUG", "PROTOCOL", "map")).toBe("%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n");
    expect(resp3.run("DEBUG", "PROTOCOL", "double")).toBe(",3.141\r\n");
    expect(bench.run("DEBUG", "PROTOCOL", "push")).toBe("-ERR RESP2 is not supported by this command\r\n");
  });
});

it("keeps clients by id until they leave", () => {
  const other = new FakeClient(8);
  bench.clients.add(other);
  expect(() => bench.clients.add(other)).toThrow(/registered twice/);
  bench.clients.remove(other);
  expect([bench.clients.count, bench.clients.find(8)]).toEqual([1, undefined]);
});
