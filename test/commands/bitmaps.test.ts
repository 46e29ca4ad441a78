/** Bitmap commands: what they log, what they keep, their limits, and their kernels against the plainest ones. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { BLOCK_BYTES } from "../../src/commands/bitmap-block.ts";
import {
  readSigned,
  readUnsigned,
  readWide,
  writeNarrow,
  writeWide,
} from "../../src/commands/bitmap-integer.ts";
import { countBits, countBytes, findBit } from "../../src/commands/bitmap-kernels.ts";
import { bitmapCommands } from "../../src/commands/bitmaps.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import { NOTIFY_ALL, NOTIFY_KEY_MISS, NOTIFY_NEW } from "../../src/commands/notify-events.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { Engine } from "../../src/engine/engine.ts";
import { type Keyspace, TYPE_HASH } from "../../src/engine/keyspace.ts";
import { CommandHarness, contents } from "../support/command-harness.ts";
import { MapKeyspace } from "../support/map-keyspace.ts";
import { Randomness } from "../support/seed.ts";

const WRONG_TYPE = "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
const BIT_OFFSET = "-ERR bit offset is not an integer or out of range\r\n";

const harness = (keyspace?: Keyspace): CommandHarness =>
  new CommandHarness(
    [...bitmapCommands, ...stringCommands, ...genericCommands],
    keyspace === undefined ? {} : { keyspace },
  );

function newEngine(segmentBytes?: number): Engine {
  return new Engine({
    databases: 16,
    hashSeed: [1, 2],
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
}

function putHash(h: CommandHarness, name: string): void {
  const key = Buffer.from(name);
  h.keyspace.put(0, key, 0, key.length, TYPE_HASH, 0, Buffer.from("fields"), 0, 6, -1);
}

/** A bulk reply's bytes. */
function bytesOf(reply: string): Buffer {
  return Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
}

