/** A base's commands, executed on nothing, make the same data: for every type, packed and unpacked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeyCommands } from "../../src/checkpoint/base-commands.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import { hashCommands } from "../../src/commands/hashes.ts";
import { listCommands } from "../../src/commands/lists.ts";
import { setCommands } from "../../src/commands/sets.ts";
import { sortedSetCommands } from "../../src/commands/sorted-set-specs.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { type Keyspace, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET } from "../../src/engine/keyspace.ts";
import { rig } from "../engine/support.ts";
import { CommandHarness, type Effect } from "../support/command-harness.ts";
import { decodeReply } from "../support/redis-oracle.ts";

function bench(): CommandHarness {
  const { engine, keyspace } = rig({ segmentBytes: 64 * 1024 });
  const specs = [stringCommands, listCommands, setCommands, sortedSetCommands, hashCommands, genericCommands];
  return new CommandHarness(specs.flat(), { keyspace, structures: engine });
}

/** Takes commands as a base writer does, and checks that they are as announced. */
class Recorder {
  readonly effects: Effect[] = [];
  #open: { db: number; argc: number; args: string[] } | undefined;

  begin(db: number, argc: number): void {
    expect(this.#open).toBeUndefined();
    this.#open = { db, argc, args: [] };
  }
  argument(bytes: Uint8Array, offset: number, length: number): void {
    this.argumentText(Buffer.from(bytes.slice(offset, offset + length)).toString("latin1"));
  }
  argumentText(latin1: string): void {
    this.#open!.args.push(latin1);
  }
  argumentInteger(value: number): void {
    this.argumentText(String(value));
  }
  end(): void {
    const { db, argc, args } = this.#open!;
    expect(args).toHaveLength(argc);
    this.#open = undefined;
    this.effects.push({ db, args });
  }
}

/** Walks unpacked collections through the harness's own view of them, element by element. */
function unpackedKey(h: CommandHarness, commands: KeyCommands, db: number): void {
  const { keyspace, hash, list, set, sortedSet } = h.context;
  const { keyBytes, keyOffset, keyLength, type, expiryMs } = keyspace;
  const key = keyBytes.slice(keyOffset, keyOffset + keyLength);
  const begin = (size: number): void => commands.beginKey(db, key, 0, key.length, type, size, expiryMs);
  begin(keyspace.unpacked!.size);
  if (type === TYPE_LIST) {
    list.open();
    list.seek(0);
    do commands.listElement(list.bytes, list.offset, list.elementLength);
    while (list.next());
  } else if (type === TYPE_SET) {
    set.openAtView();
    for (let more = set.first(); more; more = set.next())
      commands.setMember(set.bytes, set.offset, set.length);
  } else if (type === TYPE_SORTED_SET) {
    sortedSet.openView();
    for (let rank = 0; rank < sortedSet.size; rank++) {
      if (rank === 0) sortedSet.seek(0);
      else sortedSet.next();
      commands.sortedSetMember(sortedSet.bytes, sortedSet.offset, sortedSet.length, sortedSet.score);
    }
  } else {
    hash.openAtView();
    for (let more = hash.first(); more; more = hash.next()) {
      const { bytes, fieldOffset, fieldLength, valueOffset, valueLength } = hash;
      commands.hashField(bytes, fieldOffset, fieldLength, bytes, valueOffset, valueLength, hash.expiryMs);
    }
  }
  commands.endKey();
}

function commandsOf(h: CommandHarness): Effect[] {
  const { keyspace } = h;
  const recorder = new Recorder();
  const commands = new KeyCommands(recorder);
  keyspace.expireOnAccess = false;
  for (let db = 0; db < keyspace.databases; db++)
    forEachKey(keyspace, db, () => {
      const { keyBytes, keyOffset, keyLength, type, expiryMs, valueBytes, valueOffset, valueLength } =
        keyspace;
      if (keyspace.unpacked !== undefined) unpackedKey(h, commands, db);
      else
        commands.packed(
          db,
          keyBytes,
          keyOffset,
          keyLength,
          type,
          valueBytes,
          valueOffset,
          valueLength,
          expiryMs,
        );
    });
  keyspace.expireOnAccess = true;
  return recorder.effects;
}

function forEachKey(keyspace: Keyspace, db: number, visit: () => void): void {
  let cursor = 0;
  do cursor = keyspace.scan(db, cursor, 1000, visit);
  while (cursor !== 0);
}

const READS: Readonly<Record<string, readonly string[]>> = {
  string: ["GET"],
  list: ["LRANGE", "0", "-1"],
  set: ["SMEMBERS"],
  zset: ["ZRANGE", "0", "-1", "WITHSCORES"],
  hash: ["HGETALL"],
};

/** Everything that commands can see of the data, expired keys included. */
function contents(h: CommandHarness): string[] {
  const { keyspace } = h;
  const names: [number, Buffer][] = [];
  keyspace.expireOnAccess = false;
  for (let db = 0; db < keyspace.databases; db++)
    forEachKey(keyspace, db, () => {
      const { keyBytes, keyOffset, keyLength } = keyspace;
      names.push([db, Buffer.from(keyBytes.slice(keyOffset, keyOffset + keyLength))]);
    });
  const lines = names.map(([db, key]) => {
    h.db = db;
    const type = h.run("TYPE", key).slice(1).trim();
    const [name, ...rest] = READS[type]!;
    const reply = decodeReply(h.run(name!, key, ...rest));
    const items = Array.isArray(reply) ? reply.map(String) : [String(reply)];
    if (type === "set") items.sort();
    if (type === "hash") {
      const fields = items.filter((_, i) => i % 2 === 0);
      const times = fields.map((field) =>
        h.run("HPEXPIRETIME", key, "FIELDS", 1, Buffer.from(field, "latin1")),
      );
      const pairs = fields.map((field, i) => [field, items[2 * i + 1], times[i]]);
      return JSON.stringify([db, key.toString("latin1"), type, h.run("PEXPIRETIME", key), pairs.sort()]);
    }
    return JSON.stringify([db, key.toString("latin1"), type, h.run("PEXPIRETIME", key), items]);
  });
  h.db = 0;
  keyspace.expireOnAccess = true;
  return lines.sort();
}

const word = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.integer().map(String),
  fc.integer({ min: 60, max: 300 }).map((length) => "w".repeat(length)),
  fc.constantFrom("", "\0\r\n", "\xff", "-0", "007", "9223372036854775807"),
);
const score = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true }).map((x) => (x === Infinity ? "inf" : x === -Infinity ? "-inf" : String(x))),
);
const elements = fc.oneof(
  fc.array(word, { minLength: 1, maxLength: 8 }),
  fc.array(word, { minLength: 60, maxLength: 200 }),
);
const command = fc.oneof(
  fc.tuple(fc.constant("SET"), word).map(([name, value]) => [name, value]),
  elements.map((values) => ["RPUSH", ...values]),
  elements.map((values) => ["SADD", ...values]),
  fc.array(fc.tuple(score, word), { minLength: 1, maxLength: 150 }).map((pairs) => ["ZADD", ...pairs.flat()]),
  fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 150 }).map((pairs) => ["HSET", ...pairs.flat()]),
  fc
    .array(fc.integer({ min: -9, max: 900 }), { minLength: 1, maxLength: 600 })
    .map((n) => ["SADD", ...n.map(String)]),
);
const key = fc.record({
  db: fc.integer({ min: 0, max: 2 }),
  command,
  expires: fc.option(fc.integer({ min: 1, max: 100_000 })),
  fieldsExpire: fc.array(fc.tuple(fc.nat({ max: 200 }), fc.integer({ min: 1, max: 3 })), { maxLength: 6 }),
});

