/**
 * Up to where a collection is called compact: Redis's `hash-max-listpack-entries` and its like. Live: changed by CONFIG
 * SET, and looked at when a collection grows; what is larger already stays as it is.
 */
export class CollectionLimits {
  /** hash-max-listpack-entries, hash-max-listpack-value */
  hashEntriesMax = 512;
  hashValueBytesMax = 64;
  /** list-max-listpack-size: entries, or -1 to -5 for 4, 8, 16, 32, 64 KiB. */
  listSizeMax = -2;
  /** set-max-intset-entries, set-max-listpack-entries, set-max-listpack-value */
  setIntegersMax = 512;
  setEntriesMax = 128;
  setValueBytesMax = 64;
  /** zset-max-listpack-entries, zset-max-listpack-value */
  sortedSetEntriesMax = 128;
  sortedSetValueBytesMax = 64;
}
