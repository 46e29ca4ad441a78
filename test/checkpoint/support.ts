/** Data sets made up from a seed, an engine that only remembers, and checkpoints of both on the crashable file system. */
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import {
  type Fault,
  type FileOperation,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { FerriteError } from "../../src/base/errors.ts";
import { CheckpointFolder, nextCheckpointId } from "../../src/checkpoint/checkpoint-folder.ts";
import { type CheckpointResult, CheckpointWriter } from "../../src/checkpoint/checkpoint-writer.ts";
import { loadCheckpoint, type StructureBuilder } from "../../src/checkpoint/load-checkpoint.ts";
import type { CheckpointManifest } from "../../src/checkpoint/manifest-format.ts";
import type { BlockCodec } from "../../src/codec/compression.ts";
import { loadLz4 } from "../../src/codec/compression.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import type {
  CapturedSegment,
  CapturedStructure,
  EngineCapture,
  EngineLoader,
  LoadedSegment,
  LoadedTotals,
  StructureEntry,
  StructurePlace,
} from "../../src/engine/capture/capture-face.ts";
import type { ValueCapture } from "../../src/value/format/value-capture.ts";
import type { UnpackedValue } from "../../src/value/unpacked.ts";

export const DATA = "/data";
export const FOLDER = `${DATA}/checkpoints`;
export const IDENTITY = {
  databaseId: "00112233445566778899aabbccddeeff",
  hashSeed: [0xdeadbeef, 7] as const,
};

// --- bytes that stand for values ---------------------------------------------------------------------------

/** A structure that is nothing but its pieces. */
export class PiecesValue {
  readonly pieces: readonly Uint8Array[];

  constructor(pieces: readonly Uint8Array[]) {
    this.pieces = pieces;
  }

  /** All that a checkpoint has to know of a structure; the rest of its face is for commands. */
  get asValue(): UnpackedValue {
    return this as unknown as UnpackedValue;
  }

  release(): boolean {
    return true;
  }

  capture(): ValueCapture {
    let next = 0;
    const { pieces } = this;
    return {
      size: pieces.length,
      retainedBytes: 0,
      writePiece(out) {
        if (next === pieces.length) return false;
        const piece = pieces[next++]!;
        out.reserve(piece.length);
        out.bytes.set(piece, out.length);
        out.length += piece.length;
        return true;
      },
      visit: () => false,
      release: () => true,
    };
  }
}

export class PiecesBuilder implements StructureBuilder {
  readonly pieces: Uint8Array[] = [];

  addPiece(bytes: Uint8Array, offset: number, length: number): void {
    this.pieces.push(bytes.slice(offset, offset + length));
  }

  finish(): UnpackedValue {
    return new PiecesValue(this.pieces).asValue;
  }

  abandon(): void {}
}

// --- a data set ------------------------------------------------------------------------------------------

export interface Segment {
  readonly id: number;
  readonly birth: number;
  readonly bytes: Uint8Array;
  deadUnits: number;
  hasFile: boolean;
}

export interface Structure {
  readonly handle: number;
  readonly keyspace: number;
  readonly hashHigh: number;
  readonly hashLow: number;
  value: PiecesValue;
  place: StructurePlace | undefined;
}

/** What an engine holds, as far as a checkpoint can see it. */
export class DataSet {
  readonly segments: Segment[] = [];
  readonly rows: Uint8Array[] = [];
  readonly structures = new Map<number, Structure>();
  keyspaces = Int32Array.of(0, 2, 1);
  keys = 0;
  nextBirth = 1;
  readonly random: SeededRandom;
  /** What the capture was told, in order. */
  readonly told: string[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.random.fill(bytes);
    return bytes;
  }

  addSegment(units: number): Segment {
    const id = this.segments.reduce((max, segment) => Math.max(max, segment.id), 0) + 1;
    const segment = {
      id,
      birth: this.nextBirth++,
      bytes: this.bytes(units * 8),
      deadUnits: 0,
      hasFile: false,
    };
    this.segments.push(segment);
    this.keys += units;
    return segment;
  }

  addRows(...lengths: number[]): void {
    for (const length of lengths) this.rows.push(this.bytes(length));
  }

  addStructure(handle: number, ...pieceLengths: number[]): void {
    const pieces = pieceLengths.map((length) => this.bytes(length));
    this.structures.set(handle, {
      handle,
      keyspace: handle % 3,
      hashHigh: this.random.uint32() | 0,
      hashLow: this.random.uint32() | 0,
      value: new PiecesValue(pieces),
      place: undefined,
    });
  }

