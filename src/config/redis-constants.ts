/**
 * Names that CONFIG GET answers although there is nothing to choose: what clients and tools probe for.
 *
 * Every answer is true of this server. CONFIG SET accepts the value that already holds, so that a tool which
 * makes sure of it goes on, and refuses any other one.
 */
export const REDIS_CONSTANTS: ReadonlyMap<string, string> = new Map([
  ["aclfile", ""],
  ["activedefrag", "no"],
  ["activerehashing", "yes"],
  ["always-show-logo", "no"],
  ["aof-load-truncated", "yes"],
  ["aof-timestamp-enabled", "no"],
  ["aof-use-rdb-preamble", "no"],
  ["appenddirname", "aof"],
  ["cluster-enabled", "no"],
  ["daemonize", "no"],
  ["enable-module-command", "no"],
  ["enable-protected-configs", "no"],
  ["io-threads", "1"],
  ["io-threads-do-reads", "no"],
  ["masterauth", ""],
  ["masteruser", ""],
  ["maxmemory-clients", "0"],
  ["min-replicas-max-lag", "10"],
  ["min-replicas-to-write", "0"],
  ["min-slaves-max-lag", "10"],
  ["min-slaves-to-write", "0"],
  ["no-appendfsync-on-rewrite", "no"],
  ["pidfile", ""],
  ["rdbchecksum", "yes"],
  ["replica-priority", "100"],
  ["replica-read-only", "yes"],
  ["replicaof", ""],
  ["slave-priority", "100"],
  ["slave-read-only", "yes"],
  ["slaveof", ""],
  ["stop-writes-on-bgsave-error", "yes"],
  ["supervised", "no"],
  ["syslog-enabled", "no"],
]);
