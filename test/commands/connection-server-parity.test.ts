/**
 * Connection and server commands answer what redis-server 7.0.15 answers, byte for byte, errors included: one
 * list of commands, run on both in order.
 *
 * What differs by intent is not in the list: names of clients and addresses, times, ids of other clients, texts
 * that explain (DOCTOR, LOLWUT, HELP of commands with additions), replication, modules, DEBUG.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisOracle, redisVersion } from "../support/redis-oracle.ts";
import { ServerBench } from "./server-support.ts";

const version = redisVersion();

const COMMANDS: readonly string[] = [
  ...[
    "PING",
    "PING a",
    "PING a b",
    "ECHO x",
    "ECHO",
    "ECHO a b",
    "SELECT 1",
    "SELECT a",
    "SELECT -1",
    "SELECT 16",
  ],
  ...[
    "SELECT 99999999999999999999",
    "SELECT 4294967296",
    "SELECT 0",
    "SELECT",
    "NOSUCH",
    "NOSUCH a b c",
    "ping",
  ],
  ...[
    "AUTH x",
    "AUTH default x",
    "AUTH a b",
    "AUTH a b c",
    "AUTH",
    "HELLO 1",
    "HELLO 4",
    "HELLO x",
    "HELLO -1",
  ],
  ...["HELLO 2 FOO", "HELLO 2 AUTH a", "HELLO 2 AUTH a b", "HELLO 2 SETNAME", "HELLO 2 SETNAME a\nb"],
  ...["HELLO 99999999999999999999", "RESET a", "RESET"],
  ...[
    "CLIENT",
    "CLIENT NOSUCH",
    "CLIENT GETNAME",
    "CLIENT SETNAME foo",
    "CLIENT GETNAME",
    "CLIENT SETNAME a\tb",
  ],
  ...[
    "CLIENT GETNAME a",
    "CLIENT GETREDIR",
    "CLIENT TRACKINGINFO",
    "CLIENT CACHING yes",
    "CLIENT TRACKING off",
  ],
  ...[
    "CLIENT TRACKING x",
    "CLIENT NO-EVICT on",
    "CLIENT NO-EVICT off",
    "CLIENT NO-EVICT x",
    "CLIENT REPLY on",
  ],
  ...[
    "CLIENT REPLY x",
    "CLIENT KILL 1.2.3.4:5",
    "CLIENT KILL ID x",
    "CLIENT KILL ID 0",
    "CLIENT KILL ID 999",
  ],
  ...[
    "CLIENT KILL TYPE x",
    "CLIENT KILL USER x",
    "CLIENT KILL SKIPME x",
    "CLIENT KILL ID 1 ADDR",
    "CLIENT KILL",
  ],
  ...["CLIENT KILL TYPE pubsub", "CLIENT KILL TYPE master", "CLIENT KILL LADDR 1:1", "CLIENT LIST TYPE x"],
  ...["CLIENT LIST ID x", "CLIENT LIST ID 999", "CLIENT LIST x", "CLIENT LIST TYPE pubsub", "CLIENT LIST ID"],
  ...["CLIENT UNBLOCK x", "CLIENT UNBLOCK 999", "CLIENT UNBLOCK 999 x", "CLIENT UNBLOCK 999 ERROR"],
  ...[
    "CLIENT UNBLOCK 999 ERROR x",
    "CLIENT PAUSE x",
    "CLIENT PAUSE -1",
    "CLIENT PAUSE 0 x",
    "CLIENT PAUSE 0 ALL x",
  ],
  ...["CLIENT PAUSE 0", "CLIENT PAUSE 0 WRITE", "CLIENT UNPAUSE"],
  ...[
    "DBSIZE",
    "SET a 1",
    "SET b 2",
    "DBSIZE",
    "DBSIZE x",
    "SWAPDB 0 1",
    "DBSIZE",
    "GET a",
    "SWAPDB 1 0",
    "GET a",
  ],
  ...[
    "SWAPDB a 0",
    "SWAPDB 0 a",
    "SWAPDB 0 16",
    "SWAPDB -1 0",
    "SWAPDB 0 4294967296",
    "FLUSHDB x",
    "FLUSHDB async",
  ],
  ...["DBSIZE", "FLUSHALL x", "FLUSHALL SYNC", "FLUSHALL ASYNC SYNC", "FLUSHALL", "FLUSHDB SYNC", "TIME x"],
  ...[
    "LASTSAVE x",
    "ROLE",
    "SHUTDOWN x",
    "SHUTDOWN ABORT",
    "SHUTDOWN SAVE NOSAVE",
    "SHUTDOWN ABORT NOW",
    "MONITOR x",
  ],
  ...["INFO nosuch", "INFO modules", "INFO cluster", "INFO MODULES cluster", "INFO keyspace"],
  ...[
    "SLOWLOG LEN",
    "SLOWLOG GET",
    "SLOWLOG GET -1",
    "SLOWLOG GET -2",
    "SLOWLOG GET x",
    "SLOWLOG RESET",
    "SLOWLOG x",
  ],
  ...["SLOWLOG", "SLOWLOG HELP", "LATENCY LATEST", "LATENCY HISTORY x", "LATENCY GRAPH x", "LATENCY RESET"],
  ...["LATENCY RESET a b", "LATENCY HISTOGRAM nosuch", "LATENCY x", "LATENCY HELP", "MEMORY USAGE nosuch"],
  ...[
    "MEMORY USAGE a SAMPLES",
    "MEMORY USAGE a SAMPLES x",
    "MEMORY USAGE a SAMPLES -1",
    "MEMORY USAGE",
    "MEMORY x",
  ],
  ...["MEMORY PURGE", "MEMORY HELP", "COMMAND x", "COMMAND GETKEYS", "COMMAND GETKEYS get", "COMMAND LIST x"],
  ...[
    "COMMAND LIST FILTERBY",
    "COMMAND LIST FILTERBY x y",
    "COMMAND LIST FILTERBY MODULE x",
    "COMMAND COUNT x",
  ],
  ...["COMMAND LIST FILTERBY PATTERN pin*", "COMMAND LIST FILTERBY ACLCAT nosuch", "COMMAND INFO nosuch get"],
  ...["COMMAND INFO config|nosuch get|x", "COMMAND DOCS nosuch", "COMMAND HELP", "COMMAND INFO PING ping"],
  ...["CONFIG GET", "CONFIG x", "CONFIG GET maxmemory", "CONFIG GET MAXMEMORY", "CONFIG GET nosuch"],
  ...[
    "CONFIG GET maxmemory maxmemory",
    "CONFIG SET",
    "CONFIG SET a",
    "CONFIG SET nosuch 1",
    "CONFIG SET a b c",
  ],
  ...["CONFIG SET slowlog-max-len 64", "CONFIG GET slowlog-max-len", "CONFIG RESETSTAT", "CONFIG HELP"],
  ...[
    "BGSAVE x",
    "SAVE x",
    "BGREWRITEAOF x",
    "REPLICAOF no one",
    "SLAVEOF NO ONE",
    "REPLICAOF x y",
    "REPLICAOF a 65536",
  ],
  ...[
    "FAILOVER",
    "FAILOVER x",
    "FAILOVER ABORT",
    "FAILOVER TIMEOUT 0",
    "FAILOVER TIMEOUT x",
    "FAILOVER TO a b",
  ],
  ...["FAILOVER TO a 1 FORCE TIMEOUT 5", "FAILOVER FORCE FORCE", "FAILOVER ABORT TIMEOUT 1"],
  ...[
    "CLUSTER",
    "CLUSTER INFO",
    "CLUSTER NOSUCH",
    "CLUSTER KEYSLOT a",
    "CLUSTER HELP",
    "READONLY",
    "READWRITE",
  ],
  ...["ASKING", "MODULE LIST", "MODULE x", "MODULE HELP", "MODULE", "DEBUG", "DEBUG SLEEP 0"],
];

describe.skipIf(version === undefined)(
  "beside redis-server (skipped: redis-server 7.0 is not installed)",
  () => {
    let redis: RedisOracle;
    beforeAll(async () => {
      redis = await RedisOracle.start();
    });
    afterAll(async () => {
      await redis.stop();
    });

    it("answers connection and server commands alike", async () => {
      await compare(2, COMMANDS);
    });

    it("answers them alike in RESP3", async () => {
      await redis.ask([["RESET"], ["HELLO", "3"]]);
      const unchanging = COMMANDS.filter((command) => !/^(RESET|HELLO|QUIT)/.test(command));
      await compare(3, unchanging);
      await redis.ask([["HELLO", "2"]]);
    });

    it("greets alike", async () => {
      const bench = new ServerBench();
      const [raw] = await redis.ask([["HELLO", "2"]]);
      expect(withoutId(bench.run("HELLO", "2"))).toBe(withoutId(raw!));
      const [raw3] = await redis.ask([["HELLO", "3"]]);
      expect(withoutId(bench.run("HELLO", "3"))).toBe(withoutId(raw3!));
      await redis.ask([["HELLO", "2"]]);
    });

    it("knows every field of every section of INFO that redis-server has", async () => {
      await redis.ask([["SET", "a", "1"], ["NOSUCH"]]);
      const [raw] = await redis.ask([["INFO", "everything"]]);
      const bench = new ServerBench();
      bench.run("SET", "a", "1");
      bench.statistics.countError("ERR unknown command");
      const ours = fieldsBySection(bench.info("everything"));
      for (const [section, fields] of fieldsBySection(raw!.slice(raw!.indexOf("\r\n") + 2))) {
        if (section === "Commandstats" || section === "Latencystats") continue;
        const missing = fields.filter(
          (field) => !ours.get(section)?.includes(field) && !NOT_OURS.includes(field),
        );
        expect({ section, missing }).toEqual({ section, missing: [] });
      }
    });

    async function compare(resp: 2 | 3, commands: readonly string[]): Promise<void> {
      const bench = new ServerBench(resp);
      bench.around.debugAccess = "no";
      const requests = commands.map((command) => command.split(" "));
      const replies = await redis.ask(requests);
      const differing = requests.flatMap((request, index) => {
        const ours = bench.run(...request);
        const theirs = replies[index]!;
        return ours === theirs ? [] : [{ request: request.join(" "), ours, theirs }];
      });
      expect(differing).toEqual([]);
    }
  },
);

/** About the C library, the compiler and threads of redis-server. */
const NOT_OURS = ["atomicvar_api", "used_cpu_sys_main_thread", "used_cpu_user_main_thread"];

function withoutId(reply: string): string {
  return reply.replace(/\$2\r\nid\r\n:\d+/, "id");
}

function fieldsBySection(text: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let fields: string[] = [];
  for (const line of text.split("\r\n")) {
    if (line.startsWith("# ")) sections.set(line.slice(2), (fields = []));
    else if (line.includes(":")) fields.push(line.slice(0, line.indexOf(":")));
  }
  return sections;
}
