import { describe, expect, it } from "vitest";
import { Refused } from "../../src/config/kinds.ts";
import { loadConfig } from "../../src/config/load.ts";
import { OPTION_LIST, REDIS_NAMES } from "../../src/config/options.ts";
import { REDIS_CONSTANTS } from "../../src/config/redis-constants.ts";
import { OutputLimitsSample, typeProof } from "./type-proof.ts";

const duplicates = (names: readonly string[]): string[] =>
  names.filter((name, index) => names.indexOf(name) !== index);

describe("the table of options", () => {
  it("names every key, environment variable and Redis name once", () => {
    expect(duplicates(OPTION_LIST.map(({ key }) => key))).toEqual([]);
    expect(duplicates(OPTION_LIST.map(({ environmentName }) => environmentName))).toEqual([]);
    const redis = OPTION_LIST.flatMap(({ option: { terms } }) =>
      [terms.redis ?? [], terms.redisAliases ?? []].flat(),
    );
    expect(duplicates([...redis, ...REDIS_CONSTANTS.keys()])).toEqual([]);
  });

  it("accepts every default in each form and gives it back unchanged", () => {
    for (const { key, option } of OPTION_LIST) {
      const { kind, terms } = option;
      const text = kind.toToml(terms.default);
      expect(kind.fromRedis(kind.toRedis(terms.default), terms.default), key).toEqual(terms.default);
      expect(terms.check?.(terms.default), key).toBeUndefined();
      expect(text, key).not.toBe("");
      expect(terms.doc, key).toMatch(/[.]$/);
    }
  });

  it("keeps the names that users know", () => {
    const keys = new Set<string>(OPTION_LIST.map(({ key }) => key));
    const promised = {
      persistence:
        "aof_enabled aof_sync aof_file aof_rewrite_percentage aof_rewrite_min_size checkpoint_enabled checkpoint_interval checkpoint_file checkpoint_compression save_rules",
      storage: "backend max_memory warm_max_bytes data_dir",
      cloud: "enabled provider bucket region prefix endpoint read_timeout",
      encryption: "enabled key_file scope",
      backup: "enabled destination archive_interval",
      metrics: "enabled bind port",
      logging: "level format file",
    };
    for (const [section, names] of Object.entries(promised)) {
      for (const name of names.split(" ")) expect(keys, `${section}.${name}`).toContain(`${section}.${name}`);
    }
  });

  it("knows the names that clients of Redis ask for", () => {
    const names =
      "appendonly appendfsync save dir dbfilename maxmemory maxmemory-policy maxmemory-samples lfu-log-factor lfu-decay-time auto-aof-rewrite-percentage auto-aof-rewrite-min-size hz timeout tcp-keepalive databases port bind unixsocket loglevel logfile requirepass protected-mode slowlog-log-slower-than slowlog-max-len latency-monitor-threshold maxclients client-output-buffer-limit proto-max-bulk-len client-query-buffer-limit notify-keyspace-events appendfilename enable-debug-command lazyfree-lazy-eviction hash-max-listpack-entries hash-max-ziplist-entries";
    for (const name of names.split(" ")) expect(REDIS_NAMES.has(name), name).toBe(true);
    for (const name of [
      "appenddirname",
      "cluster-enabled",
      "replica-read-only",
      "io-threads",
      "activerehashing",
    ]) {
      expect(REDIS_CONSTANTS.has(name), name).toBe(true);
    }
  });

  it("gives values types that follow from the table", () => {
    expect(typeProof(loadConfig({ workingFolder: "/srv" }))).toBe(true);
    expect(OutputLimitsSample).not.toBeInstanceOf(Refused);
  });
});
