/** Forged headers and lengths, with right checksums: refused before anything is allocated or decompressed. */
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeManifest, encodeManifest } from "../../src/checkpoint/manifest-format.ts";
import { parseName, parseSegmentName, segmentName } from "../../src/checkpoint/names.ts";
import { Slices } from "../../src/checkpoint/slices.ts";
import { PieceSplitter } from "../../src/checkpoint/values-file.ts";
import {
  BLOCK_HEADER_BYTES,
  blankBlockHeader,
  readBlockHeader,
  sealBlockHeader,
  writeBlockHeader,
} from "../../src/codec/block-format.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import { SEGMENT_UNITS_MAX, segmentFileBytes } from "../../src/engine/warm/segment-file-format.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { folderOf, load, newWorld, published, smallDataSet } from "./support.ts";

describe("a block header", () => {
  const good = {
    storedBytes: 100,
    rawBytes: 200,
    codec: 1,
    kind: 3,
    flags: 3,
    offset: 64,
    tag: 9,
    checksum: 0,
  };
  const expected = { offset: 64, tag: 9, bytesLeft: 1000 };
  const read = (changes: Partial<typeof good>, place: Partial<typeof expected> = {}): string | undefined => {
    const bytes = new Uint8Array(BLOCK_HEADER_BYTES);
    sealBlockHeader(bytes, 0, writeBlockHeader(bytes, 0, { ...good, ...changes }, crc32cPortable));
    return readBlockHeader(bytes, 0, { ...expected, ...place }, blankBlockHeader());
  };

  it("is believed within bounds only", () => {
    expect(read({})).toBeUndefined();
    expect(read({ rawBytes: 0xffff_ffff })).toMatch(/4294967295 bytes, expected at most 1048576/);
    expect(read({ storedBytes: 0xffff_fff0 })).toMatch(/does not go with 200/);
    expect(read({ storedBytes: 200 })).toMatch(/does not go with/);
    expect(read({ codec: 0 })).toMatch(/does not go with/);
    expect(read({ codec: 2 })).toMatch(/codec 2, expected 0 \(none\) or 1 \(lz4\)/);
    expect(read({ tag: 8 })).toBe("the block there belongs to another file");
    expect(read({ offset: 96 })).toMatch(/says that it lies at offset 96/);
    expect(read({}, { bytesLeft: 131 })).toMatch(/needs 132 bytes, found 131/);
    expect(read({}, { bytesLeft: 132 })).toBeUndefined();
  });
});

describe("lz4", () => {
  it("decompresses only what has the length that was promised elsewhere", async () => {
    const codec = await loadLz4();
    const packed = Uint8Array.from(await codec.compress(new Uint8Array(5000)));
    expect((await codec.decompress(packed, 5000)).length).toBe(5000);
    await expect(codec.decompress(packed, 4999)).rejects.toMatchObject({ kind: "corruption" });
    packed.fill(0xff, 0, 4);
    await expect(codec.decompress(packed, 5000)).rejects.toThrow(/promise 4294967295 bytes, expected 5000/);
    await expect(codec.decompress(new Uint8Array(3), 5000)).rejects.toMatchObject({ kind: "corruption" });
    // The right length before bytes that are not the codec's.
    const noise = Uint8Array.from({ length: 40 }, (_, i) => (i * 151 + 7) & 255);
    new DataView(noise.buffer).setUint32(0, 5000, true);
    await expect(codec.decompress(noise, 5000)).rejects.toMatchObject({ kind: "corruption" });
  });
});

describe("memory for a segment", () => {
  it("is asked for once, exactly, and only when the file is as large as it must be", async () => {
    const world = newWorld();
    const manifest = await published(world, smallDataSet());
    const asked: number[] = [];
    await load(world, manifest, (bytes) => asked.push(bytes));
    expect(asked).toEqual([160, 24]);
    asked.length = 0;
    const [first, ...rest] = manifest.segments;
    const usedUnits = SEGMENT_UNITS_MAX;
    const forged = {
      ...manifest,
      segments: [{ ...first!, usedUnits, bytes: segmentFileBytes(usedUnits) }, ...rest],
    };
    await expect(load(world, forged, (bytes) => asked.push(bytes))).rejects.toThrow(
      `reading ${folderOf(world).segmentPath(first!.birth)}: it has 232 bytes, expected 1073807424`,
    );
    expect(asked.filter((bytes) => bytes > 1000)).toEqual([]);
  });
});

describe("pieces", () => {
  it("are found however the bytes are cut", () => {
    const pieces = [0, 1, 5, 0, 300, 4].map((length, i) => new Uint8Array(length).fill(i + 1));
    const stream = Buffer.concat(
      pieces.flatMap((piece) => [Uint8Array.of(piece.length, piece.length >> 8, 0, 0), piece]),
    );
    for (let step = 1; step <= stream.length; step++) {
      const found: Uint8Array[] = [];
      const splitter = new PieceSplitter({
        addPiece: (bytes, at, length) => found.push(bytes.slice(at, at + length)),
      });
      for (let at = 0; at < stream.length; at += step)
        splitter.add(stream, at, Math.min(step, stream.length - at));
      expect(found.map((piece) => Buffer.from(piece).toString("hex"))).toEqual(
        pieces.map((piece) => Buffer.from(piece).toString("hex")),
      );
      expect(splitter.heldBytes).toBe(0);
    }
  });

  it("take memory for what has come, not for what is promised", () => {
    const splitter = new PieceSplitter({ addPiece: () => {} });
    const before = process.memoryUsage().arrayBuffers;
    splitter.add(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 2), 0, 6);
    expect(splitter.heldBytes).toBe(6);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });
});

