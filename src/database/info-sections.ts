/** INFO's sections about state: each answers its lines, without heading and line ends. */
import type { InfoSources } from "./info-sources.ts";
import type { LoadingReading } from "./loading.ts";

export function server({ identity, nowMs, server: read }: InfoSources): readonly string[] {
  const reading = read();
  const now = nowMs();
  const upSeconds = Math.max(0, Math.floor((now - reading.startedMs) / 1000));
  return [
    `redis_version:${identity.redisVersion}`,
    "redis_git_sha1:00000000",
    "redis_git_dirty:0",
    "redis_build_id:0",
    "redis_mode:standalone",
    `os:${reading.operatingSystem}`,
    "arch_bits:64",
    "monotonic_clock:POSIX clock_gettime",
    `multiplexing_api:${reading.transport}`,
    "gcc_version:0.0.0",
    `process_id:${reading.processId}`,
    "process_supervised:no",
    `run_id:${identity.runId}`,
    `tcp_port:${reading.tcpPort}`,
    `server_time_usec:${Math.floor(now * 1000)}`,
    `uptime_in_seconds:${upSeconds}`,
    `uptime_in_days:${Math.floor(upSeconds / 86_400)}`,
    `hz:${reading.hz}`,
    `configured_hz:${reading.hz}`,
    `lru_clock:${Math.floor(now / 1000) % 2 ** 24}`,
    `executable:${reading.executable}`,
    `config_file:${reading.configFile}`,
    "io_threads_active:0",
    `ferrite_version:${identity.ferriteVersion}`,
    `node_version:${reading.nodeVersion}`,
    `transport:${reading.transport}`,
    `file_system:${reading.fileSystem}`,
  ];
}

export function clients(sources: InfoSources): readonly string[] {
  const survey = sources.clients.survey();
  return [
    `connected_clients:${sources.clients.count}`,
    "cluster_connections:0",
    `maxclients:${sources.server().maxClients}`,
    `client_recent_max_input_buffer:${survey.inputBytesMax}`,
    `client_recent_max_output_buffer:${survey.outputBytesMax}`,
    `blocked_clients:${survey.blocked}`,
    "tracking_clients:0",
    `pubsub_clients:${survey.pubsub}`,
    "watching_clients:0",
    "clients_in_timeout_table:0",
    "total_watched_keys:0",
    "total_blocking_keys:0",
    "total_blocking_keys_on_nokey:0",
  ];
}

export function memory(sources: InfoSources): readonly string[] {
  const reading = sources.memory.read();
  const overhead = reading.used - reading.dataset;
  // Redis counts its own start-up cost as used; here it is the runtime's and stands beside it.
  const expected = reading.used + reading.startup;
  return [
    `used_memory:${reading.used}`,
    `used_memory_human:${humanBytes(reading.used)}`,
    `used_memory_rss:${reading.rss}`,
    `used_memory_rss_human:${humanBytes(reading.rss)}`,
    `used_memory_peak:${reading.peak}`,
    `used_memory_peak_human:${humanBytes(reading.peak)}`,
    `used_memory_peak_perc:${percent(reading.used, reading.peak)}`,
    `used_memory_overhead:${overhead}`,
    `used_memory_startup:${reading.startup}`,
    `used_memory_dataset:${reading.dataset}`,
    `used_memory_dataset_perc:${percent(reading.dataset, reading.used)}`,
    `allocator_allocated:${reading.used}`,
    `allocator_active:${reading.rss}`,
    `allocator_resident:${reading.rss}`,
    `total_system_memory:${reading.system}`,
    `total_system_memory_human:${humanBytes(reading.system)}`,
    "used_memory_lua:0",
    "used_memory_vm_eval:0",
    "used_memory_lua_human:0B",
    "used_memory_scripts_eval:0",
    "number_of_cached_scripts:0",
    "number_of_functions:0",
    "number_of_libraries:0",
    "used_memory_vm_functions:0",
    "used_memory_vm_total:0",
    "used_memory_vm_total_human:0B",
    "used_memory_functions:0",
    "used_memory_scripts:0",
    "used_memory_scripts_human:0B",
    `maxmemory:${reading.limit}`,
    `maxmemory_human:${humanBytes(reading.limit)}`,
    `maxmemory_policy:${reading.policy}`,
    "allocator_frag_ratio:1.00",
    "allocator_frag_bytes:0",
    "allocator_rss_ratio:1.00",
    "allocator_rss_bytes:0",
    `rss_overhead_ratio:${ratio(reading.rss, expected)}`,
    `rss_overhead_bytes:${reading.rss - expected}`,
    `mem_fragmentation_ratio:${ratio(reading.rss, expected)}`,
    `mem_fragmentation_bytes:${reading.rss - expected}`,
    "mem_not_counted_for_evict:0",
    "mem_replication_backlog:0",
    "mem_total_replication_buffers:0",
    "mem_clients_slaves:0",
    `mem_clients_normal:${reading.clients}`,
    "mem_cluster_links:0",
    `mem_aof_buffer:${reading.aofBuffer}`,
    "mem_allocator:ferrite",
    "active_defrag_running:0",
    "lazyfree_pending_objects:0",
    "lazyfreed_objects:0",
    `index_memory:${reading.index}`,
    `heap_used:${reading.heapUsed}`,
    `heap_total:${reading.heapTotal}`,
  ];
}