  /** All that a load must give back. */
  content(): unknown {
    return {
      keyspaces: [...this.keyspaces],
      keys: this.keys,
      rows: Buffer.concat(this.rows).toString("hex"),
      segments: this.segments.map(({ id, birth, bytes, deadUnits }) => [id, birth, deadUnits, hex(bytes)]),
      structures: [...this.structures.values()]
        .sort((a, b) => a.handle - b.handle)
        .map(({ handle, keyspace, hashHigh, hashLow, value }) => [
          ...[handle, keyspace, hashHigh, hashLow],
          value.pieces.map(hex),
        ]),
    };
  }

  /** `moving`: values files whose structures are written again. */
  capture(moving: readonly number[] = []): EngineCapture {
    return new DataSetCapture(this, moving);
  }
}

class DataSetCapture implements EngineCapture {
  readonly retainedBytes = 0;
  readonly #data: DataSet;
  readonly #rows: readonly Uint8Array[];
  readonly #segments: readonly Segment[];
  readonly #structures: readonly Structure[];
  readonly #toWrite: CapturedStructure[];
  readonly #places = new Map<number, StructurePlace>();
  readonly keyspaces: Int32Array;
  readonly keys: number;
  readonly nextBirth: number;
  readonly segments: readonly CapturedSegment[];
  #nextRow = 0;