describe("what is logged", () => {
  const changing: readonly (readonly string[])[] = [
    ["SETBIT", "k", "0", "1"],
    ["SETBIT", "k", "100", "0"],
    ["SETBIT", "new", "7", "0"],
    // From now on raw, which clients can see.
    ["SETBIT", "k", "0", "0"],
    ["BITFIELD", "k", "SET", "u8", "0", "255", "GET", "u8", "0"],
    ["BITFIELD", "k", "INCRBY", "i5", "#3", "-1"],
    // Nothing is written, but the string is longer.
    ["BITFIELD", "k", "OVERFLOW", "FAIL", "SET", "u2", "400", "9"],
    ["BITOP", "NOT", "k", "k"],
    ["BITOP", "XOR", "new", "k", "none"],
    ["BITOP", "AND", "k", "none", "none"],
  ];
  for (const command of changing) {
    it(`the command itself, by ${command.join(" ")}`, () => {
      const h = harness();
      h.run("SET", "k", "value");
      expect(h.effectsOf(...command)).toEqual([command.join(" ")]);
    });
  }

  const unchanging: readonly (readonly string[])[] = [
    ["GETBIT", "raw", "0"],
    ["SETBIT", "raw", "7", "1"],
    ["SETBIT", "raw", "0", "0"],
    ["SETBIT", "raw", "0", "2"],
    ["SETBIT", "raw", "-1", "0"],
    ["BITCOUNT", "raw"],
    ["BITPOS", "raw", "1"],
    ["BITFIELD", "raw"],
    ["BITFIELD", "raw", "GET", "u8", "0"],
    ["BITFIELD", "none", "GET", "u8", "0"],
    ["BITFIELD_RO", "raw", "GET", "i64", "1000"],
    ["BITFIELD_RO", "raw", "SET", "u8", "0", "5"],
    ["BITFIELD", "raw", "SET", "u8", "0", "1", "INCRBY", "u8", "0", "0"],
    ["BITFIELD", "raw", "OVERFLOW", "FAIL", "INCRBY", "u8", "0", "255"],
    ["BITFIELD", "raw", "SET", "u8", "0", "5", "GET", "u64", "0"],
    ["BITOP", "AND", "none", "nothing", "none"],
    ["BITOP", "NOT", "raw", "raw", "raw"],
  ];
  for (const command of unchanging) {
    it(`nothing, by ${command.join(" ")}`, () => {
      const h = harness();
      h.run("SETBIT", "raw", "7", "1");
      const before = contents(h.keyspace);
      expect(h.effectsOf(...command)).toEqual([]);
      expect(contents(h.keyspace)).toEqual(before);
    });
  }

  it("a value that only becomes raw keeps its version, so that nobody who watches it is disturbed", () => {
    for (const keyspace of [new MapKeyspace(), newEngine().keyspace]) {
      const h = harness(keyspace);
      const versionOf = (key: string): number => {
        const bytes = Buffer.from(key);
        expect(keyspace.peek(0, bytes, 0, bytes.length)).toBe(true);
        return keyspace.version;
      };
      for (const command of [
        ["SETBIT", "k", "0", "0"],
        ["BITFIELD", "k", "SET", "u8", "0", "118", "INCRBY", "i8", "8", "0"],
      ]) {
        h.run("SET", "k", "value");
        h.run("SET", "other", "value");
        const version = versionOf("k");
        expect(h.effectsOf(...command)).toEqual([command.join(" ")]);
        expect(versionOf("k")).toBe(version);
        expect(h.run("OBJECT", "ENCODING", "k")).toBe("$3\r\nraw\r\n");
        h.run("SETBIT", "k", "0", "1");
        expect(versionOf("k")).not.toBe(version);
      }
    }
  });

  it("events are those of Redis, for changes only", () => {
    const h = harness();
    const events: string[] = [];
    h.context.notifications = NOTIFY_ALL | NOTIFY_NEW | NOTIFY_KEY_MISS;
    h.context.eventSink = {
      publishEvent: (_wanted, event, bytes, offset, length) => {
        events.push(`${event} ${Buffer.from(bytes).toString("latin1", offset, offset + length)}`);
      },
    };
    h.run("SETBIT", "a", "7", "1");
    h.run("SETBIT", "a", "7", "1");
    h.run("BITFIELD", "b", "SET", "u8", "0", "1", "SET", "u8", "8", "1");
    h.run("BITFIELD", "b", "SET", "u8", "0", "1");
    h.run("BITOP", "OR", "c", "a", "b");
    h.run("BITOP", "OR", "c", "none");
    h.run("BITCOUNT", "none");
    expect(events).toEqual([
      ...["new a", "setbit a", "new b", "setbit b", "new c", "set c"],
      ...["keymiss none", "del c", "keymiss none"],
    ]);
  });
});

describe("what is kept", () => {
  it("edits keep the expiry; BITOP's destination is new", () => {
    const h = harness();
    for (const command of [
      ["SETBIT", "k", "3", "1"],
      ["SETBIT", "k", "3000", "1"],
      ["BITFIELD", "k", "INCRBY", "u8", "0", "1"],
    ]) {
      h.run("SET", "k", "v", "PX", "5000");
      h.run(...command);
      expect(h.run("PTTL", "k"), command.join(" ")).toBe(":5000\r\n");
    }
    h.run("BITOP", "OR", "k", "k");
    expect(h.run("PTTL", "k")).toBe(":-1\r\n");
    expect(h.run("OBJECT", "ENCODING", "k")).toBe("$3\r\nraw\r\n");
  });

  it("a key of another type is refused and left alone, but BITOP replaces its destination", () => {
    const h = harness();
    putHash(h, "h");
    const before = contents(h.keyspace);
    for (const command of [
      ["SETBIT", "h", "0", "1"],
      ["GETBIT", "h", "0"],
      ["BITCOUNT", "h"],
      ["BITPOS", "h", "1"],
      ["BITFIELD", "h"],
      ["BITFIELD", "h", "SET", "u8", "0", "1"],
      ["BITFIELD_RO", "h", "GET", "u8", "0"],
      ["BITOP", "OR", "new", "none", "h"],
    ]) {
      expect(h.run(...command), command[0]).toBe(WRONG_TYPE);
    }
    expect(contents(h.keyspace)).toEqual(before);
    h.run("SET", "s", "text");
    expect(h.run("BITOP", "OR", "h", "s") + h.run("GET", "h")).toBe(":4\r\n$4\r\ntext\r\n");
  });

  it("a bit within a string is written where it is", () => {
    const engine = newEngine();
    const h = harness(engine.keyspace);
    h.run("SETBIT", "k", "799999", "1");
    const before = engine.memory().logUsedBytes;
    for (let i = 0; i < 1000; i++) h.run("SETBIT", "k", String(i * 790), String(i % 2));
    h.run("BITFIELD", "k", "SET", "i64", "5", "-1", "INCRBY", "u12", "#100", "77");
    expect(engine.memory().logUsedBytes).toBe(before);
  });

  it("a bitmap that grows bit by bit is not copied every time", () => {
    const engine = newEngine();
    const h = harness(engine.keyspace);
    const bits = 200_000;
    for (let i = 0; i < bits; i += 4) h.run("SETBIT", "k", String(i), "1");
    expect(h.run("BITCOUNT", "k")).toBe(`:${bits / 4}\r\n`);
    // Copies of all its lengths would be 312 megabytes.
    expect(engine.memory().logUsedBytes).toBeLessThan(bits);
  });
});

