/**
 * The bytes of format version 1, checked by hand once. They must be read for ever, and as long as this version is
 * written, the writer must produce them.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { fromLatin1 } from "../../src/base/bytes.ts";
import { CheckpointFolder } from "../../src/checkpoint/checkpoint-folder.ts";
import { CheckpointWriter } from "../../src/checkpoint/checkpoint-writer.ts";
import { chooseCheckpoint } from "../../src/checkpoint/choose-checkpoint.ts";
import { loadCheckpoint } from "../../src/checkpoint/load-checkpoint.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import { DataSet, finish, IDENTITY, Loaded, PiecesBuilder, PiecesValue } from "./support.ts";

const GOLDEN = fileURLToPath(new URL("../golden/checkpoint/v1", import.meta.url));

/** One segment of 32 bytes, two rows of 8, one structure of two pieces; everything legible. */
function goldenDataSet(value = ["first piece", "second"]): DataSet {
  const data = new DataSet(1);
  data.segments.push({
    id: 3,
    birth: 17,
    bytes: fromLatin1("a segment of four units, really!"),
    deadUnits: 1,
    hasFile: false,
  });
  data.rows.push(fromLatin1("row one,"), fromLatin1("row two;"));
  const place = { keyspace: 2, hashHigh: -2, hashLow: 0x12345678, place: undefined };
  data.structures.set(5, { handle: 5, ...place, value: new PiecesValue(value.map(fromLatin1)) });
  data.keys = 4;
  data.nextBirth = 18;
  return data;
}

const CASES = [
  { name: "plain", data: () => goldenDataSet() },
  { name: "lz4", data: () => goldenDataSet(["x".repeat(200), "second"]) },
];

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => statSync(join(folder, name)).isFile()).sort();
}

async function load(path: string): Promise<Loaded> {
  const folder = new CheckpointFolder(new PortableFileSystem(), path);
  const { manifest } = chooseCheckpoint({ folder, identity: IDENTITY, logLacksAfter: () => "there is none" });
  expect(manifest).toMatchObject({ id: 1, lsn: 42, wallMs: 1_000_000_000_000 });
  const loader = new Loaded();
  await loadCheckpoint({
    folder,
    manifest: manifest!,
    loader,
    crc32c: crc32cPortable,
    codec: loadLz4,
    breathe: () => undefined,
    newBuilder: () => new PiecesBuilder(),
    allocate: (bytes) => new ArrayBuffer(bytes),
  });
  return loader;
}

describe("golden files of version 1", () => {
  for (const { name, data } of CASES) {
    it(`read as they always did: ${name}`, async () => {
      expect((await load(join(GOLDEN, name))).content()).toEqual(data().content());
    });
  }

  // Not the compressed ones: what LZ4 makes of bytes is up to the library's version.
  it("are what the writer writes", async () => {
    const path = mkdtempSync(join(tmpdir(), "ferrite-golden-"));
    try {
      const folder = new CheckpointFolder(new PortableFileSystem(), join(path, "checkpoints"));
      folder.create();
      const clock = new VirtualClock();
      const parts = { clock, crc32c: crc32cPortable, folder, identity: IDENTITY, nextId: 1 };
      const capture = goldenDataSet().capture();
      const request = { capture, lsn: 42, wallMs: 1_000_000_000_000, previous: undefined, codec: undefined };
      const result = await finish({ clock }, new CheckpointWriter(parts).write(request));
      expect(result.kind).toBe("published");
      const golden = join(GOLDEN, "plain");
      expect(filesBelow(folder.path)).toEqual(filesBelow(golden));
      for (const file of filesBelow(golden)) {
        expect(readFileSync(join(folder.path, file)), relative(GOLDEN, file)).toEqual(
          readFileSync(join(golden, file)),
        );
      }
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
});
