/** The contract of src/ports/file-system.ts, held by every implementation. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { File, FileSystem } from "../../src/ports/file-system.ts";
import {
  append,
  bytesOf,
  IMPLEMENTATIONS,
  type Place,
  pattern,
  settle,
  textOf,
  thrownBy,
  titleOf,
  write,
} from "./file-systems.ts";

for (const implementation of IMPLEMENTATIONS) {
  describe.skipIf(implementation.absent !== "")(titleOf("file system", implementation), () => {
    let place: Place;
    let system: FileSystem;
    const path = (name: string): string => join(place.root, name);

    beforeEach(() => {
      place = implementation.open();
      system = place.system;
    });
    afterEach(() => place.finish());

    it("says what it is", () => {
      expect(system.kind).toBe(implementation.kind);
    });

    describe("opening", () => {
      it("creates a file for append and finds it again with its bytes", () => {
        write(system, path("a"), "one");
        write(system, path("a"), " two");
        expect(textOf(system.readFileSync(path("a")))).toBe("one two");
      });

      it("refuses to create a file that exists", () => {
        write(system, path("a"), "");
        const error = thrownBy(() => system.openSync(path("a"), "create"));
        expect(error).toMatchObject({ code: "EEXIST", path: path("a"), syscall: "open" });
      });

      it("creates a file once", () => {
        const file = system.openSync(path("a"), "create");
        file.appendSync(bytesOf("x"), 0, 1);
        expect(file.sizeSync()).toBe(1);
        file.close();
      });

      it("names the missing file, the missing folder, the file that is a folder", () => {
        expect(thrownBy(() => system.openSync(path("none"), "read"))).toMatchObject({
          code: "ENOENT",
          path: path("none"),
        });
        expect(thrownBy(() => system.openSync(path("no/file"), "append"))).toMatchObject({ code: "ENOENT" });
        expect(thrownBy(() => system.openSync(place.root, "read"))).toMatchObject({ code: "EISDIR" });
        expect(thrownBy(() => system.openSync(place.root, "append"))).toMatchObject({ code: "EISDIR" });
      });

      it("does not write to a file opened for reading", () => {
        write(system, path("a"), "abc");
        const file = system.openSync(path("a"), "read");
        expect(thrownBy(() => file.appendSync(bytesOf("x"), 0, 1))).toMatchObject({
          code: "EBADF",
          path: path("a"),
        });
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("abc");
      });

      it("closes twice without harm and refuses use after it", () => {
        const file = system.openSync(path("a"), "append");
        file.close();
        file.close();
        expect(() => file.sizeSync()).toThrow(/after close/);
        expect(() => file.appendSync(bytesOf("x"), 0, 1)).toThrow(/after close/);
      });
    });

    describe("reading", () => {
      it("reads positions, and fewer bytes only at the end", () => {
        write(system, path("a"), "0123456789");
        const file = system.openSync(path("a"), "read");
        const into = new Uint8Array(8).fill(46);
        expect(file.readSync(3, into, 1, 4)).toBe(4);
        expect(textOf(into)).toBe(".3456...");
        expect(file.readSync(8, into, 0, 8)).toBe(2);
        expect(file.readSync(10, into, 0, 8)).toBe(0);
        expect(file.readSync(99, into, 0, 8)).toBe(0);
        expect(file.readSync(0, into, 8, 0)).toBe(0);
        file.close();
      });

      it("reads in the background, many at once", async () => {
        const content = pattern(100_000);
        write(system, path("a"), content);
        const file = system.openSync(path("a"), "read");
        const reads = Array.from({ length: 40 }, async (_, i) => {
          const into = new Uint8Array(1000);
          expect(await file.read(i * 2500, into, 0, 1000)).toBe(1000);
          expect(into).toEqual(content.subarray(i * 2500, i * 2500 + 1000));
        });
        await Promise.all(reads);
        expect(await file.read(99_990, new Uint8Array(100), 0, 100)).toBe(10);
        file.close();
      });

      it("answers resident bytes whole or not at all", () => {
        const content = pattern(10_000);
        write(system, path("a"), content);
        const file = system.openSync(path("a"), "read");
        const into = new Uint8Array(4000);
        const got = file.readResidentSync(5000, into, 0, 4000);
        expect([-1, 4000]).toContain(got);
        if (got !== -1) expect(into).toEqual(content.subarray(5000, 9000));
        const atEnd = file.readResidentSync(9000, into, 0, 4000);
        expect([-1, 1000]).toContain(atEnd);
        file.close();
      });

      it("refuses a range outside the array before touching anything", async () => {
        write(system, path("a"), "abc");
        const file = system.openSync(path("a"), "append");
        const four = new Uint8Array(4);
        expect(() => file.readSync(0, four, 2, 3)).toThrow(RangeError);
        expect(() => file.appendSync(four, 5, 0)).toThrow(RangeError);
        expect(() => file.append(four, 0, 5, false, () => {})).toThrow(RangeError);
        await expect(file.read(0, four, -1, 2)).rejects.toThrow(RangeError);
        expect(file.sizeSync()).toBe(3);
        await append(file, "d", false);
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("abcd");
      });
    });

    describe("appending", () => {
      it("appends ranges, nothing, and a lot", () => {
        const file = system.openSync(path("a"), "append");
        const big = pattern(9_000_000);
        file.appendSync(bytesOf("-abc-"), 1, 3);
        file.appendSync(big, 0, 0);
        file.appendSync(big, 0, big.length);
        expect(file.sizeSync()).toBe(3 + big.length);
        file.close();
        const found = system.readFileSync(path("a"));
        expect(textOf(found.subarray(0, 3))).toBe("abc");
        expect(Buffer.compare(found.subarray(3), big)).toBe(0);
      });

      it("appends a lot in the background", async () => {
        const file = system.openSync(path("a"), "append");
        const big = pattern(9_000_000);
        await settle((done) => file.append(big, 10, big.length - 20, true, done));
        file.close();
        expect(Buffer.compare(system.readFileSync(path("a")), big.subarray(10, big.length - 10))).toBe(0);
      });

      it("completes nothing before the call returns", async () => {
        const file = system.openSync(path("a"), "append");
        for (const start of [
          (done: () => void) => file.append(bytesOf("x"), 0, 1, false, done),
          (done: () => void) => file.append(bytesOf("x"), 0, 0, false, done),
          (done: () => void) => file.append(bytesOf("x"), 0, 1, true, done),
          (done: () => void) => file.sync(done),
        ]) {
          let returned = false;
          await settle((done) => {
            start(() => {
              expect(returned).toBe(true);
              done(undefined);
            });
            returned = true;
          });
        }
        file.close();
      });

      it("keeps the order of operations on one file, whichever kind they are", async () => {
        const file = system.openSync(path("a"), "append");
        const order: string[] = [];
        const into = new Uint8Array(16);
        const before = file.read(0, into, 0, 4).then((got) => order.push(`read ${got}`));
        const appended = append(file, "first", false).then(() => order.push("append"));
        const synced = settle((done) => file.sync(done)).then(() => order.push("sync"));
        const after = file.read(0, into, 8, 8).then((got) => order.push(`read ${got}`));
        await Promise.all([before, appended, synced, after]);
        expect(order).toEqual(["read 0", "append", "sync", "read 5"]);
        await append(file, " second", true);
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("first second");
      });

      it("chains appends from their callbacks", async () => {
        const file = system.openSync(path("a"), "append");
        await new Promise<void>((resolve, reject) => {
          let count = 0;
          const next = (error: Error | undefined): void => {
            const text = `${count},`;
            if (error !== undefined) reject(error);
            else if (count++ === 200) resolve();
            else file.append(bytesOf(text), 0, text.length, count % 50 === 0, next);
          };
          next(undefined);
        });
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe(
          Array.from({ length: 200 }, (_, i) => `${i},`).join(""),
        );
      });

      it("stops a caller that changes a file while an append is under way", async () => {
        const file = system.openSync(path("a"), "append");
        const first = append(file, "one", true);
        expect(() => file.append(bytesOf("x"), 0, 1, false, () => {})).toThrow(/append is under way/);
        expect(() => file.appendSync(bytesOf("x"), 0, 1)).toThrow(/append is under way/);
        expect(() => file.truncateSync(0)).toThrow(/append is under way/);
        expect(() => file.syncSync()).toThrow(/append is under way/);
        await first;
        file.appendSync(bytesOf("two"), 0, 3);
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("onetwo");
      });

      it("lets appends go on while a sync is under way", async () => {
        const file = system.openSync(path("a"), "append");
        file.appendSync(bytesOf("a"), 0, 1);
        const synced = settle((done) => file.sync(done));
        file.appendSync(bytesOf("b"), 0, 1);
        await synced;
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("ab");
      });

      it("completes what is under way when it is closed", async () => {
        const file = system.openSync(path("a"), "append");
        const appended = append(file, "kept", true);
        const synced = settle((done) => file.sync(done));
        file.close();
        await Promise.all([appended, synced]);
        expect(textOf(system.readFileSync(path("a")))).toBe("kept");
      });

      it("works on many files at once", async () => {
        const files = Array.from({ length: 100 }, (_, i) => system.openSync(path(`f${i}`), "create"));
        await Promise.all(files.map((file, i) => append(file, `content ${i}`, i % 3 === 0)));
        for (const file of files) file.close();
        for (let i = 0; i < 100; i++) expect(textOf(system.readFileSync(path(`f${i}`)))).toBe(`content ${i}`);
      });

      it("reports a failed background append with code and path", async () => {
        write(system, path("a"), "abc");
        const file = system.openSync(path("a"), "read");
        const failed = async (): Promise<void> => append(file, "x", true);
        await expect(failed()).rejects.toMatchObject({ code: "EBADF", path: path("a"), syscall: "write" });
        file.close();
      });
    });

    describe("overwriting", () => {
      it("replaces bytes in place, reaches beyond the end, and leaves the rest alone", async () => {
        write(system, path("a"), "0123456789");
        const file = system.openSync(path("a"), "overwrite");
        file.overwriteSync(2, bytesOf("xABx"), 1, 2);
        expect(textOf(system.readFileSync(path("a")))).toBe("01AB456789");
        await settle((done) => file.overwrite(8, bytesOf("yCDEFy"), 1, 4, true, done));
        expect(textOf(system.readFileSync(path("a")))).toBe("01AB4567CDEF");
        file.overwriteSync(12, bytesOf("GH"), 0, 2);
        expect(file.sizeSync()).toBe(14);
        const big = pattern(3 * 1024 * 1024);
        await settle((done) => file.overwrite(1, big, 0, big.length, false, done));
        expect(Buffer.compare(system.readFileSync(path("a")).subarray(1), big)).toBe(0);
        file.close();
      });

      it("goes on beside an append to the same file through another open file", async () => {
        const file = system.openSync(path("a"), "create");
        file.appendSync(bytesOf("......"), 0, 6);
        const over = system.openSync(path("a"), "overwrite");
        await Promise.all([
          append(file, "appended", true),
          settle((done) => over.overwrite(2, bytesOf("XY"), 0, 2, true, done)),
        ]);
        expect(textOf(system.readFileSync(path("a")))).toBe("..XY..appended");
        file.truncateSync(3);
        over.overwriteSync(3, bytesOf("Z"), 0, 1);
        file.appendSync(bytesOf("!"), 0, 1);
        expect(textOf(system.readFileSync(path("a")))).toBe("..XZ!");
        file.close();
        over.close();
      });

      it("needs a file that exists and is open for it, and appends nothing", () => {
        expect(thrownBy(() => system.openSync(path("none"), "overwrite"))).toMatchObject({ code: "ENOENT" });
        write(system, path("a"), "abc");
        const over = system.openSync(path("a"), "overwrite");
        const file = system.openSync(path("a"), "append");
        const one = bytesOf("x");
        expect(thrownBy(() => over.appendSync(one, 0, 1))).toMatchObject({ code: "EBADF" });
        expect(thrownBy(() => over.append(one, 0, 1, false, () => {}))).toMatchObject({ code: "EBADF" });
        expect(thrownBy(() => file.overwriteSync(0, one, 0, 1))).toMatchObject({ code: "EBADF" });
        expect(thrownBy(() => file.overwrite(0, one, 0, 1, false, () => {}))).toMatchObject({
          code: "EBADF",
        });
        expect(textOf(system.readFileSync(path("a")))).toBe("abc");
        file.close();
        over.close();
      });

      it("stops a caller that changes a file while an overwrite is under way", async () => {
        write(system, path("a"), "abc");
        const over = system.openSync(path("a"), "overwrite");
        const done = settle((end) => over.overwrite(0, bytesOf("x"), 0, 1, false, end));
        expect(thrownBy(() => over.overwriteSync(0, bytesOf("y"), 0, 1)).name).toBe("AssertionBroken");
        await done;
        over.close();
      });
    });

    describe("overwriting whole blocks", () => {
      const FILE_BYTES = 64 * 1024;
      /** A durable file of `x`, open for blocks; their size is 0 where there are none. */
      const blocks = (): { file: File; block: number } => {
        write(system, path("a"), "x".repeat(FILE_BYTES));
        const appender = system.openSync(path("a"), "append");
        appender.syncSync();
        appender.close();
        const file = system.openSync(path("a"), "overwrite");
        return { file, block: file.blockBytes };
      };
      const overwrite = (file: File, position: number, bytes: Uint8Array): Promise<void> =>
        settle((done) => {
          const began = file.overwriteBlocks(position, bytes, 0, bytes.length, done);
          expect(began).toBe(true);
          // The array is the caller's again.
          bytes.fill(0);
        });

      it("is refused where there is no such thing", () => {
        const { file, block } = blocks();
        if (block === 0) {
          expect(file.overwriteBlocks(0, bytesOf("x"), 0, 1, () => {})).toBe(false);
          expect(file.overwriteBlocksSync(0, bytesOf("x"), 0, 1)).toBe(false);
        } else expect(FILE_BYTES % block).toBe(0);
        expect(system.openSync(path("a"), "append").blockBytes).toBe(0);
        file.close();
      });

      it("replaces them for every reader, also between other writes", async () => {
        const { file, block } = blocks();
        if (block === 0) return;
        const expected = new Uint8Array(FILE_BYTES).fill(120);
        const change = (position: number, bytes: Uint8Array): Uint8Array => {
          expected.set(bytes, position);
          return bytes.slice();
        };
        const reader = system.openSync(path("a"), "read");
        const into = new Uint8Array(FILE_BYTES);
        const check = (): void => {
          expect(reader.readSync(0, into, 0, FILE_BYTES)).toBe(FILE_BYTES);
          expect(Buffer.compare(into, expected)).toBe(0);
          expect(Buffer.compare(system.readFileSync(path("a")), expected)).toBe(0);
        };
        await overwrite(file, block, change(block, pattern(2 * block)));
        check();
        const odd = change(block + 3, bytesOf("between"));
        file.overwriteSync(block + 3, odd, 0, odd.length);
        file.syncSync();
        check();
        for (let i = 0; i < 20; i++) {
          const position = (i % 4) * block;
          const image = change(position, pattern(block * (1 + (i % 3))).fill(i, 5, 9));
          if (i % 2 === 0) await overwrite(file, position, image);
          else expect(file.overwriteBlocksSync(position, image, 0, image.length)).toBe(true);
          check();
        }
        const late = change(2, bytesOf("late"));
        await settle((done) => file.overwrite(2, late, 0, late.length, true, done));
        check();
        expect(file.sizeSync()).toBe(FILE_BYTES);
        reader.close();
        file.close();
      });

      it("goes on beside an append, completes when closed, and is one change at a time", async () => {
        const { file, block } = blocks();
        if (block === 0) return;
        const appender = system.openSync(path("a"), "append");
        const appended = append(appender, "appended", true);
        const written = overwrite(file, 0, new Uint8Array(block).fill(121));
        const one = bytesOf("z");
        expect(thrownBy(() => file.overwriteSync(0, one, 0, 1)).name).toBe("AssertionBroken");
        expect(thrownBy(() => file.overwriteBlocks(0, new Uint8Array(block), 0, block, () => {})).name).toBe(
          "AssertionBroken",
        );
        expect(thrownBy(() => file.overwriteBlocksSync(0, new Uint8Array(block), 0, block)).name).toBe(
          "AssertionBroken",
        );
        file.close();
        await Promise.all([appended, written]);
        appender.close();
        expect(textOf(system.readFileSync(path("a")))).toBe(
          `${"y".repeat(block)}${"x".repeat(FILE_BYTES - block)}appended`,
        );
      });

      it("is chained from its callback, and waits for nothing that is under way", async () => {
        const { file, block } = blocks();
        if (block === 0) return;
        const bytes = new Uint8Array(block).fill(122);
        let left = 50;
        await settle((done) => {
          const next = (error: Error | undefined): void => {
            if (error !== undefined || left-- === 0) done(error);
            else expect(file.overwriteBlocks(0, bytes, 0, block, next)).toBe(true);
          };
          next(undefined);
        });
        const synced = settle((done) => file.sync(done));
        expect(file.overwriteBlocks(0, bytes, 0, block, () => {})).toBe(false);
        expect(file.overwriteBlocksSync(0, bytes, 0, block)).toBe(false);
        await synced;
        file.close();
      });

      it("needs a file that is open for it and a range inside the array", () => {
        const { file } = blocks();
        const appender = system.openSync(path("a"), "append");
        const one = bytesOf("x");
        expect(thrownBy(() => appender.overwriteBlocks(0, one, 0, 1, () => {}))).toMatchObject({
          code: "EBADF",
        });
        expect(thrownBy(() => appender.overwriteBlocksSync(0, one, 0, 1))).toMatchObject({ code: "EBADF" });
        expect(thrownBy(() => file.overwriteBlocks(0, one, 0, 2, () => {})).name).toBe("RangeError");
        expect(thrownBy(() => file.overwriteBlocksSync(0, one, 0, 2)).name).toBe("RangeError");
        appender.close();
        file.close();
      });
    });

    describe("size", () => {
      it("truncates, appends behind the new end, grows with zeros", () => {
        const file = system.openSync(path("a"), "append");
        file.appendSync(bytesOf("0123456789"), 0, 10);
        file.truncateSync(4);
        expect(file.sizeSync()).toBe(4);
        file.appendSync(bytesOf("x"), 0, 1);
        file.truncateSync(7);
        file.syncSync();
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("0123x\0\0");
      });

      it("reserves space without a change of size or content", () => {
        const file = system.openSync(path("a"), "append");
        file.appendSync(bytesOf("abc"), 0, 3);
        file.allocateSync(1_000_000);
        expect(file.sizeSync()).toBe(3);
        file.appendSync(bytesOf("d"), 0, 1);
        file.close();
        expect(textOf(system.readFileSync(path("a")))).toBe("abcd");
      });
    });

    describe("names", () => {
      it("tells files, folders and nothing apart", () => {
        system.makeDirectorySync(path("d"));
        write(system, path("f"), "12345");
        expect(system.statSync(path("none"))).toBeUndefined();
        expect(system.statSync(path("d"))?.kind).toBe("directory");
        expect(system.statSync(path("f"))).toMatchObject({ kind: "file", sizeBytes: 5 });
        expect(Math.abs(system.statSync(path("f"))!.modifiedMs - Date.now())).toBeLessThan(60_000);
        expect(thrownBy(() => system.statSync(path("f/below")))).toMatchObject({ code: "ENOTDIR" });
      });

      it("lists names sorted by their bytes", () => {
        for (const name of ["b", "a", "é", "B", "10", "9", "\u{1f600}", "\uff5e"])
          write(system, path(name), "");
        expect(system.listSync(place.root)).toEqual(["10", "9", "B", "a", "b", "é", "\uff5e", "\u{1f600}"]);
        expect(thrownBy(() => system.listSync(path("none")))).toMatchObject({ code: "ENOENT" });
        expect(thrownBy(() => system.listSync(path("a")))).toMatchObject({ code: "ENOTDIR" });
      });

      it("makes a folder with its parents, again without complaint", () => {
        system.makeDirectorySync(path("x/y/z"));
        system.makeDirectorySync(path("x/y/z"));
        expect(system.listSync(path("x/y"))).toEqual(["z"]);
        write(system, path("file"), "");
        expect(thrownBy(() => system.makeDirectorySync(path("file")))).toMatchObject({ code: "EEXIST" });
        expect(thrownBy(() => system.makeDirectorySync(path("file/below")))).toMatchObject({
          code: "ENOTDIR",
        });
      });

      it("tells where a path leads, and that nothing is there", () => {
        system.makeDirectorySync(path("x/y"));
        write(system, path("x/file"), "");
        const root = system.realPathSync(place.root);
        expect(system.realPathSync(path("x/y/../file"))).toBe(`${root}/x/file`);
        expect(thrownBy(() => system.realPathSync(path("none")))).toMatchObject({ code: "ENOENT" });
      });

      it("renames over an existing file, which open files keep reading", () => {
        write(system, path("old"), "old bytes");
        write(system, path("new"), "new bytes");
        const open = system.openSync(path("old"), "read");
        system.renameSync(path("new"), path("old"));
        system.syncDirectorySync(place.root);
        expect(system.listSync(place.root)).toEqual(["old"]);
        expect(textOf(system.readFileSync(path("old")))).toBe("new bytes");
        const into = new Uint8Array(9);
        open.readSync(0, into, 0, 9);
        expect(textOf(into)).toBe("old bytes");
        open.close();
      });

      it("syncs a folder on another thread and completes on a later turn", async () => {
        write(system, path("a"), "bytes");
        let ended = false;
        const synced = settle((done) =>
          system.syncDirectory(place.root, (error) => {
            ended = true;
            done(error);
          }),
        );
        expect(ended).toBe(false);
        await synced;
        await expect(settle((done) => system.syncDirectory(path("none"), done))).rejects.toMatchObject({
          code: "ENOENT",
        });
      });

      it("renames folders with what is in them", () => {
        system.makeDirectorySync(path("a/b"));
        write(system, path("a/b/f"), "x");
        system.renameSync(path("a"), path("c"));
        expect(system.listSync(path("c/b"))).toEqual(["f"]);
        expect(system.statSync(path("a"))).toBeUndefined();
        expect(thrownBy(() => system.renameSync(path("c"), path("c/b/d")))).toMatchObject({ code: "EINVAL" });
      });

      it("removes a file; an open one stays readable", () => {
        write(system, path("a"), "bytes");
        const open = system.openSync(path("a"), "read");
        system.unlinkSync(path("a"));
        expect(system.statSync(path("a"))).toBeUndefined();
        const into = new Uint8Array(5);
        expect(open.readSync(0, into, 0, 5)).toBe(5);
        open.close();
        expect(thrownBy(() => system.unlinkSync(path("a")))).toMatchObject({
          code: "ENOENT",
          path: path("a"),
        });
        expect(thrownBy(() => system.renameSync(path("a"), path("b")))).toMatchObject({ code: "ENOENT" });
        expect(thrownBy(() => system.readFileSync(path("a")))).toMatchObject({ code: "ENOENT" });
        expect(thrownBy(() => system.syncDirectorySync(path("none")))).toMatchObject({ code: "ENOENT" });
      });

      it("answers the bytes of a file as the caller's own", () => {
        write(system, path("a"), "abc");
        system.readFileSync(path("a")).fill(0);
        const found = system.readFileSync(path("a"));
        expect(textOf(found)).toBe("abc");
        expect(found.buffer.byteLength).toBe(3);
      });
    });

    describe("locking", () => {
      it("is exclusive, writes its note, and can be had again after release", () => {
        const lock = system.lockSync(path("LOCK"), "version 1.2.3");
        expect(lock).toBeDefined();
        expect(textOf(system.readFileSync(path("LOCK")))).toContain("version 1.2.3");
        expect(system.lockSync(path("LOCK"), "second")).toBeUndefined();
        expect(textOf(system.readFileSync(path("LOCK")))).toContain("version 1.2.3");
        lock!.release();
        lock!.release();
        const again = system.lockSync(path("LOCK"), "third");
        expect(again).toBeDefined();
        expect(textOf(system.readFileSync(path("LOCK")))).not.toContain("1.2.3");
        again!.release();
      });

      it("says why a lock file cannot be made", () => {
        expect(thrownBy(() => system.lockSync(path("no/LOCK"), "x"))).toMatchObject({ code: "ENOENT" });
      });
    });

    it("knows the free space of a volume, or that it does not", () => {
      const free = system.freeBytesSync(place.root);
      if (free !== undefined) expect(free).toBeGreaterThan(0);
    });
  });
}