export function persistence(sources: InfoSources): readonly string[] {
  const reading = sources.persistence();
  const lines = [
    `loading:${flag(reading.loading !== undefined)}`,
    "async_loading:0",
    `current_cow_peak:${reading.saveRetainedPeakBytes}`,
    `current_cow_size:${reading.saveRetainedBytes}`,
    "current_cow_size_age:0",
    "current_fork_perc:0.00",
    "current_save_keys_processed:0",
    "current_save_keys_total:0",
    `rdb_changes_since_last_save:${reading.changesSinceSave}`,
    `rdb_bgsave_in_progress:${flag(reading.saveInProgress)}`,
    `rdb_last_save_time:${reading.lastSaveSeconds}`,
    `rdb_last_bgsave_status:${outcome(reading.lastSaveSucceeded)}`,
    `rdb_last_bgsave_time_sec:${reading.lastSaveDurationSeconds}`,
    `rdb_current_bgsave_time_sec:${reading.currentSaveDurationSeconds}`,
    `rdb_saves:${reading.saves}`,
    `rdb_last_cow_size:${reading.lastSaveRetainedBytes}`,
    "rdb_last_load_keys_expired:0",
    "rdb_last_load_keys_loaded:0",
    `aof_enabled:${flag(reading.aofEnabled)}`,
    `aof_rewrite_in_progress:${flag(reading.aofRewriteInProgress)}`,
    `aof_rewrite_scheduled:${flag(reading.aofRewriteScheduled)}`,
    `aof_last_rewrite_time_sec:${reading.aofLastRewriteDurationSeconds}`,
    `aof_current_rewrite_time_sec:${reading.aofCurrentRewriteDurationSeconds}`,
    `aof_last_bgrewrite_status:${outcome(reading.aofLastRewriteSucceeded)}`,
    `aof_rewrites:${reading.aofRewrites}`,
    "aof_rewrites_consecutive_failures:0",
    `aof_last_write_status:${outcome(reading.aofLastWriteSucceeded)}`,
    "aof_last_cow_size:0",
    "module_fork_in_progress:0",
    "module_fork_last_cow_size:0",
  ];
  if (reading.aofEnabled) {
    lines.push(
      `aof_current_size:${reading.aofCurrentSizeBytes}`,
      `aof_base_size:${reading.aofBaseSizeBytes}`,
      "aof_pending_rewrite:0",
      `aof_buffer_length:${reading.aofBufferBytes}`,
      `aof_pending_bio_fsync:${reading.aofSyncsPending}`,
      `aof_delayed_fsync:${reading.aofSyncsDelayed}`,
      `aof_durable_lsn:${reading.aofDurableLsn}`,
    );
  }
  if (reading.loading !== undefined) lines.push(...loadingLines(reading.loading));
  lines.push(
    `last_lsn:${sources.server().lastLsn}`,
    `checkpoint_in_progress:${flag(reading.saveInProgress)}`,
    `checkpoint_last_save_time:${reading.lastSaveSeconds}`,
    `checkpoint_last_duration_sec:${reading.lastSaveDurationSeconds}`,
    `checkpoint_last_size:${reading.lastSaveBytes}`,
    `checkpoint_phase:${reading.savePhase}`,
  );
  return lines;
}

