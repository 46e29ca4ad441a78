import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FrameHeader,
  HEADER_BYTES_MAX,
  HEADER_INCOMPLETE,
  HEADER_INVALID,
  KIND_EFFECTS,
  writeFrameHeader,
} from "../../src/aof/frame-format.ts";
import { decodeManifest, encodeManifest, type PartEntry } from "../../src/aof/manifest-format.ts";
import { checkStem, partName, partSeq } from "../../src/aof/part-names.ts";
import { healDelayMs, parseSyncPolicy } from "../../src/aof/sync-policy.ts";
import { latin1 } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/crc32.ts";

const number = fc.maxSafeNat();

describe("crc32", () => {
  it("is zlib's, for short and long ranges, in one go or continued", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(400), (bytes, at) => {
        const cut = Math.min(at, bytes.length);
        expect(crc32(bytes, 0, bytes.length)).toBe(zlibCrc32(bytes));
        expect(crc32(bytes, cut, bytes.length - cut, crc32(bytes, 0, cut))).toBe(zlibCrc32(bytes));
      }),
    );
  });
});

describe("a frame header", () => {
  it("round-trips every field and stays below 128 bytes", () => {
    const crc = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        number,
        number,
        number,
        number,
        crc,
        (first, effects, bytes, time, gap, sum) => {
          const line = new Uint8Array(HEADER_BYTES_MAX);
          const durable = gap % first;
          const length = writeFrameHeader(line, 0, KIND_EFFECTS, first, effects, bytes, time, durable, sum);
          expect(length).toBeLessThan(HEADER_BYTES_MAX);
          const header = new FrameHeader();
          expect(header.parse(line, 0, length)).toBe(length);
          expect(header).toMatchObject({
            kind: 70,
            firstLsn: first,
            effects,
            payloadBytes: bytes,
            timeMs: time,
            durableLsn: durable,
            payloadCrc: sum,
          });
          for (let cut = 0; cut < length; cut++) expect(header.parse(line, 0, cut)).toBe(HEADER_INCOMPLETE);
        },
      ),
    );
  });

  it("is refused when any bit of it differs", () => {
    const line = new Uint8Array(HEADER_BYTES_MAX);
    const length = writeFrameHeader(line, 0, KIND_EFFECTS, 812, 3, 97, 1_700_000_000_000, 811, 0xcafe);
    const header = new FrameHeader();
    for (let bit = 0; bit < length * 8; bit++) {
      line[bit >> 3] = line[bit >> 3]! ^ (1 << (bit & 7));
      expect([HEADER_INVALID, HEADER_INCOMPLETE]).toContain(header.parse(line, 0, line.length));
      line[bit >> 3] = line[bit >> 3]! ^ (1 << (bit & 7));
    }
  });
});

describe("a manifest", () => {
  const parts: PartEntry[] = [
    { name: "a.1.incr.aof", seq: 1, firstLsn: 1, sealed: { lastLsn: 5, validBytes: 400 } },
    { name: "a.4.incr.aof", seq: 4, firstLsn: 6, sealed: { lastLsn: 5, validBytes: 0 } },
    { name: "a.5.incr.aof", seq: 5, firstLsn: 6 },
  ];

  it("round-trips", () => {
    expect(decodeManifest(encodeManifest({ parts }), "m")).toEqual({ parts });
  });

  it.each([
    ["no part", []],
    ["numbers that do not ascend", [parts[0]!, { ...parts[2]!, seq: 1 }]],
    ["an open part in the middle", [parts[2]!, { ...parts[2]!, seq: 9 }]],
    ["overlapping LSNs", [parts[0]!, { ...parts[2]!, firstLsn: 5 }]],
    ["an LSN below 1", [{ ...parts[2]!, firstLsn: 0 }]],
    ["a path as a name", [{ ...parts[2]!, name: "../x" }]],
  ])("with %s is refused", (_what, wrong) => {
    expect(() => decodeManifest(encodeManifest({ parts: wrong }), "m")).toThrow(/reading the AOF manifest m/);
  });

  it("of another version is refused by name", () => {
    const bytes = Buffer.from(
      latin1(encodeManifest({ parts }))
        .replace("manifest 1", "manifest 2")
        .replace(/# crc32.*\n/, ""),
      "latin1",
    );
    const sum = zlibCrc32(bytes).toString(16).padStart(8, "0");
    expect(() => decodeManifest(Buffer.concat([bytes, Buffer.from(`# crc32 ${sum}\n`)]), "m")).toThrow(
      /ferrite-aof-manifest 2/,
    );
  });
});

describe("names", () => {
  it("of parts are recognised exactly", () => {
    expect(partSeq("a.aof", partName("a.aof", 17))).toBe(17);
    for (const name of [
      "a.aof.0.incr.aof",
      "a.aof.x.incr.aof",
      "a.aof.1.base.aof",
      "b.aof.1.incr.aof",
      "a.aof.1.incr.aof.torn-5",
    ]) {
      expect(partSeq("a.aof", name)).toBeUndefined();
    }
  });

  it.each(["", "a b", "../a", "a/b", ".a", 'a"b', "a\n"])("refuse the stem %j", (stem) => {
    expect(() => checkStem(stem)).toThrow(/persistence\.aof_file/);
  });
});

describe("policies", () => {
  it("are Redis's three words", () => {
    expect(["always", "everysec", "no"].map(parseSyncPolicy)).toEqual(["always", "everysec", "no"]);
    expect(() => parseSyncPolicy("sometimes")).toThrow(/everysec/);
  });

  it("retry after 1 s, then ever slower, up to 10 s", () => {
    expect([0, 1, 2, 3, 4, 100].map(healDelayMs)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });
});