describe("limits", () => {
  it("bits end with the longest string", () => {
    const h = harness();
    h.context.stringBytesMax = 2 ** 20;
    expect(h.run("SETBIT", "k", 2 ** 23 - 1, "1") + h.run("STRLEN", "k")).toBe(":0\r\n:1048576\r\n");
    expect(h.run("SETBIT", "k", 2 ** 23, "1")).toBe(BIT_OFFSET);
    expect(h.run("GETBIT", "k", 2 ** 23)).toBe(BIT_OFFSET);
    expect(h.run("BITFIELD", "k", "GET", "u8", 2 ** 23)).toBe(BIT_OFFSET);
    expect(h.run("BITFIELD", "k", "GET", "u8", `#${2 ** 20}`)).toBe(BIT_OFFSET);
    expect(h.run("BITFIELD", "k", "GET", "u8", `#${2 ** 20 - 1}`)).toBe("*1\r\n:1\r\n");
  });

  it("no field is written behind 512 MB", () => {
    const h = harness();
    expect(h.run("BITFIELD", "k", "SET", "u8", 2 ** 32 - 7, "1")).toBe(BIT_OFFSET);
    expect(h.run("BITFIELD", "k", "GET", "u8", 2 ** 32 - 7)).toBe("*1\r\n:0\r\n");
    expect(h.run("EXISTS", "k")).toBe(":0\r\n");
  });

  it("arguments that no int64 holds are refused", () => {
    const h = harness();
    for (const offset of ["9223372036854775808", "99999999999999999999", "-1", "1.0", "", "x", "0x1", " 1"]) {
      expect(h.run("SETBIT", "k", offset, "1"), offset).toBe(BIT_OFFSET);
    }
    expect(h.run("BITFIELD", "k", "SET", "u8", "0", "9223372036854775808")).toBe(
      "-ERR value is not an integer or out of range\r\n",
    );
  });
});

const COMBINE: Readonly<Record<string, (a: number, b: number) => number>> = {
  AND: (a, b) => a & b,
  OR: (a, b) => a | b,
  XOR: (a, b) => a ^ b,
};

function combined(name: string, sources: readonly Uint8Array[]): Buffer {
  const result = Buffer.alloc(Math.max(...sources.map(({ length }) => length)));
  return result.map((_, i) => {
    const bytes = sources.map((source) => source[i] ?? 0);
    return name === "NOT" ? ~bytes[0]! : bytes.reduce(COMBINE[name]!);
  }) as Buffer;
}

