/**
 * DEBUG DIGEST and DEBUG DIGEST-VALUE: signatures of the whole data set and of single keys, the same as Redis's for the
 * same data. They show that a restart, a restore or another server has the same contents, without reading them back.
 *
 * Invariants: an expired key counts as absent; neither command leaves a trace on the keys it reads.
 *
 * A type takes part by its entry in SOURCES, which walks the elements of a value; the rules of each type's signature are in
 * debug-digest-format.ts.
 */
import {
  type Keyspace,
  NO_EXPIRY,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_SORTED_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from "../engine/keyspace.ts";
import type { Context } from "./context.ts";
import { type DigestSource, Signature, ValueDigest } from "./debug-digest-format.ts";

interface DigestType {
  readonly redisType: number;
  /** Absent for a type that does not exist yet. */
  readonly source?: DigestSource;
}

const stringSource: DigestSource = {
  feed({ keyspace }, sink) {
    sink.string(keyspace.valueBytes, keyspace.valueOffset, keyspace.valueLength);
  },
};

const listSource: DigestSource = {
  feed({ list }, sink) {
    list.open();
    list.seek(0);
    do sink.listElement(list.bytes, list.offset, list.elementLength);
    while (list.next());
  },
};

const hashSource: DigestSource = {
  feed({ hash }, sink) {
    hash.openAtView();
    for (let more = hash.first(); more; more = hash.next()) {
      const { bytes, fieldOffset, fieldLength, valueOffset, valueLength } = hash;
      sink.hashField(bytes, fieldOffset, fieldLength, bytes, valueOffset, valueLength);
    }
  },
};

const setSource: DigestSource = {
  feed({ set }, sink) {
    set.openAtView();
    for (let more = set.first(); more; more = set.next()) sink.setMember(set.bytes, set.offset, set.length);
  },
};

const sortedSetSource: DigestSource = {
  feed({ sortedSet }, sink) {
    sortedSet.openView();
    for (let rank = 0; rank < sortedSet.size; rank++) {
      if (rank === 0) sortedSet.seek(0);
      else sortedSet.next();
      sink.sortedSetMember(sortedSet.bytes, sortedSet.offset, sortedSet.length, sortedSet.score);
    }
  },
};

/** By value type. */
const SOURCES: Readonly<Record<number, DigestType>> = {
  [TYPE_STRING]: { redisType: 0, source: stringSource },
  [TYPE_LIST]: { redisType: 1, source: listSource },
  [TYPE_SET]: { redisType: 2, source: setSource },
  [TYPE_SORTED_SET]: { redisType: 3, source: sortedSetSource },
  [TYPE_HASH]: { redisType: 4, source: hashSource },
  [TYPE_STREAM]: { redisType: 6 },
};

/** Keys visited per step of the walk, which goes on until all have been. */
const KEYS_PER_STEP = 1024;

export function debugDigest(context: Context): void {
  const { keyspace, reply } = context;
  const whole = new Signature();
  const value = new ValueDigest();
  let isKnown = true;
  const visit = (): void => {
    value.signature.clear();
    value.signature.mix(keyspace.keyBytes, keyspace.keyOffset, keyspace.keyLength);
    if (addValue(context, value)) whole.xor(value.signature.bytes, 0, value.signature.bytes.length);
    else isKnown = false;
  };
  for (let db = 0; db < keyspace.databases; db++) {
    if (keyspace.size(db) === 0) continue;
    whole.mixNumber(db);
    visitAll(keyspace, db, visit);
  }
  if (isKnown) reply.simple(whole.text());
  else replyUnknownType(context);
}

/** The walk visits all keys of one hash at once and nothing changes meanwhile, so each key comes once. */
function visitAll(keyspace: Keyspace, db: number, visit: () => void): void {
  let cursor = 0;
  do cursor = keyspace.scan(db, cursor, KEYS_PER_STEP, visit);
  while (cursor !== 0);
}

export function debugDigestValue(context: Context): void {
  const { reply, argc } = context;
  const value = new ValueDigest();
  reply.arrayHeader(argc - 2);
  for (let index = 2; index < argc; index++) {
    value.signature.clear();
    // An absent key has the signature of nothing: zeros.
    if (!context.peek(index) || addValue(context, value)) reply.simple(value.signature.text());
    else replyUnknownType(context);
  }
}

/** Adds type, value and expiry of the key that the view is on; false, with nothing of use added, for a type without a source. */
function addValue(context: Context, value: ValueDigest): boolean {
  const type = SOURCES[context.keyspace.type];
  if (type?.source === undefined) return false;
  const hasExpiry = context.keyspace.expiryMs !== NO_EXPIRY;
  value.begin(type.redisType);
  type.source.feed(context, value);
  value.end(hasExpiry);
  return true;
}

function replyUnknownType(context: Context): void {
  context.reply.error("ERR DEBUG DIGEST cannot read values of this type");
}