  constructor(data: DataSet, moving: readonly number[]) {
    this.#data = data;
    this.#rows = [...data.rows];
    this.#segments = [...data.segments];
    this.#structures = [...data.structures.values()];
    this.keyspaces = data.keyspaces;
    this.keys = data.keys;
    this.nextBirth = data.nextBirth;
    this.segments = data.segments.map(({ id, birth, bytes, deadUnits, hasFile }) => {
      const usedUnits = bytes.length / 8;
      return { id, birth, usedUnits, deadUnits, capacityBytes: bytes.length + 64, hasFile };
    });
    for (const { handle, place } of this.#structures)
      if (place !== undefined && !moving.includes(place.file)) this.#places.set(handle, place);
    this.#toWrite = this.#structures
      .filter(({ handle }) => !this.#places.has(handle))
      .map(({ handle, value }) => ({ handle, value: value.capture() }));
  }

  copyRows(into: Uint8Array, offset: number, rowsMax: number): number {
    let at = offset;
    for (let copied = 0; copied < rowsMax && this.#nextRow < this.#rows.length; copied++) {
      const row = this.#rows[this.#nextRow]!;
      if (at + row.length > into.length) break;
      into.set(row, at);
      at += row.length;
      this.#nextRow++;
    }
    return at - offset;
  }

  nextStructure(): CapturedStructure | undefined {
    return this.#toWrite.shift();
  }

  structureWritten(handle: number, place: StructurePlace): void {
    this.#places.set(handle, place);
  }

  *structures(): Iterable<StructureEntry> {
    for (const { handle, keyspace, hashHigh, hashLow } of this.#structures)
      yield { handle, keyspace, hashHigh, hashLow, ...this.#places.get(handle)! };
  }

  segmentBytes(id: number): Uint8Array {
    return this.#segments.find((segment) => segment.id === id)!.bytes;
  }

  segmentWritten(id: number): void {
    const segment = this.#segments.find((each) => each.id === id)!;
    segment.hasFile = true;
    this.#data.told.push(`segment ${id}`);
  }

  complete(): void {
    for (const structure of this.#structures) structure.place = this.#places.get(structure.handle);
    this.#data.told.push("complete");
  }

  abandon(): void {
    this.#data.told.push("abandon");
  }
}

/** Takes what a load gives, in the form of `DataSet.content`. */
export class Loaded implements EngineLoader {
  readonly segments: LoadedSegment[] = [];
  readonly rows: Buffer[] = [];
  readonly structures: { entry: StructureEntry; value: PiecesValue }[] = [];
  totals: LoadedTotals | undefined;

  addSegment(segment: LoadedSegment): void {
    if (segment.bytes.byteLength !== segment.usedUnits * 8)
      throw new FerriteError("corruption", "the memory is not as large as the segment");
    this.segments.push(segment);
  }

  addRows(bytes: Uint8Array, offset: number, length: number): void {
    this.rows.push(Buffer.from(bytes.slice(offset, offset + length)));
  }

  addStructure(entry: StructureEntry, value: UnpackedValue): void {
    this.structures.push({ entry, value: value as unknown as PiecesValue });
  }

  finish(totals: LoadedTotals): void {
    this.totals = totals;
  }

  content(): unknown {
    return {
      keyspaces: [...this.totals!.keyspaces],
      keys: this.totals!.keys,
      rows: Buffer.concat(this.rows).toString("hex"),
      segments: this.segments.map(({ id, birth, bytes, deadUnits }) => [
        ...[id, birth, deadUnits],
        hex(new Uint8Array(bytes)),
      ]),
      structures: this.structures
        .sort((a, b) => a.entry.handle - b.entry.handle)
        .map(({ entry: { handle, keyspace, hashHigh, hashLow }, value }) => [
          ...[handle, keyspace, hashHigh, hashLow],
          value.pieces.map(hex),
        ]),
    };
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** A few segments, rows and structures of every awkward length. */
export function smallDataSet(seed = 1): DataSet {
  const data = new DataSet(seed);
  data.addSegment(20);
  data.addSegment(3);
  data.addRows(80, 16, 208);
  data.addStructure(5, 40, 1, 33);
  data.addStructure(2);
  data.addStructure(9, 100);
  return data;
}

// --- the world --------------------------------------------------------------------------------------------

export interface World {
  readonly clock: VirtualClock;
  readonly fs: MemoryFileSystem;
  /** Asked before every operation; replace it to inject faults. */
  fault: (operation: FileOperation, path: string) => Fault | undefined;
  /** Called before every step of the file system. */
  step: (operation: FileOperation | "done", path: string) => void;
}

type Hooks = Pick<MemoryFileSystemOptions, "soon" | "wallMs" | "fault" | "onStep">;

function worldAround(make: (hooks: Hooks) => MemoryFileSystem): World {
  const clock = new VirtualClock();
  const world = {
    clock,
    fault: (_operation: FileOperation, _path: string): Fault | undefined => undefined,
    step: (_operation: FileOperation | "done", _path: string): void => undefined,
  };
  const fs = make({
    soon: (run) => clock.soon(run),
    wallMs: () => clock.wallMs(),
    fault: (operation, path) => world.fault(operation, path),
    onStep: (operation, path) => world.step(operation, path),
  });
  return Object.assign(world, { fs });
}

export function newWorld(seed = 1): World {
  const random = new SeededRandom(seed);
  const world = worldAround((hooks) => new MemoryFileSystem({ random, ...hooks }));
  world.fs.makeDirectorySync(DATA);
  world.fs.syncDirectorySync("/");
  folderOf(world).create();
  return world;
}

/** A world that finds what `remains` holds. */
export function worldOf(remains: MemoryFileSystem): World {
  return worldAround((hooks) => remains.kill(hooks));
}

export function folderOf({ fs }: Pick<World, "fs">): CheckpointFolder {
  return new CheckpointFolder(fs, FOLDER);
}

/** Lets virtual time stand and everything else run until the promise settles. */
export async function finish<T>({ clock }: Pick<World, "clock">, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) await clock.drainAsync();
  return promise;
}

export interface WriteOptions {
  readonly lsn?: number;
  readonly previous?: CheckpointManifest | undefined;
  readonly codec?: BlockCodec | undefined;
  readonly moving?: readonly number[];
}

export function newWriter(world: World): CheckpointWriter {
  const folder = folderOf(world);
  return new CheckpointWriter({
    clock: world.clock,
    crc32c: crc32cPortable,
    folder,
    identity: IDENTITY,
    nextId: nextCheckpointId(folder.list()),
  });
}

export async function write(
  world: World,
  data: DataSet,
  { lsn = 10, previous, codec, moving }: WriteOptions = {},
  writer = newWriter(world),
): Promise<CheckpointResult> {
  const request = { capture: data.capture(moving), lsn, wallMs: 1_000_000_000_000, previous, codec };
  return finish(world, writer.write(request));
}

/** Writes a checkpoint that must succeed. */
export async function published(
  world: World,
  data: DataSet,
  options: WriteOptions = {},
): Promise<CheckpointManifest> {
  const result = await write(world, data, options);
  if (result.kind === "failed") throw result.error;
  return result.manifest;
}

export async function load(
  world: World,
  manifest: CheckpointManifest,
  onAllocate: (bytes: number) => void = () => {},
): Promise<Loaded> {
  const loader = new Loaded();
  const loading = loadCheckpoint({
    folder: folderOf(world),
    manifest,
    loader,
    crc32c: crc32cPortable,
    codec: loadLz4,
    breathe: () => undefined,
    newBuilder: () => new PiecesBuilder(),
    allocate(bytes) {
      onAllocate(bytes);
      return new ArrayBuffer(bytes);
    },
  });
  await finish(world, loading);
  return loader;
}
