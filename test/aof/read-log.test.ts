import { describe, expect, it } from "vitest";
import { KIND_EFFECTS, writeFrameHeader } from "../../src/aof/frame-format.ts";
import { FRAME_WINDOW_MAX } from "../../src/aof/frame-reader.ts";
import { readLog } from "../../src/aof/read-log.ts";
import { fromLatin1 } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/crc32.ts";
import { append, FOLDER, fileText, finish, newWorld, readBack, resp, start, type World } from "./support.ts";

const PART = `${FOLDER}/appendonly.aof.1.incr.aof`;

/** A log of one-effect frames, closed cleanly. */
async function written(words: readonly string[], options: { rotateAfter?: number } = {}): Promise<World> {
  const world = newWorld();
  const { log } = await start(world);
  words.forEach((word, index) => {
    append(log, 0, "SET", "key", word);
    log.commitTurn(world.clock.wallMs());
    if (options.rotateAfter === index) log.rotate();
  });
  await finish(world.clock, log.close());
  return world;
}

function addBytes(world: World, bytes: Uint8Array, path = PART): void {
  const file = world.fs.openSync(path, "append");
  file.appendSync(bytes, 0, bytes.length);
  file.close();
}

function truncate(world: World, size: number, path = PART): void {
  const file = world.fs.openSync(path, "append");
  file.truncateSync(size);
  file.close();
}

function frame(
  firstLsn: number,
  payload: Uint8Array,
  effects: number,
  durableLsn: number,
  kind = KIND_EFFECTS,
): Uint8Array {
  const bytes = new Uint8Array(128 + payload.length);
  const crc = crc32(payload, 0, payload.length);
  const length = writeFrameHeader(bytes, 0, kind, firstLsn, effects, payload.length, 5, durableLsn, crc);
  bytes.set(payload, length);
  return bytes.subarray(0, length + payload.length);
}

const selected = (...effects: Uint8Array[]): Uint8Array => Buffer.concat([resp("SELECT", "0"), ...effects]);

describe("a torn tail", () => {
  it("is reported at every length and nothing before it is lost", async () => {
    const world = await written(["one", "two"]);
    const whole = world.fs.statSync(PART)!.sizeBytes;
    const tail = frame(3, selected(resp("SET", "key", "three")), 1, 2);
    for (let length = 1; length < tail.length; length++) {
      truncate(world, whole);
      addBytes(world, tail.subarray(0, length));
      const { lines, summary } = await readBack(world.fs);
      expect(lines).toEqual(["1@0 SET key one", "2@0 SET key two"]);
      expect(summary.tornTail).toMatchObject({
        offset: whole,
        bytes: length,
        framesAfter: 0,
        blank: length === 1,
      });
    }
  });

  it("is cut off at the next start and kept beside, unless it is blank", async () => {
    const world = await written(["one"]);
    addBytes(world, fromLatin1("#F 2 1 40"));
    const first = await start(world);
    expect(first.summary.tornTail).toMatchObject({ bytes: 9 });
    expect(world.fs.listSync(FOLDER)).toContain(`appendonly.aof.1.incr.aof.torn-${world.clock.wallMs()}`);
    await finish(world.clock, first.log.close());
    addBytes(world, new Uint8Array(3000));
    const second = await start(world);
    expect(second.summary.tornTail).toMatchObject({ bytes: 3000, blank: true });
    expect(world.fs.listSync(FOLDER).filter((name) => name.includes("torn"))).toHaveLength(1);
    expect(second.lines).toEqual(["1@0 SET key one"]);
  });

  it("may hold frames that a power cut saved behind a hole", async () => {
    const world = await written(["one"]);
    const whole = world.fs.statSync(PART)!.sizeBytes;
    const lost = frame(2, selected(resp("SET", "key", "two")), 1, 1);
    lost.fill(0, 30);
    addBytes(world, lost);
    addBytes(world, frame(3, selected(resp("SET", "key", "three")), 1, 1));
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual(["1@0 SET key one"]);
    expect(summary.tornTail).toMatchObject({ offset: whole, framesAfter: 1 });
  });

  it("may hold the bytes of a frame as a value", async () => {
    const world = await written(["one"]);
    const stored = Buffer.from(frame(1, selected(resp("SET", "a", "b")), 1, 0)).toString("latin1");
    const tail = frame(2, selected(resp("SET", "key", stored)), 1, 1);
    addBytes(world, tail.subarray(0, tail.length - 1));
    expect((await readBack(world.fs)).summary.tornTail).toMatchObject({ bytes: tail.length - 1 });
  });
});

