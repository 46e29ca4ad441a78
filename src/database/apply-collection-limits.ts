/** From the options to the limits that commands go by. Live: a collection meets its new limit when it grows next. */
import type { Config } from "../config/config.ts";
import type { CollectionLimits } from "../value/collection-limits.ts";

export const COLLECTION_LIMIT_KEYS = [
  "storage.hash_max_listpack_entries",
  "storage.hash_max_listpack_value",
  "storage.list_max_listpack_size",
  "storage.set_max_intset_entries",
  "storage.set_max_listpack_entries",
  "storage.set_max_listpack_value",
  "storage.zset_max_listpack_entries",
  "storage.zset_max_listpack_value",
] as const;

export function applyCollectionLimits(limits: CollectionLimits, storage: Config["values"]["storage"]): void {
  limits.hashEntriesMax = storage.hash_max_listpack_entries;
  limits.hashValueBytesMax = storage.hash_max_listpack_value;
  limits.listSizeMax = storage.list_max_listpack_size;
  limits.setIntegersMax = storage.set_max_intset_entries;
  limits.setEntriesMax = storage.set_max_listpack_entries;
  limits.setValueBytesMax = storage.set_max_listpack_value;
  limits.sortedSetEntriesMax = storage.zset_max_listpack_entries;
  limits.sortedSetValueBytesMax = storage.zset_max_listpack_value;
}