describe("BITOP over several blocks", () => {
  const random = new Randomness(20_240_601);
  const values: Readonly<Record<string, Buffer>> = {
    a: random.bytes(BLOCK_BYTES * 2 + 77),
    b: random.bytes(BLOCK_BYTES + 3),
    c: random.bytes(100),
    d: random.bytes(BLOCK_BYTES * 2),
  };
  const stores: Readonly<Record<string, () => Keyspace>> = {
    "the model": () => new MapKeyspace(),
    "the engine": () => newEngine().keyspace,
    "an engine of small segments": () => newEngine(4096).keyspace,
  };
  for (const [store, make] of Object.entries(stores)) {
    for (const name of ["AND", "OR", "XOR", "NOT"]) {
      it(`${name} in ${store}, whatever the destination was`, () => {
        const h = harness(make());
        const lists = name === "NOT" ? ["a", "b", "d"] : ["abc", "cba", "da", "ac", "bdx", "xa", "aa"];
        for (const destination of ["new", "a", "b", "c", "x", "hash"]) {
          for (const list of lists) {
            for (const [key, value] of Object.entries(values)) h.run("SET", key, value);
            h.run("DEL", "new", "x");
            putHash(h, "hash");
            const sources = [...list].map((key) => values[key] ?? Buffer.alloc(0));
            const expected = combined(name, sources);
            const reply = h.run("BITOP", name, destination, ...list);
            expect(reply).toBe(`:${expected.length}\r\n`);
            const found = bytesOf(h.run("GET", destination));
            expect(found.equals(expected), `${name} ${destination} ${list}`).toBe(true);
          }
        }
      });
    }
  }
});

describe("kernels", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(0, 255), fc.integer({ min: 1, max: 300 }), fc.nat(299))
      .map(([fill, length, at]) => {
        const value = new Uint8Array(length).fill(fill);
        if (at < length) value[at] = 0x10;
        return value;
      }),
  );
  const placed = fc.tuple(bytes, fc.nat(9), fc.nat(2400), fc.nat(2400));
  const bitAt = (value: Uint8Array, i: number): number => (value[i >> 3]! >> (7 - (i & 7))) & 1;

  it("count and find bits in any range at any alignment", () => {
    fc.assert(
      fc.property(placed, ([value, offset, a, b]) => {
        const buffer = new Uint8Array(offset + value.length + 5).fill(0xff);
        buffer.set(value, offset);
        const data = new DataView(buffer.buffer);
        const bits = value.length * 8;
        const start = Math.min(a, b) % bits;
        const end = start + 1 + (Math.max(a, b) % (bits - start));
        const range = Array.from({ length: end - start }, (_, i) => bitAt(value, start + i));
        const ones = range.filter((bit) => bit === 1).length;
        expect(countBits(data, offset, start, end)).toBe(ones);
        const all = Array.from({ length: bits }, (_, i) => bitAt(value, i));
        expect(countBytes(data, offset, value.length)).toBe(all.filter((bit) => bit === 1).length);
        for (const bit of [0, 1]) {
          const first = range.indexOf(bit);
          expect(findBit(data, offset, start, end, bit)).toBe(first < 0 ? -1 : start + first);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("fields of every width are written and read back, and nothing beside them changes", () => {
    const field = fc.record({
      value: fc.uint8Array({ minLength: 9, maxLength: 40 }),
      offset: fc.nat(5),
      bits: fc.integer({ min: 1, max: 64 }),
      at: fc.nat(400),
      number: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    fc.assert(
      fc.property(field, ({ value, offset, bits, at, number }) => {
        const buffer = new Uint8Array(offset + value.length);
        buffer.set(value, offset);
        const position = at % (value.length * 8 - bits + 1);
        if (bits > 52) writeWide(buffer, offset, position, bits, number);
        else writeNarrow(buffer, offset, position, bits, Number(BigInt.asIntN(bits, number)));
        const wanted = BigInt.asUintN(bits, number);
        for (let i = 0; i < value.length * 8; i++) {
          const inside = i >= position && i < position + bits;
          const expected = inside
            ? Number((wanted >> BigInt(position + bits - 1 - i)) & 1n)
            : bitAt(value, i);
          expect(bitAt(buffer.subarray(offset), i)).toBe(expected);
        }
        const { length } = value;
        const signed = BigInt.asIntN(bits, number);
        if (bits <= 52) {
          expect(readUnsigned(buffer, offset, length, position, bits)).toBe(Number(wanted));
          expect(readSigned(buffer, offset, length, position, bits)).toBe(Number(signed));
        }
        if (bits > 32) {
          expect(readWide(buffer, offset, length, position, bits, false)).toBe(wanted);
          expect(readWide(buffer, offset, length, position, bits, true)).toBe(signed);
        }
      }),
      { numRuns: 500 },
    );
  });
});