describe("a manifest", () => {
  it("is refused in any form but its own, with the line and what was expected", async () => {
    const manifest = await published(newWorld(), smallDataSet());
    const text = Buffer.from(encodeManifest(manifest)).toString("latin1");
    const body = text.slice(0, text.lastIndexOf("crc32 "));
    const decode = (from: string | RegExp, to: string): string => {
      const changed = body.replace(from, to);
      expect(changed).not.toBe(body);
      const bytes = Buffer.from(
        `${changed}crc32 ${crc32(changed).toString(16).padStart(8, "0")}\n`,
        "latin1",
      );
      try {
        decodeManifest(bytes, "M");
      } catch (error) {
        return (error as Error).message;
      }
      return "accepted";
    };
    const table: readonly (readonly [string | RegExp, string, RegExp])[] = [
      ["lsn 10", "lsn 010", /line 5, "lsn 010", expected lsn 0 to/],
      ["lsn 10", "lsn -1", /line 5/],
      ["lsn 10", "lsn 9007199254740993", /line 5/],
      ["lsn 10", "lsn  10", /line 5/],
      [/lsn 10\n/, "", /line 5, "time 1000000000000", expected 'lsn' and 1 words/],
      ["id 1", "id 0", /line 2, "id 0", expected id 1 to 9999999999/],
      ["keyspaces 0 2 1", "keyspaces 0 2 2", /keyspace of its own/],
      ["keyspaces 0 2 1", "keyspaces 0 2 3", /keyspace 0 to 2/],
      ["databases 3", "databases 2", /'keyspaces' and 2 words/],
      ["databases 3", "databases 4000000000", /databases 1 to 1000000/],
      ["deadbeef", "DEADBEEF", /8 hex digits/],
      [/database 0/, "database x", /32 hex digits/],
      [/values 1 /, "values 2 ", /id 1, not "2"/],
      [/(values 1 \d+ \w+) \d+/, "$1 99999999", /live bytes 1 to/],
      [/segment 0000000000000002/, "segment 0000000000000001", /birth 2, not/],
      [/segment 0000000000000002/, "segment 0000000000000003", /birth 2, not/],
      [/segment 0000000000000002 2/, "segment 0000000000000002 1", /one segment with the id 1/],
      [/segment 0000000000000001 1 232/, "segment 0000000000000001 1 240", /bytes 232, not "240"/],
      [/ 20 0\n/, " 20 20\n", /dead units 0 to 19/],
      [/ 20 0\n/, " 134217729 0\n", /used units 1 to 134217728/],
      [/(values [^\n]*\n)(segment [^\n]*\n)/, "$2$1", /expected a 'values' line before/],
      [/$/, "note\n", /expected a 'values' line/],
      [/\n(?=keys)/, "\r\n", /line 7/],
      [/segment 0000000000000001/, "segment 000000000000001", /not in the form in which they are written/],
    ];
    for (const [from, to, expected] of table) expect(decode(from, to), `${from} → ${to}`).toMatch(expected);
  });

  it("with 65,535 segments is written in slices and read again", async () => {
    const manifest = await published(newWorld(), smallDataSet());
    const segments = Array.from({ length: 65_535 }, (_, i) => ({
      ...manifest.segments[0]!,
      birth: i + 1,
      id: i + 1,
    }));
    const large = { ...manifest, nextBirth: 65_536, segments };
    expect(decodeManifest(encodeManifest(large), "M")).toEqual(large);
  });
});

describe("names", () => {
  it("are built and parsed in one form", () => {
    expect(parseName("0000000012.manifest")).toEqual({ kind: "manifest", id: 12 });
    expect(parseName("0000000012.values.new")).toEqual({ kind: "unfinished" });
    for (const name of ["12.manifest", "0000000012.manifest~", "0000000012.aof", "segments", "IDENTITY"])
      expect(parseName(name)).toBeUndefined();
    expect(parseSegmentName(segmentName(0xabc))).toEqual({ kind: "segment", birth: 0xabc });
    expect(parseSegmentName("0000000000000abc.segment.new")).toEqual({ kind: "unfinished" });
    expect(parseSegmentName("ffffffffffffffff.segment")).toBeUndefined();
    expect(parseSegmentName("0000000000000ABC.segment")).toBeUndefined();
  });
});

describe("slices", () => {
  it("go on until the budget is used up, then let others run", async () => {
    let nowMs = 0;
    const later: (() => void)[] = [];
    const clock = {
      monotonicMs: () => nowMs,
      soon: (run: () => void) => void later.push(run),
    } as unknown as Clock;
    const slices = new Slices(clock);
    nowMs = 0.49;
    expect(slices.breathe()).toBeUndefined();
    nowMs = 0.5;
    const waiting = slices.breathe();
    expect(later.length).toBe(1);
    nowMs = 3;
    later[0]!();
    await waiting;
    nowMs = 3.4;
    expect(slices.breathe()).toBeUndefined();
    slices.stop(() => new Error("stopped"));
    expect(() => slices.breathe()).toThrow("stopped");
  });
});