describe("damage", () => {
  it("of any byte of any frame but the last is refused, with file and offset", async () => {
    const world = await written(["one", "two", "three"]);
    const text = fileText(world.fs, "appendonly.aof.1.incr.aof");
    const starts = [...text.matchAll(/#F /g)].map((match) => match.index);
    const end = starts[3]!;
    for (let offset = 0; offset < end; offset++) {
      world.fs.corrupt(PART, offset, 1 << (offset % 8));
      const at = starts.filter((start) => start <= offset).at(-1);
      await expect(readBack(world.fs)).rejects.toMatchObject({
        kind: "corruption",
        message: expect.stringMatching(
          new RegExp(`${PART} (is damaged at|.* at offset) ?(offset )?${at}.*ferrite (aof repair|import)`),
        ),
      });
      world.fs.corrupt(PART, offset, 1 << (offset % 8));
    }
    expect((await readBack(world.fs)).lines).toHaveLength(3);
  });

  it("in zeros is refused if a later frame says that the place was durable", async () => {
    const world = await written(["one"]);
    addBytes(world, new Uint8Array(100));
    addBytes(world, frame(3, selected(resp("SET", "key", "three")), 1, 2));
    await expect(readBack(world.fs)).rejects.toThrow(/a valid frame follows at offset \d+ \(LSN 3\)/);
  });

  it("at the end of a part that is not the last is refused", async () => {
    const world = await written(["one", "two"], { rotateAfter: 0 });
    truncate(world, world.fs.statSync(PART)!.sizeBytes - 3);
    await expect(readBack(world.fs)).rejects.toThrow(/1\.incr\.aof.*has \d+ bytes, expected \d+/);
  });

  it("of a missing part or manifest is refused", async () => {
    const world = await written(["one", "two"], { rotateAfter: 0 });
    world.fs.renameSync(PART, `${FOLDER}/elsewhere`);
    await expect(readBack(world.fs)).rejects.toThrow(/1\.incr\.aof.*is missing/);
    world.fs.renameSync(`${FOLDER}/elsewhere`, PART);
    world.fs.unlinkSync(`${FOLDER}/appendonly.aof.manifest`);
    await expect(readBack(world.fs)).rejects.toThrow(/no appendonly\.aof\.manifest/);
  });

  it("of any byte of the manifest is refused", async () => {
    const world = await written(["one", "two"], { rotateAfter: 0 });
    const path = `${FOLDER}/appendonly.aof.manifest`;
    for (let offset = 0; offset < world.fs.statSync(path)!.sizeBytes; offset++) {
      world.fs.corrupt(path, offset, 4);
      await expect(readBack(world.fs)).rejects.toMatchObject({ name: "FerriteError" });
      world.fs.corrupt(path, offset, 4);
    }
  });

  it("as a gap in LSNs is refused", async () => {
    const world = await written(["one"]);
    addBytes(world, frame(4, selected(resp("A")), 1, 1));
    await expect(readBack(world.fs)).rejects.toThrow(/LSN 2 is due, found 4/);
  });

  it("as a payload that does not match its header is refused", async () => {
    const world = await written(["one"]);
    addBytes(world, frame(2, selected(resp("A"), resp("B")), 1, 1));
    await expect(readBack(world.fs)).rejects.toThrow(/ends at LSN 3, .* whole at LSN 2|ends at LSN 3/);
    const other = await written(["one"]);
    addBytes(other, frame(2, selected(resp("MULTI"), resp("B")), 1, 1));
    await expect(readBack(other.fs)).rejects.toThrow(/ends within a unit/);
  });
});

describe("what others wrote", () => {
  it("a kind of frame that is not known is refused by name", async () => {
    const world = await written(["one"]);
    addBytes(world, frame(2, resp("A"), 1, 1, 69));
    await expect(readBack(world.fs)).rejects.toThrow(/frame of kind #E at offset/);
  });

  it("commands that redis-server appended are refused, not cut off", async () => {
    const world = await written(["one"]);
    addBytes(world, resp("SET", "a", "b"));
    await expect(readBack(world.fs)).rejects.toThrow(/command outside of any frame.*ferrite import/);
  });

  it("a folder of redis-server is refused with the way to load it", async () => {
    const world = newWorld();
    world.fs.makeDirectorySync(FOLDER);
    const text = fromLatin1(
      "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    const file = world.fs.openSync(`${FOLDER}/appendonly.aof.manifest`, "create");
    file.appendSync(text, 0, text.length);
    file.close();
    await expect(readBack(world.fs)).rejects.toThrow(/redis-server.*ferrite import/);
  });
});

describe("reading", () => {
  it("of an empty or absent folder gives an empty log", async () => {
    const world = newWorld();
    const { lines, summary } = await readBack(world.fs);
    expect(lines).toEqual([]);
    expect(summary).toMatchObject({ lastLsn: 0, manifest: undefined });
  });

  it("starts after what a checkpoint holds, also within a frame and before a unit", async () => {
    const world = newWorld();
    const { log } = await start(world);
    append(log, 0, "A");
    append(log, 1, "B");
    log.beginUnit();
    append(log, 1, "C");
    append(log, 1, "D");
    log.endUnit();
    log.commitTurn(0);
    expect((await readBack(world.fs, 1)).lines).toEqual(["2@1 B", "{", "3@1 C", "4@1 D", "}"]);
    expect((await readBack(world.fs, 4)).lines).toEqual([]);
    expect((await readBack(world.fs, 2)).lines).toEqual(["{", "3@1 C", "4@1 D", "}"]);
  });

  it("of a frame larger than the window holds one effect at a time", async () => {
    const world = newWorld();
    const { log } = await start(world);
    const value = "v".repeat(700_000);
    const count = Math.ceil(FRAME_WINDOW_MAX / value.length) + 8;
    log.beginUnit();
    for (let i = 0; i < count; i++) append(log, 0, "SET", String(i), value);
    append(log, 2, "DEL", "x");
    log.endUnit();
    log.commitTurn(0);
    let buffers = 0;
    let last: Uint8Array | undefined;
    const lsns: number[] = [];
    await readLog({
      fs: world.fs,
      folder: FOLDER,
      handler: {
        effect(_db, request, lsn) {
          if (request.bytes !== last) buffers++;
          last = request.bytes;
          lsns.push(lsn);
          expect(request.bytes.length).toBeLessThan(4 * 1024 * 1024);
        },
      },
    });
    expect(lsns).toEqual(Array.from({ length: count + 1 }, (_, i) => i + 1));
    expect(buffers).toBeLessThan(4);
  });

  it("waits for a handler that has to wait, in order", async () => {
    const world = await written(["one", "two", "three"]);
    const seen: string[] = [];
    await readLog({
      fs: world.fs,
      folder: FOLDER,
      handler: {
        async effect(_db, _request, lsn) {
          seen.push(`begin ${lsn}`);
          await Promise.resolve();
          seen.push(`end ${lsn}`);
        },
      },
    });
    expect(seen).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  });

  it("lets other work run between frames", async () => {
    const world = await written(Array.from({ length: 12 }, () => "x".repeat(1024 * 1024)));
    let breaths = 0;
    const breathe = async (): Promise<void> => void breaths++;
    await readLog({ fs: world.fs, folder: FOLDER, breathe, handler: { effect() {} } });
    expect(breaths).toBe(3);
  });
});