function loadingLines({ startedMs, totalBytes, loadedBytes, elapsedMs }: LoadingReading): readonly string[] {
  const share = totalBytes === 0 ? 0 : loadedBytes / totalBytes;
  const left = share === 0 ? 1 : (elapsedMs / share) * (1 - share);
  return [
    `loading_start_time:${Math.floor(startedMs / 1000)}`,
    `loading_total_bytes:${totalBytes}`,
    `loading_loaded_bytes:${loadedBytes}`,
    `loading_loaded_perc:${(share * 100).toFixed(2)}`,
    `loading_eta_seconds:${Math.ceil(left / 1000)}`,
  ];
}

export function replication(sources: InfoSources): readonly string[] {
  const reading = sources.server();
  return [
    "role:master",
    "connected_slaves:0",
    "master_failover_state:no-failover",
    `master_replid:${reading.replicationId}`,
    `master_replid2:${"0".repeat(40)}`,
    // There is no replication stream, so its offset does not move.
    "master_repl_offset:0",
    "second_repl_offset:-1",
    "repl_backlog_active:0",
    "repl_backlog_size:0",
    "repl_backlog_first_byte_offset:0",
    "repl_backlog_histlen:0",
  ];
}

export function processor(sources: InfoSources): readonly string[] {
  const { userMicroseconds, systemMicroseconds } = sources.processor();
  return [
    `used_cpu_sys:${(systemMicroseconds / 1e6).toFixed(6)}`,
    `used_cpu_user:${(userMicroseconds / 1e6).toFixed(6)}`,
    "used_cpu_sys_children:0.000000",
    "used_cpu_user_children:0.000000",
  ];
}

export function modules(): readonly string[] {
  return [];
}

export function cluster(): readonly string[] {
  return ["cluster_enabled:0"];
}

export function keyspace(sources: InfoSources): readonly string[] {
  const view = sources.keyspace;
  const lines: string[] = [];
  for (let db = 0; db < view.databases; db++) {
    const keys = view.size(db);
    if (keys === 0) continue;
    const averageTtlMs = Math.round(view.averageTtlMs(db));
    lines.push(`db${db}:keys=${keys},expires=${view.volatileCount(db)},avg_ttl=${averageTtlMs}`);
  }
  return lines;
}

export function tiering(sources: InfoSources): readonly string[] {
  const tiers = sources.tiers();
  return [
    `hot_keys:${tiers.hotKeys}`,
    `hot_bytes:${tiers.hotBytes}`,
    `warm_keys:${tiers.warmKeys}`,
    `warm_bytes:${tiers.warmBytes}`,
    `cold_keys:${tiers.coldKeys}`,
    `cold_bytes:${tiers.coldBytes}`,
  ];
}

function flag(on: boolean): number {
  return on ? 1 : 0;
}

function outcome(succeeded: boolean): string {
  return succeeded ? "ok" : "err";
}

function percent(part: number, whole: number): string {
  return `${((part / Math.max(1, whole)) * 100).toFixed(2)}%`;
}

function ratio(part: number, whole: number): string {
  return (part / Math.max(1, whole)).toFixed(2);
}

const UNITS = ["K", "M", "G", "T", "P"] as const;

/** Redis's short form: "0B", "919.58K", "23.54G". */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes;
  let unit = "";
  for (const next of UNITS) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(2)}${unit}`;
}
