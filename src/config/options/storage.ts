/** Options of the section `storage`: the data directory, memory and how values are kept in it. */
import { boolean, choice, INT32_MAX, integer, type Option, path, size } from "../option.ts";

const lazyFree = (redis: string, what: string): Option<boolean> =>
  boolean({
    default: false,
    doc: `Redis: free ${what} in the background. Freeing takes the same short time here either way.`,
    redis,
    live: true,
    status: "accepted",
  });

const threshold = (redis: string, redisAliases: readonly string[], value: number, min: number, doc: string) =>
  integer({ default: value, min, max: INT32_MAX, doc, redis, redisAliases, live: true });

/** One that nothing here goes by. */
const idleThreshold = (redis: string, value: number, doc: string) =>
  integer({ default: value, min: 0, max: INT32_MAX, doc, redis, live: true, status: "accepted" });

export const storageOptions = {
  data_dir: path({
    default: "./data",
    doc: "Folder of all that is kept. A relative path is taken from the configuration file's folder, or from the working directory when it is given elsewhere.",
    redis: "dir",
    fixed: "protected",
    check: (value) => (value === "" ? "the path of a folder" : undefined),
  }),
  backend: choice(["memory", "hybridlog"], {
    default: "memory",
    doc: '"memory" keeps every value in memory; "hybridlog" lets values that are rarely used go to disk.',
    status: "reserved",
  }),
  max_memory: size({
    default: 0,
    doc: "Memory that the data may take; above it `max_memory_policy` applies. 0 for no limit.",
    redis: "maxmemory",
    live: true,
  }),
  max_memory_policy: choice(
    [
      "volatile-lru",
      "volatile-lfu",
      "volatile-random",
      "volatile-ttl",
      "allkeys-lru",
      "allkeys-lfu",
      "allkeys-random",
      "noeviction",
    ],
    {
      default: "noeviction",
      doc: "What to do when `max_memory` is reached: refuse writes, or delete keys chosen this way.",
      redis: "maxmemory-policy",
      live: true,
    },
  ),
  max_memory_samples: integer({
    default: 5,
    min: 1,
    max: INT32_MAX,
    doc: "Keys that are compared to choose one to delete; more is closer to the ideal choice and slower.",
    redis: "maxmemory-samples",
    live: true,
  }),
  lfu_log_factor: integer({
    default: 10,
    max: INT32_MAX,
    doc: "How slowly a key's use counter grows under the LFU policies.",
    redis: "lfu-log-factor",
    live: true,
  }),
  lfu_decay_time: integer({
    default: 1,
    max: INT32_MAX,
    doc: "Minutes after which a key's use counter falls by one; 0 never lowers it.",
    redis: "lfu-decay-time",
    live: true,
  }),
  segment_size: size({
    default: 8 * 1024 ** 2,
    min: 256 * 1024,
    max: 8 * 1024 ** 2,
    doc: "Size of a segment, the unit in which memory is taken and given back. A multiple of 64KB.",
    check: (value) => (value % 65_536 === 0 ? undefined : 'a multiple of "64KB"'),
  }),
  warm_max_bytes: size({
    default: 0,
    doc: "Disk space that the warm tier may take; 0 for no limit.",
    status: "reserved",
  }),
  active_expire_effort: integer({
    default: 1,
    min: 1,
    max: 10,
    doc: "How hard to look for expired keys that nobody asks for.",
    redis: "active-expire-effort",
    live: true,
  }),
  lazyfree_lazy_eviction: lazyFree("lazyfree-lazy-eviction", "keys deleted under `max_memory`"),
  lazyfree_lazy_expire: lazyFree("lazyfree-lazy-expire", "expired keys"),
  lazyfree_lazy_server_del: lazyFree("lazyfree-lazy-server-del", "values replaced by commands"),
  lazyfree_lazy_user_del: lazyFree("lazyfree-lazy-user-del", "keys deleted by DEL"),
  lazyfree_lazy_user_flush: lazyFree("lazyfree-lazy-user-flush", "databases emptied by FLUSHALL and FLUSHDB"),
  hash_max_listpack_entries: threshold(
    "hash-max-listpack-entries",
    ["hash-max-ziplist-entries"],
    512,
    0,
    "Fields up to which a hash stays packed.",
  ),
  hash_max_listpack_value: threshold(
    "hash-max-listpack-value",
    ["hash-max-ziplist-value"],
    64,
    0,
    "Bytes of the longest field or value up to which a hash stays packed.",
  ),
  list_max_listpack_size: threshold(
    "list-max-listpack-size",
    ["list-max-ziplist-size"],
    -2,
    -INT32_MAX - 1,
    "Elements per node of a list or, if negative, Redis's size classes (-1 is 4 KB … -5 is 64 KB).",
  ),
  list_compress_depth: idleThreshold(
    "list-compress-depth",
    0,
    "Nodes at each end of a list that are not compressed; 0 compresses none.",
  ),
  set_max_intset_entries: threshold(
    "set-max-intset-entries",
    [],
    512,
    0,
    "Members up to which a set of integers stays packed.",
  ),
  set_max_listpack_entries: threshold(
    "set-max-listpack-entries",
    [],
    128,
    0,
    "Members up to which a set stays packed.",
  ),
  set_max_listpack_value: threshold(
    "set-max-listpack-value",
    [],
    64,
    0,
    "Bytes of the longest member up to which a set stays packed.",
  ),
  zset_max_listpack_entries: threshold(
    "zset-max-listpack-entries",
    ["zset-max-ziplist-entries"],
    128,
    0,
    "Members up to which a sorted set stays packed.",
  ),
  zset_max_listpack_value: threshold(
    "zset-max-listpack-value",
    ["zset-max-ziplist-value"],
    64,
    0,
    "Bytes of the longest member up to which a sorted set stays packed.",
  ),
  stream_node_max_bytes: size({
    default: 4096,
    doc: "Bytes of a node of a stream; 0 for no limit.",
    redis: "stream-node-max-bytes",
    live: true,
    status: "accepted",
  }),
  stream_node_max_entries: idleThreshold(
    "stream-node-max-entries",
    100,
    "Entries of a node of a stream; 0 for no limit.",
  ),
  hll_sparse_max_bytes: size({
    default: 3000,
    doc: "Bytes up to which a HyperLogLog stays in its sparse form.",
    redis: "hll-sparse-max-bytes",
    live: true,
    status: "accepted",
  }),
};
