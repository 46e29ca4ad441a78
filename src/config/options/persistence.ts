/** Options of the section `persistence`: the append-only file and checkpoints. */
import { boolean, choice, duration, fileName, INT32_MAX, integer, Option, size } from "../option.ts";
import { type SaveRule, saveRulesKind } from "../redis-kinds.ts";

const NO_RULES: readonly SaveRule[] = [];

export const persistenceOptions = {
  aof_enabled: boolean({
    default: true,
    doc: "Log every write to the append-only file. Without it what was written since the last checkpoint is lost in a crash.",
    redis: "appendonly",
    live: true,
  }),
  aof_sync: choice(["everysec", "always", "no"], {
    default: "everysec",
    doc: '"always": a write is acknowledged when it is on disk. "everysec": a crash of the machine can lose the last second. "no": the operating system decides.',
    redis: "appendfsync",
    live: true,
  }),
  aof_file: fileName({
    default: "appendonly.aof",
    doc: "Beginning of the names of the append-only file's parts, in the folder `aof` of the data directory.",
    redis: "appendfilename",
    fixed: "immutable",
  }),
  aof_part_max_size: size({
    default: 256 * 1024 ** 2,
    min: 1024 ** 2,
    doc: "Size above which the append-only file goes on in a new part.",
    live: true,
  }),
  aof_rewrite_percentage: integer({
    default: 100,
    max: INT32_MAX,
    doc: "Growth, in percent, since the last rewrite after which the append-only file is rewritten; 0 never does.",
    redis: "auto-aof-rewrite-percentage",
    live: true,
  }),
  aof_rewrite_min_size: size({
    default: 64 * 1024 ** 2,
    doc: "Size below which the append-only file is not rewritten.",
    redis: "auto-aof-rewrite-min-size",
    live: true,
  }),
  checkpoint_enabled: boolean({
    default: true,
    doc: "Take checkpoints by itself, and drop the part of the append-only file that they hold.",
    live: true,
  }),
  checkpoint_interval: duration({
    default: 300_000,
    min: 1000,
    doc: "Time after which a checkpoint is taken if anything has changed since the last one.",
    live: true,
  }),
  checkpoint_file: fileName({
    default: "checkpoint.ferrite",
    doc: "Name of the file that BACKUP writes if it is given none.",
    redis: "dbfilename",
    fixed: "protected",
  }),
  checkpoint_compression: boolean({
    default: true,
    doc: "Compress the index and the large collections of checkpoints (LZ4); segments are never compressed.",
    redis: "rdbcompression",
    live: true,
  }),
  checkpoints_kept: integer({
    default: 2,
    min: 1,
    max: 1000,
    doc: "How many checkpoints are kept. With one, a damaged file has nothing to fall back on.",
    live: true,
  }),
  save_rules: new Option(saveRulesKind, {
    default: NO_RULES,
    doc: 'Take a checkpoint after so many seconds if so many changes were made, beside `checkpoint_interval`: "<seconds> <changes>" or { seconds, changes }.',
    redis: "save",
    live: true,
  }),
};
