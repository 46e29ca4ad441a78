/**
 * What COMMAND tells of every command that both know is what redis-server 7.0.15 tells, byte for byte; the
 * differences that are meant are listed here with their reason.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Decoded, decodeReply, RedisOracle, redisVersion } from "../support/redis-oracle.ts";
import { ServerBench } from "./server-support.ts";

const version = redisVersion();
/** Later versions of Redis have them, or Ferrite alone. */
const NOT_IN_7_0 = [
  ...["client|no-touch", "client|setinfo", "waitaof", "aof", "aof|help", "aof|sync", "backup"],
  ...["hexpire", "hexpireat", "hpexpire", "hpexpireat"],
  ...["httl", "hpttl", "hexpiretime", "hpexpiretime", "hpersist"],
];
/** ZRANK and ZREVRANK take WITHSCORE since 7.2, and so any number of arguments as far as COMMAND tells. */
const TAKING_MORE = ["zrank", "zrevrank"];
/** CLIENT KILL takes MAXAGE and HSCAN takes NOVALUES, which came after 7.0. */
const DOCUMENTED_DIFFERENTLY = ["client|kill", "hscan", ...TAKING_MORE];

describe.skipIf(version === undefined)(
  "COMMAND beside redis-server (skipped: redis-server 7.0 is not installed)",
  () => {
    let redis: RedisOracle;
    const bench = new ServerBench();
    const names = [...bench.table.all()]
      .map((command) => command.fullName)
      .filter((name) => !NOT_IN_7_0.includes(name));

    beforeAll(async () => {
      redis = await RedisOracle.start();
    });
    afterAll(async () => {
      await redis.stop();
    });

    it("has the same COMMAND INFO", async () => {
      const replies = await redis.ask(names.map((name) => ["COMMAND", "INFO", name]));
      const differing = names.filter((name, index) => {
        if (TAKING_MORE.includes(name)) return false;
        const ours = withoutSubcommands(bench.run("COMMAND", "INFO", name));
        return JSON.stringify(ours) !== JSON.stringify(withoutSubcommands(replies[index]!));
      });
      expect(differing).toEqual([]);
    });

    it("has the same COMMAND DOCS", async () => {
      const replies = await redis.ask(names.map((name) => ["COMMAND", "DOCS", name]));
      const differing = names.filter((name, index) => {
        if (DOCUMENTED_DIFFERENTLY.includes(name)) return false;
        const ours = withoutSubcommandDocs(bench.run("COMMAND", "DOCS", name));
        return JSON.stringify(ours) !== JSON.stringify(withoutSubcommandDocs(replies[index]!));
      });
      expect(differing).toEqual([]);
    });

    it("writes COMMAND INFO and DOCS in RESP3 as Redis does", async () => {
      const plain = names.filter((name) => bench.command(name).subcommands.length === 0);
      const questions = plain.flatMap((name) => [
        ["COMMAND", "INFO", name],
        ["COMMAND", "DOCS", name],
      ]);
      const [, ...replies] = await redis.ask([["HELLO", "3"], ...questions]);
      await redis.ask([["HELLO", "2"]]);
      const resp3 = new ServerBench(3);
      const differing = questions.filter(
        (question, index) =>
          !DOCUMENTED_DIFFERENTLY.includes(question[2]!) && resp3.run(...question) !== replies[index],
      );
      expect(differing).toEqual([]);
    });

    it("finds the same keys", async () => {
      const questions = [
        ["GET", "a"],
        ["get", "a"],
        ["MSET", "a", "1", "b", "2"],
        ["MSET", "a"],
        ["DEL", "a", "b", "c"],
        ["RENAME", "a", "b"],
        ["COPY", "a", "b", "DB", "1"],
        ["OBJECT", "ENCODING", "a"],
        ["MEMORY", "USAGE", "a"],
        ["LCS", "a", "b"],
        ["SET", "a", "v"],
        ["SET", "a", "v", "KEEPTTL", "get"],
        ["SET", "a", "get"],
        ["BITFIELD", "a", "GET", "u8", "0"],
        ["BITFIELD", "a"],
        ["BITFIELD", "a", "get", "u8", "0", "overflow", "sat"],
        ["BITFIELD", "a", "GET", "u8", "0", "INCRBY", "u8", "0", "1"],
        ["BITFIELD", "a", "bad"],
        ["PING", "a"],
        ["NOSUCH", "a"],
        ["CONFIG", "GET", "a"],
        ["ZRANGESTORE", "a", "b", "0", "1"],
        ["ZUNIONSTORE", "d", "2", "a", "b"],
        ["ZUNIONSTORE", "d", "3", "a", "b"],
        ["ZDIFF", "2", "a", "b", "WITHSCORES"],
        ["ZINTERCARD", "x", "a"],
        ["ZMPOP", "2", "a", "b", "MIN"],
        ["BZMPOP", "0", "1", "a", "MIN"],
        ["BZPOPMIN", "a", "b", "0"],
        ["GET", "a", "b"],
        ["LMOVE", "a", "b", "LEFT", "RIGHT"],
        ["BLPOP", "a", "b", "0"],
        ["LMPOP", "2", "a", "b", "LEFT"],
        ["LMPOP", "3", "a", "LEFT"],
        ["LMPOP", "0", "a", "LEFT"],
        ["LMPOP", "x", "a", "LEFT"],
        ["BLMPOP", "0", "1", "a", "LEFT", "COUNT", "2"],
        ["SORT", "a", "BY", "x", "GET", "y", "STORE", "d"],
        ["SORT", "a", "STORE", "b", "store", "c"],
        ["SORT", "a", "LIMIT", "STORE", "b", "GET", "STORE", "d"],
        ["SORT", "a", "STORE"],
        ["SORT_RO", "a", "STORE", "b"],
      ].flatMap((command) => [
        ["COMMAND", "GETKEYS", ...command],
        ["COMMAND", "GETKEYSANDFLAGS", ...command],
      ]);
      const replies = await redis.ask(questions);
      expect(questions.map((question) => bench.run(...question))).toEqual(replies);
    });
  },
);

/** The order of subcommands is an accident of hashing in Redis; they are compared one by one. */
function withoutSubcommands(raw: string): Decoded {
  const [command] = decodeReply(raw) as readonly Decoded[];
  return Array.isArray(command) ? (command as Decoded[]).slice(0, 9) : (command ?? null);
}

function withoutSubcommandDocs(raw: string): Decoded {
  const [name, docs] = decodeReply(raw) as readonly Decoded[];
  if (!Array.isArray(docs)) return name ?? null;
  const fields = docs as Decoded[];
  const subcommands = fields.indexOf("subcommands");
  return [name ?? null, subcommands < 0 ? fields : fields.slice(0, subcommands)];
}
