/** What OBJECT ENCODING and DEBUG OBJECT call the form of a value: Redis's names, which clients and tests ask for. */
import {
  type Keyspace,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../engine/keyspace.ts";
import { stringEncodingName } from "../value/string.ts";
import {
  ENCODING_COMPACT_EXPIRING,
  ENCODING_INTEGERS,
  ENCODING_LARGE,
  encodingNameOf,
} from "../value/unpacked.ts";

/** The name for the value that the keyspace's view is on. */
export function encodingName(keyspace: Keyspace): string {
  switch (keyspace.type) {
    case TYPE_STRING:
      return stringEncodingName(
        keyspace.encoding,
        keyspace.valueBytes,
        keyspace.valueOffset,
        keyspace.valueLength,
      );
    case TYPE_LIST:
      return collectionName(keyspace, "quicklist");
    case TYPE_SORTED_SET:
      return collectionName(keyspace, "skiplist");
    case TYPE_SET:
    case TYPE_HASH:
      return collectionName(keyspace, "hashtable");
    case TYPE_STREAM:
      return "stream";
    default:
      return "unknown";
  }
}

function collectionName(keyspace: Keyspace, large: string): string {
  switch (encodingNameOf(keyspace.encoding)) {
    case ENCODING_LARGE:
      return large;
    case ENCODING_INTEGERS:
      return "intset";
    case ENCODING_COMPACT_EXPIRING:
      return "listpackex";
    default:
      return "listpack";
  }
}