const text = (value: string): Uint8Array => Buffer.from(value, "latin1");

describe("commands of a base", () => {
  it("make the same data on an empty server, in commands of at most 64 elements", () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 12 }), (keys) => {
        const h = bench();
        keys.forEach(({ db, command: [name, ...values], expires, fieldsExpire }, i) => {
          h.db = db;
          h.run(name!, `k${i}`, ...values.map(text));
          if (name === "HSET")
            for (const [index, minutes] of fieldsExpire)
              h.run(
                "HPEXPIRE",
                `k${i}`,
                minutes * 60_000,
                "FIELDS",
                1,
                text(values[(index * 2) % values.length]!),
              );
          if (expires !== null) h.run("PEXPIRE", `k${i}`, expires);
        });
        // Some keys are over and not removed yet.
        h.nowMs += 50_000;
        const effects = commandsOf(h);
        for (const { args } of effects) expect(args.length).toBeLessThanOrEqual(2 + 2 * 64);
        const other = bench();
        other.nowMs = h.nowMs;
        other.replay(effects);
        expect(contents(other)).toEqual(contents(h));
      }),
      { numRuns: 60 },
    );
  });

  it("are as few as they can be", () => {
    const h = bench();
    h.run("SET", "s", "v", "PX", 1000);
    h.run("RPUSH", "l", ..."x".repeat(64));
    h.run("RPUSH", "m", ..."x".repeat(65));
    h.run("HSET", "h", "a", 1, "b", 2, "c", 3);
    h.run("HPEXPIREAT", "h", 2_000_000_000_000, "FIELDS", 2, "a", "b");
    h.run("PEXPIREAT", "h", 2_000_000_000_001);
    const byKey = new Map<string, string[]>();
    for (const { args } of commandsOf(h))
      byKey.set(args[1]!, [...(byKey.get(args[1]!) ?? []), `${args[0]} ${args.length}`]);
    expect(byKey.get("s")).toEqual(["SET 5"]);
    expect(byKey.get("l")).toEqual(["RPUSH 66"]);
    expect(byKey.get("m")).toEqual(["RPUSH 66", "RPUSH 3"]);
    expect(byKey.get("h")).toEqual(["HSET 8", "HPEXPIREAT 7", "PEXPIREAT 3"]);
  });
});
