/** INFO's sections about what was counted: stats, commandstats, errorstats, latencystats. */
import type { ResolvedCommand } from "../commands/table.ts";
import type { InfoSources } from "./info-sources.ts";

export function statistics(sources: InfoSources): readonly string[] {
  const counted = sources.statistics;
  return [
    `total_connections_received:${counted.connectionsReceived}`,
    `total_commands_processed:${counted.commandsProcessed}`,
    `instantaneous_ops_per_sec:${counted.operationsPerSecond}`,
    `total_net_input_bytes:${counted.netInputBytes}`,
    `total_net_output_bytes:${counted.netOutputBytes}`,
    "total_net_repl_input_bytes:0",
    "total_net_repl_output_bytes:0",
    `instantaneous_input_kbps:${counted.inputKilobytesPerSecond.toFixed(2)}`,
    `instantaneous_output_kbps:${counted.outputKilobytesPerSecond.toFixed(2)}`,
    "instantaneous_input_repl_kbps:0.00",
    "instantaneous_output_repl_kbps:0.00",
    `rejected_connections:${counted.rejectedConnections}`,
    "sync_full:0",
    "sync_partial_ok:0",
    "sync_partial_err:0",
    `expired_keys:${counted.expiredKeys}`,
    `expired_stale_perc:${counted.expiredStalePercent.toFixed(2)}`,
    `expired_time_cap_reached_count:${counted.expireCycleLimitReached}`,
    `expire_cycle_cpu_milliseconds:${Math.floor(counted.expireCycleMs)}`,
    `evicted_keys:${counted.evictedKeys}`,
    `evicted_clients:${counted.evictedClients}`,
    "total_eviction_exceeded_time:0",
    "current_eviction_exceeded_time:0",
    `keyspace_hits:${counted.keyspaceHits}`,
    `keyspace_misses:${counted.keyspaceMisses}`,
    `pubsub_channels:${sources.pubSub.topicCount("channel")}`,
    `pubsub_patterns:${sources.pubSub.topicCount("pattern")}`,
    `pubsubshard_channels:${sources.pubSub.topicCount("shard")}`,
    "latest_fork_usec:0",
    "total_forks:0",
    "migrate_cached_sockets:0",
    "slave_expires_tracked_keys:0",
    "active_defrag_hits:0",
    "active_defrag_misses:0",
    "active_defrag_key_hits:0",
    "active_defrag_key_misses:0",
    "total_active_defrag_time:0",
    "current_active_defrag_time:0",
    "tracking_total_keys:0",
    "tracking_total_items:0",
    "tracking_total_prefixes:0",
    "unexpected_error_replies:0",
    `total_error_replies:${counted.errorReplies}`,
    "dump_payload_sanitizations:0",
    `total_reads_processed:${counted.readsProcessed}`,
    `total_writes_processed:${counted.writesProcessed}`,
    "io_threaded_reads_processed:0",
    "io_threaded_writes_processed:0",
    "reply_buffer_shrinks:0",
    "reply_buffer_expands:0",
  ];
}

export function commandStatistics(sources: InfoSources): readonly string[] {
  return [...sources.table.all()]
    .filter((command) => command.calls > 0 || command.rejected > 0 || command.failed > 0)
    .map(commandLine);
}

function commandLine(command: ResolvedCommand): string {
  const { calls, rejected, failed } = command;
  const perCall = calls === 0 ? 0 : command.microseconds / calls;
  return (
    `cmdstat_${command.fullName}:calls=${calls},usec=${Math.round(command.microseconds)},` +
    `usec_per_call=${perCall.toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`
  );
}

export function errorStatistics(sources: InfoSources): readonly string[] {
  return sources.statistics.errors().map(([code, count]) => `errorstat_${safeName(code)}:count=${count}`);
}

/** Error codes can come from clients; a field's name must not end before its value. */
function safeName(code: string): string {
  return code.replace(/[^!-9;-~]/g, "_");
}

const PERCENTILES = [50, 99, 99.9] as const;

export function latencyStatistics(sources: InfoSources): readonly string[] {
  return [...sources.table.all()].filter((command) => command.latency.count > 0).map(latencyLine);
}

function latencyLine(command: ResolvedCommand): string {
  const values = PERCENTILES.map((percent) => {
    const microseconds = command.latency.percentileNs(percent) / 1000;
    return `p${percent}=${microseconds.toFixed(3)}`;
  });
  return `latency_percentiles_usec_${command.fullName}:${values.join(",")}`;
}
