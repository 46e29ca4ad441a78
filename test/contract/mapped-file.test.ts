/** The contract of src/ports/mapped-file.ts, held by every implementation. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { MemoryMappedFiles } from "../../src/adapters/memory/mapped-file.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import {
  ADDON_PATH,
  addon,
  IMPLEMENTATIONS,
  type Place,
  pattern,
  thrownBy,
  titleOf,
  write,
} from "./file-systems.ts";

for (const implementation of IMPLEMENTATIONS) {
  describe.skipIf(implementation.absent !== "")(titleOf("mapped file", implementation), () => {
    let place: Place;
    const path = (name: string): string => join(place.root, name);

    beforeEach(() => {
      place = implementation.open();
    });
    afterEach(() => place.finish());

    it("says what it is", () => {
      expect(place.mapped.kind).toBe(implementation.kind);
    });

    it("shows the bytes of the file, at any size", () => {
      for (const sizeBytes of [1, 100, 4096, 4097, 1_000_003]) {
        const content = pattern(sizeBytes);
        write(place.system, path(`f${sizeBytes}`), content);
        const mapped = place.mapped.map(path(`f${sizeBytes}`));
        expect(mapped.path).toBe(path(`f${sizeBytes}`));
        expect(Buffer.compare(mapped.bytes, content)).toBe(0);
        mapped.unmap();
      }
    });

    it("leaves no view of the memory after unmap, however often it is called", () => {
      write(place.system, path("a"), pattern(10_000));
      const mapped = place.mapped.map(path("a"));
      const kept = mapped.bytes.subarray(5000, 6000);
      const whole = mapped.bytes;
      mapped.unmap();
      mapped.unmap();
      expect(mapped.bytes.length).toBe(0);
      expect(whole.length).toBe(0);
      expect(kept.length).toBe(0);
      expect(kept[0]).toBeUndefined();
      expect(mapped.residentBytes()).toBe(0);
      expect(() => mapped.isResident(0, 1)).toThrow(RangeError);
    });

    it("maps one file several times, each by itself", () => {
      write(place.system, path("a"), pattern(5000));
      const first = place.mapped.map(path("a"));
      const second = place.mapped.map(path("a"));
      first.unmap();
      expect(Buffer.compare(second.bytes, pattern(5000))).toBe(0);
      second.unmap();
    });

    it("keeps the bytes when the file's name is gone", () => {
      write(place.system, path("a"), pattern(5000));
      const mapped = place.mapped.map(path("a"));
      place.system.unlinkSync(path("a"));
      expect(Buffer.compare(mapped.bytes, pattern(5000))).toBe(0);
      mapped.unmap();
    });

    it("answers residency for ranges, and refuses those outside", () => {
      write(place.system, path("a"), pattern(20_000));
      const mapped = place.mapped.map(path("a"));
      expect(mapped.bytes.reduce((sum, byte) => sum + byte, 0)).toBeGreaterThan(0);
      expect(mapped.isResident(0, 20_000)).toBe(true);
      expect(mapped.isResident(4095, 2)).toBe(true);
      expect(mapped.isResident(19_999, 1)).toBe(true);
      expect(mapped.isResident(20_000, 0)).toBe(true);
      expect(mapped.residentBytes()).toBe(20_000);
      expect(() => mapped.isResident(19_999, 2)).toThrow(RangeError);
      expect(() => mapped.isResident(-1, 1)).toThrow(RangeError);
      mapped.unmap();
    });

    it("takes every advice without a change of the bytes", () => {
      write(place.system, path("a"), pattern(20_000));
      const mapped = place.mapped.map(path("a"));
      for (const advice of ["random", "sequential", "willneed", "dontneed", "normal"] as const) {
        mapped.advise(0, 20_000, advice);
        mapped.advise(5000, 100, advice);
        mapped.advise(20_000, 0, advice);
      }
      expect(() => mapped.advise(0, 20_001, "normal")).toThrow(RangeError);
      expect(Buffer.compare(mapped.bytes, pattern(20_000))).toBe(0);
      mapped.unmap();
    });

    it("refuses what is absent, a folder, or empty, and names it", () => {
      expect(thrownBy(() => place.mapped.map(path("none")))).toMatchObject({
        code: "ENOENT",
        path: path("none"),
      });
      expect(thrownBy(() => place.mapped.map(place.root))).toMatchObject({ code: "EISDIR" });
      write(place.system, path("empty"), "");
      const error = thrownBy(() => place.mapped.map(path("empty")));
      expect(error).toMatchObject({ kind: "corruption" });
      expect(error.message).toContain(path("empty"));
    });
  });
}

describe.skipIf(addon === undefined)("the addon's mappings, by mmap-io's names", () => {
  it("accepts only arrays that it has mapped", () => {
    const { advise, incore, resident, unmap, sync, MADV_NORMAL } = addon!.mapping;
    const foreign = new Uint8Array(10_000);
    expect(() => advise(foreign, 0, 1, MADV_NORMAL)).toThrow(RangeError);
    expect(() => incore(foreign)).toThrow(RangeError);
    expect(() => resident(foreign, 0, 1)).toThrow(RangeError);
    expect(() => sync(foreign, 0, 1, true, false)).toThrow(RangeError);
    expect(unmap(foreign)).toBe(false);
  });

  it("maps at offsets, writes through when asked to, and counts pages", () => {
    const place = IMPLEMENTATIONS[0]!.open();
    const path = join(place.root, "a");
    const { map, unmap, sync, incore, PROT_READ, PROT_WRITE, MAP_SHARED, PAGESIZE } = addon!.mapping;
    write(place.system, path, pattern(4 * PAGESIZE));
    const descriptor = addon!.fileOpen(path, 1);
    const array = map(2 * PAGESIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, PAGESIZE) as Uint8Array;
    expect(Buffer.compare(array, pattern(4 * PAGESIZE).subarray(PAGESIZE, 3 * PAGESIZE))).toBe(0);
    array[0] = 99;
    expect(sync(array, 0, array.length, true, false)).toBe(0);
    expect(incore(array)).toEqual([0, 2]);
    expect(place.system.readFileSync(path)[PAGESIZE]).toBe(99);
    expect(unmap(array)).toBe(true);
    expect(unmap(array)).toBe(false);
    expect(map(0, PROT_READ, MAP_SHARED, descriptor)).toBeLessThan(0);
    expect(map(2 ** 30 + 1, PROT_READ, MAP_SHARED, descriptor)).toBeLessThan(0);
    expect(map(PAGESIZE, PROT_READ, MAP_SHARED, 9999)).toBeLessThan(0);
    addon!.fileClose(descriptor);
    place.finish();
  });

  it("reaches beyond 4 GiB of a sparse file", () => {
    const place = IMPLEMENTATIONS[0]!.open();
    const path = join(place.root, "sparse");
    const far = 2 ** 32 + 4096;
    const file = place.system.openSync(path, "append");
    file.appendSync(pattern(4096), 0, 4096);
    file.truncateSync(far);
    file.appendSync(new TextEncoder().encode("far away"), 0, 8);
    file.close();
    const { map, unmap, PROT_READ, MAP_SHARED } = addon!.mapping;
    const descriptor = addon!.fileOpen(path, 0);
    const array = map(8, PROT_READ, MAP_SHARED, descriptor, far) as Uint8Array;
    expect(new TextDecoder().decode(array)).toBe("far away");
    unmap(array);
    addon!.fileClose(descriptor);
    place.finish();
  });

  it.skipIf(process.platform !== "linux")(
    "gives dropped mappings back with the collector, unmapped ones at once",
    () => {
      const place = IMPLEMENTATIONS[0]!.open();
      const path = join(place.root, "a");
      write(place.system, path, pattern(100_000));
      const script = `
      const addon = require(${JSON.stringify(ADDON_PATH)});
      const { map, unmap, PROT_READ, MAP_SHARED } = addon.mapping;
      const fd = addon.fileOpen(${JSON.stringify(path)}, 0);
      const count = () => require("node:fs").readFileSync("/proc/self/maps", "utf8").split(${JSON.stringify(path)}).length - 1;
      (() => { for (let i = 0; i < 10; i++) unmap(map(100000, PROT_READ, MAP_SHARED, fd)); })();
      const afterUnmap = count();
      (() => { for (let i = 0; i < 50; i++) map(4096 * (1 + (i % 3)), PROT_READ, MAP_SHARED, fd); })();
      const kept = count() > 0;
      gc();
      setTimeout(() => { gc(); setTimeout(() => console.log(afterUnmap, kept, count()), 10); }, 10);`;
      const child = spawnSync(process.execPath, ["--expose-gc", "-e", script], { encoding: "utf8" });
      expect(child).toMatchObject({ stderr: "", stdout: "0 true 0\n", status: 0 });
      place.finish();
    },
  );
});

describe("the in-memory mappings' faults", () => {
  it("shows bit flips and absent pages as the test arranges them", () => {
    const cold = new Set<number>();
    const system = new MemoryFileSystem({
      random: new SeededRandom(1),
      soon: setImmediate,
      isResident: (_path, offset) => !cold.has(offset),
    });
    write(system, "/a", pattern(100));
    const mapped = new MemoryMappedFiles(system).map("/a");
    system.corrupt("/a", 40, 0x81);
    expect(mapped.bytes[40]).toBe(pattern(100)[40]! ^ 0x81);
    cold.add(50);
    expect(mapped.isResident(50, 1)).toBe(false);
    expect(mapped.isResident(51, 1)).toBe(true);
    mapped.unmap();
  });
});
