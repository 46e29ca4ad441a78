/** What reads stored files on the command line: checksums, decompression, and structures that are built to be checked. */
import { type BlockCodec, loadLz4 } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import { Engine } from "../engine/engine.ts";
import type { Breathe } from "../engine/warm/file-promises.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Random } from "../ports/random.ts";
import { ValueBuilder } from "../value/format/value-builder.ts";

export interface FileReading {
  readonly fs: FileSystem;
  readonly crc32c: Crc32c;
  readonly codec: () => Promise<BlockCodec>;
  readonly breathe: Breathe;
  readonly newBuilder: () => ValueBuilder;
}

export function createFileReading(fs: FileSystem, crc32c: Crc32c, clock: Clock, random: Random): FileReading {
  let engine: Engine | undefined;
  return {
    fs,
    crc32c,
    codec: loadLz4,
    // Nobody else waits in such a process.
    breathe: () => undefined,
    newBuilder() {
      // Structures are built, looked at and freed one by one; under which hash they are built does not matter.
      engine ??= new Engine({ databases: 1, hashSeed: [0, 0], clock, random });
      return new ValueBuilder(engine);
    },
  };
}
