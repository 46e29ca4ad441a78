/** Blocks as their readers see them. */
import { expect, it } from "vitest";
import { BlockFileReader } from "../../src/checkpoint/block-file-reader.ts";
import { BlockFileWriter, WriteBuffers } from "../../src/checkpoint/block-file-writer.ts";
import { Slices } from "../../src/checkpoint/slices.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import { DataSet, FOLDER, finish, IDENTITY, newWorld } from "./support.ts";

it("shows raw bytes at whole words, also behind a compressed block of odd length", async () => {
  const world = newWorld();
  const { fs, clock } = world;
  const path = `${FOLDER}/0000000001.index`;
  const header = { magic: "FERRINDX", checkpoint: 1, databaseId: IDENTITY.databaseId };
  const codec = await loadLz4();
  const data = new DataSet(3);
  const blocks = Array.from({ length: 24 }, (_, i) =>
    i % 2 === 0 ? new Uint8Array(200 + i * 8).fill(i) : data.bytes(64),
  );
  const parts = { fs, crc32c: crc32cPortable, slices: new Slices(clock), buffers: new WriteBuffers(), codec };
  const writer = new BlockFileWriter(parts, path, header);
  const lengths = new Set<number>();
  const entry = await finish(
    world,
    (async () => {
      for (const block of blocks) {
        writer.bytes.set(block, writer.payloadAt);
        await writer.addBlock(1, 0, block.length);
        lengths.add(writer.position % 8);
      }
      return writer.finish({ first: 0, second: 0 });
    })(),
  );
  expect(lengths.size).toBeGreaterThan(1);
  const reading = { fs, crc32c: crc32cPortable, codec: loadLz4, breathe: () => undefined };
  const reader = await finish(world, BlockFileReader.open(reading, path, header, entry));
  for (const block of blocks) {
    const { rawBytes } = (await finish(world, reader.next()))!;
    expect(Buffer.from(reader.bytes.subarray(reader.payloadAt, reader.payloadAt + rawBytes))).toEqual(
      Buffer.from(block),
    );
    expect((reader.bytes.byteOffset + reader.payloadAt) % 4).toBe(0);
  }
  expect(await finish(world, reader.next())).toBeUndefined();
  reader.close();
});
