/** The crashable file system: what survives, what may not, and that one seed always gives the same world. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import {
  type Fault,
  type FileOperation,
  MemoryFileSystem,
  type MemoryFileSystemOptions,
} from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { bytesOf, pattern, settle, textOf, thrownBy, write } from "./file-systems.ts";

function fileSystem(options: Partial<MemoryFileSystemOptions> = {}): MemoryFileSystem {
  return new MemoryFileSystem({ random: new SeededRandom(1), soon: setImmediate, ...options });
}

/** What one moment can turn into: the answers of `look` over many power losses. */
function futures<T>(system: MemoryFileSystem, look: (after: MemoryFileSystem) => T, count = 400): Set<T> {
  const seen = new Set<T>();
  for (let seed = 0; seed < count; seed++) seen.add(look(system.crash(new SeededRandom(seed))));
  return seen;
}

function content(system: MemoryFileSystem, path: string): string {
  return system.statSync(path) === undefined ? "absent" : textOf(system.readFileSync(path));
}

/** A file whose name is certain and whose bytes are not. */
function namedFile(system: MemoryFileSystem, path: string, bytes: string): void {
  write(system, path, bytes);
  system.syncDirectorySync("/");
}

describe("bytes after power loss", () => {
  it("are certain once synced", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("synced"), 0, 6);
    file.syncSync();
    system.syncDirectorySync("/");
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["synced"]));
  });

  it("may survive whole, torn in front or behind, as zeros, or not at all", () => {
    const system = fileSystem();
    namedFile(system, "/a", "abc");
    const seen = futures(system, (after) => content(after, "/a"));
    for (const expected of ["abc", "", "a", "ab", "\0bc", "\0\0c", "\0\0", "\0"])
      expect(seen).toContain(expected);
    for (const found of seen) expect(found).toMatch(/^(a|\0)?(b|\0)?(c|\0)?$/);
  });

  it("that were overwritten are found old or new, and the rest of the file untouched", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("[....]"), 0, 6);
    file.syncSync();
    system.syncDirectorySync("/");
    const over = system.openSync("/a", "overwrite");
    over.overwriteSync(1, bytesOf("NEWS"), 0, 4);
    const seen = futures(system, (after) => content(after, "/a"));
    for (const expected of ["[NEWS]", "[....]", "[NE..]", "[..WS]", "[.EW.]"])
      expect(seen).toContain(expected);
    for (const found of seen) expect(found).toMatch(/^\[[N.][E.][W.][S.]\]$/);
    over.syncSync();
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["[NEWS]"]));
  });

  it("that were overwritten as blocks are certain once that is done, and torn before; nothing else is", async () => {
    const system = fileSystem({ blockBytes: 4 });
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("........"), 0, 8);
    file.syncSync();
    system.syncDirectorySync("/");
    const over = system.openSync("/a", "overwrite");
    over.overwriteSync(0, bytesOf("UN"), 0, 2);
    let during: Set<string> | undefined;
    await settle((done) => {
      over.overwriteBlocks(4, bytesOf("NEWS"), 0, 4, done);
      setImmediate(() =>
        setImmediate(() => {
          during = futures(system, (after) => content(after, "/a").slice(4));
        }),
      );
    });
    for (const found of during!) expect(found).toMatch(/^[N.][E.][W.][S.]$/);
    expect(during!.size).toBeGreaterThan(2);
    const seen = futures(system, (after) => content(after, "/a"));
    expect([...seen].sort()).toEqual(["....NEWS", ".N..NEWS", "U...NEWS", "UN..NEWS"]);
    over.syncSync();
    expect(over.overwriteBlocksSync(4, bytesOf("SYNC"), 0, 4)).toBe(true);
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["UN..SYNC"]));
    expect(thrownBy(() => over.overwriteBlocks(2, bytesOf("NEWS"), 0, 4, () => {})).name).toBe(
      "AssertionBroken",
    );
    over.overwriteSync(0, bytesOf("?"), 0, 1);
    expect(thrownBy(() => over.overwriteBlocks(0, bytesOf("NEWS"), 0, 4, () => {})).name).toBe(
      "AssertionBroken",
    );
  });

  it("may be lost when overwriting blocks fails, and a sync that succeeds later does not bring them back", async () => {
    let failing = true;
    const fault = (operation: FileOperation): Fault | undefined =>
      failing && operation === "sync" ? { code: "EIO" } : undefined;
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      failing = false;
      const system = fileSystem({ blockBytes: 4, fault, random: new SeededRandom(seed) });
      namedFile(system, "/a", "....");
      const over = system.openSync("/a", "overwrite");
      over.syncSync();
      failing = true;
      await expect(
        settle((done) => over.overwriteBlocks(0, bytesOf("NEWS"), 0, 4, done)),
      ).rejects.toMatchObject({
        code: "EIO",
      });
      failing = false;
      over.syncSync();
      for (const found of futures(system, (after) => content(after, "/a"), 5)) seen.add(found);
    }
    expect(seen).toContain("....");
    expect(seen).toContain("NEWS");
  });

  it("may survive out of order, with zeros where an earlier write is missing", () => {
    const system = fileSystem();
    namedFile(system, "/a", "AAAA");
    write(system, "/a", "BBBB");
    expect(futures(system, (after) => content(after, "/a"))).toContain("\0\0\0\0BBBB");
  });

  it("never lose the synced part to what came after it", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("synced;"), 0, 7);
    file.syncSync();
    system.syncDirectorySync("/");
    file.appendSync(bytesOf("not"), 0, 3);
    for (const found of futures(system, (after) => content(after, "/a")))
      expect(found.startsWith("synced;")).toBe(true);
  });

  it("are not certain by a sync that started before they were written", async () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    system.syncDirectorySync("/");
    file.appendSync(bytesOf("before;"), 0, 7);
    const synced = settle((done) => file.sync(done));
    file.appendSync(bytesOf("during"), 0, 6);
    await synced;
    const seen = futures(system, (after) => content(after, "/a"));
    for (const found of seen) expect(found.startsWith("before;")).toBe(true);
    expect(seen).toContain("before;");
    expect(seen).toContain("before;during");
  });

  it("may come back after an unsynced truncation", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("123456"), 0, 6);
    file.syncSync();
    system.syncDirectorySync("/");
    file.truncateSync(2);
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["12", "123456"]));
    file.syncSync();
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["12"]));
  });
});

describe("names after power loss", () => {
  it("need a sync of their folder, however well the file is synced", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("x"), 0, 1);
    file.syncSync();
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["absent", "x"]));
    system.syncDirectorySync("/");
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["x"]));
  });

  it("are replaced whole or not at all by a rename", () => {
    const system = fileSystem();
    for (const name of ["/CURRENT", "/CURRENT.new"]) {
      const file = system.openSync(name, "append");
      file.appendSync(bytesOf(name), 0, name.length);
      file.syncSync();
    }
    system.syncDirectorySync("/");
    system.renameSync("/CURRENT.new", "/CURRENT");
    const look = (after: MemoryFileSystem): string =>
      `${content(after, "/CURRENT")} ${content(after, "/CURRENT.new")}`;
    expect(futures(system, look)).toEqual(new Set(["/CURRENT /CURRENT.new", "/CURRENT.new absent"]));
    system.syncDirectorySync("/");
    expect(futures(system, look)).toEqual(new Set(["/CURRENT.new absent"]));
  });

  it("may show a renamed file without its bytes, if those were not synced first", () => {
    const system = fileSystem();
    write(system, "/new", "manifest");
    system.renameSync("/new", "/CURRENT");
    system.syncDirectorySync("/");
    const seen = futures(system, (after) => content(after, "/CURRENT"));
    expect(seen).toContain("");
    expect(seen).toContain("manifest");
    expect(seen).not.toContain("absent");
  });

  it("survive each by itself", () => {
    const system = fileSystem();
    write(system, "/a", "");
    write(system, "/b", "");
    const seen = futures(system, (after) => after.listSync("/").join());
    expect(seen).toEqual(new Set(["", "a", "b", "a,b"]));
  });

  it("come back after an unsynced removal, with their bytes", () => {
    const system = fileSystem();
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("x"), 0, 1);
    file.syncSync();
    system.syncDirectorySync("/");
    system.unlinkSync("/a");
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["absent", "x"]));
    system.syncDirectorySync("/");
    expect(futures(system, (after) => content(after, "/a"))).toEqual(new Set(["absent"]));
  });

  it("are gone with the folder whose own name was not synced", () => {
    const system = fileSystem();
    system.makeDirectorySync("/d");
    write(system, "/d/a", "");
    system.syncDirectorySync("/d");
    const look = (after: MemoryFileSystem): boolean => after.statSync("/d/a") !== undefined;
    expect(futures(system, look)).toEqual(new Set([true, false]));
    system.syncDirectorySync("/");
    expect(futures(system, look)).toEqual(new Set([true]));
  });

  it("move between folders whole: never both, never neither", () => {
    const system = fileSystem();
    system.makeDirectorySync("/from");
    system.makeDirectorySync("/to");
    system.syncDirectorySync("/");
    write(system, "/from/a", "");
    system.syncDirectorySync("/from");
    system.renameSync("/from/a", "/to/b");
    const look = (after: MemoryFileSystem): string => `${after.listSync("/from")}|${after.listSync("/to")}`;
    expect(futures(system, look)).toEqual(new Set(["a|", "|b"]));
    system.syncDirectorySync("/to");
    system.syncDirectorySync("/from");
    expect(futures(system, look)).toEqual(new Set(["|b"]));
  });

  it("do not reappear under the old name when its creation was never synced", () => {
    const system = fileSystem();
    system.makeDirectorySync("/from");
    system.makeDirectorySync("/to");
    system.syncDirectorySync("/");
    write(system, "/from/a", "");
    system.renameSync("/from/a", "/to/b");
    system.syncDirectorySync("/to");
    system.syncDirectorySync("/from");
    const look = (after: MemoryFileSystem): string => `${after.listSync("/from")}|${after.listSync("/to")}`;
    expect(futures(system, look)).toEqual(new Set(["|b"]));
  });
});

describe("a killed process", () => {
  it("leaves every written byte, unsynced as before, and no lock", () => {
    const system = fileSystem();
    write(system, "/a", "written");
    expect(system.lockSync("/LOCK", "first")).toBeDefined();
    expect(system.lockSync("/LOCK", "second")).toBeUndefined();
    const next = system.kill();
    expect(content(next, "/a")).toBe("written");
    expect(next.lockSync("/LOCK", "third")).toBeDefined();
    expect(futures(next, (after) => content(after, "/a"))).toContain("absent");
    write(next, "/a", " more");
    expect(content(system, "/a")).toBe("written");
  });

  it("leaves half of an append that was under way", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const clock = new VirtualClock();
      const system = fileSystem({ random: new SeededRandom(seed), soon: (run) => clock.soon(run) });
      const file = system.openSync("/a", "append");
      file.append(bytesOf("abc"), 0, 3, true, () => {});
      clock.step();
      system.halt();
      seen.add(content(system.kill(), "/a"));
    }
    expect(seen).toEqual(new Set(["", "a", "ab", "abc"]));
  });

  it("completes nothing after its end, and whoever goes on is told", async () => {
    const clock = new VirtualClock();
    const system = fileSystem({ soon: (run) => clock.soon(run) });
    const file = system.openSync("/a", "append");
    let completed = false;
    file.append(bytesOf("abc"), 0, 3, true, () => {
      completed = true;
    });
    clock.step();
    system.halt();
    clock.drain();
    expect(completed).toBe(false);
    expect(() => system.listSync("/")).toThrow(/is dead/);
    expect(() => file.readSync(0, new Uint8Array(1), 0, 1)).toThrow(/is dead/);
  });
});

describe("steps", () => {
  it("are announced one by one, so that each gap can be a crash", () => {
    const clock = new VirtualClock();
    const steps: string[] = [];
    const system = fileSystem({
      soon: (run) => clock.soon(run),
      onStep: (operation) => steps.push(operation),
    });
    const file = system.openSync("/a", "append");
    file.append(bytesOf("abc"), 0, 3, true, () => steps.push("callback"));
    clock.drain();
    expect(steps).toEqual(["open", "append", "append", "sync", "done", "callback"]);
  });

  it("may end the process from the hook", () => {
    let left = 2;
    const system = fileSystem({
      onStep: () => {
        if (--left < 0) throw new Error("killed here");
      },
    });
    const file = system.openSync("/a", "append");
    file.appendSync(bytesOf("x"), 0, 1);
    expect(() => file.appendSync(bytesOf("y"), 0, 1)).toThrow("killed here");
    expect(content(system.kill({ onStep: () => {} }), "/a")).toBe("x");
  });
});

describe("faults", () => {
  const failing = (
    operation: FileOperation,
    fault: Fault,
  ): Partial<MemoryFileSystemOptions> & { on: boolean } => {
    const options = {
      on: true,
      fault: (asked: FileOperation) => (options.on && asked === operation ? fault : undefined),
    };
    return options;
  };

  it("lose unsynced bytes with a failed sync, although the next one succeeds", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const options = failing("sync", { code: "EIO" });
      const system = fileSystem({ ...options, random: new SeededRandom(seed), fault: options.fault! });
      const file = system.openSync("/a", "append");
      system.syncDirectorySync("/");
      file.appendSync(bytesOf("x"), 0, 1);
      expect(thrownBy(() => file.syncSync())).toMatchObject({
        code: "EIO",
        path: "/a",
        syscall: "fdatasync",
      });
      options.on = false;
      file.syncSync();
      expect(content(system, "/a")).toBe("x");
      const [found] = [...futures(system, (after) => content(after, "/a"), 5)];
      expect(futures(system, (after) => content(after, "/a"), 5).size).toBe(1);
      seen.add(found!);
    }
    expect(seen).toContain("");
    expect(seen).toContain("x");
  });

  it("write a part of an append before it fails", async () => {
    const options = failing("append", { code: "ENOSPC", partialBytes: 2 });
    const system = fileSystem({ fault: options.fault! });
    const file = system.openSync("/a", "append");
    expect(thrownBy(() => file.appendSync(bytesOf("abcd"), 0, 4))).toMatchObject({
      code: "ENOSPC",
      path: "/a",
    });
    expect(content(system, "/a")).toBe("ab");
    await expect(settle((done) => file.append(bytesOf("efgh"), 0, 4, true, done))).rejects.toMatchObject({
      code: "ENOSPC",
    });
    options.on = false;
    expect(content(system, "/a").length).toBeLessThanOrEqual(4);
  });

  it("reach every operation, with the code and the path", async () => {
    const options: { failing: FileOperation | undefined } = { failing: undefined };
    const system = fileSystem({
      fault: (operation) => (operation === options.failing ? { code: "EACCES" } : undefined),
    });
    system.makeDirectorySync("/d");
    write(system, "/a", "abc");
    const file = system.openSync("/a", "append");
    const one = new Uint8Array(1);
    const calls: readonly [FileOperation, () => unknown][] = [
      ["open", () => system.openSync("/a", "read")],
      ["readFile", () => system.readFileSync("/a")],
      ["stat", () => system.statSync("/a")],
      ["list", () => system.listSync("/d")],
      ["makeDirectory", () => system.makeDirectorySync("/e")],
      ["rename", () => system.renameSync("/a", "/b")],
      ["unlink", () => system.unlinkSync("/a")],
      ["syncDirectory", () => system.syncDirectorySync("/")],
      ["lock", () => system.lockSync("/LOCK", "")],
      ["map", () => system.nodeToMap("/a")],
      ["read", () => file.readSync(0, one, 0, 1)],
      ["readResident", () => file.readResidentSync(0, one, 0, 1)],
      ["size", () => file.sizeSync()],
      ["append", () => file.appendSync(one, 0, 1)],
      ["sync", () => file.syncSync()],
      ["truncate", () => file.truncateSync(1)],
      ["allocate", () => file.allocateSync(10)],
    ];
    for (const [operation, call] of calls) {
      options.failing = operation;
      expect(thrownBy(call), operation).toMatchObject({ code: "EACCES" });
    }
    options.failing = "read";
    await expect(file.read(0, one, 0, 1)).rejects.toMatchObject({ code: "EACCES" });
    options.failing = "sync";
    await expect(settle((done) => file.sync(done))).rejects.toMatchObject({ code: "EACCES" });
    options.failing = undefined;
    expect(system.listSync("/")).toEqual(["a", "d"]);
  });

  it("flip bits where asked, and nowhere else", () => {
    const system = fileSystem();
    write(system, "/a", pattern(100));
    system.corrupt("/a", 50, 0x01);
    const expected = pattern(100);
    expected[50] = expected[50]! ^ 1;
    expect(system.readFileSync("/a")).toEqual(expected);
    expect(() => system.corrupt("/a", 100, 1)).toThrow(RangeError);
  });
});

describe("space", () => {
  it("is counted per file, given back when neither a name nor an open file is left", () => {
    const system = fileSystem({ capacityBytes: 1000 });
    write(system, "/a", pattern(400));
    const open = system.openSync("/a", "read");
    system.unlinkSync("/a");
    expect(system.freeBytesSync("/")).toBe(600);
    open.close();
    expect(system.freeBytesSync("/")).toBe(1000);
    const file = system.openSync("/b", "append");
    file.allocateSync(900);
    expect(system.freeBytesSync("/")).toBe(100);
    file.appendSync(pattern(900), 0, 900);
    expect(system.freeBytesSync("/")).toBe(100);
    expect(system.kill().freeBytesSync("/")).toBe(100);
    system.setCapacity(2000);
    expect(system.freeBytesSync("/")).toBe(1100);
  });
});

describe("any history", () => {
  const names = ["/a", "/b", "/d/a", "/d/b"];
  const step = fc.oneof(
    fc.record({ kind: fc.constant("write" as const), name: fc.constantFrom(...names), length: fc.nat(20) }),
    fc.record({
      kind: fc.constantFrom("sync" as const, "truncate" as const, "unlink" as const),
      name: fc.constantFrom(...names),
    }),
    fc.record({
      kind: fc.constant("rename" as const),
      name: fc.constantFrom(...names),
      to: fc.constantFrom(...names),
    }),
    fc.record({ kind: fc.constant("syncDirectory" as const), name: fc.constantFrom("/", "/d") }),
  );

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  const play = (system: MemoryFileSystem, steps: readonly Step[]): void => {
    for (const each of steps) {
      if (each.kind === "syncDirectory") {
        system.syncDirectorySync(each.name);
      } else if (each.kind === "write") {
        write(system, each.name, pattern(each.length));
      } else if (system.statSync(each.name) !== undefined) {
        if (each.kind === "rename") system.renameSync(each.name, each.to);
        if (each.kind === "unlink") system.unlinkSync(each.name);
        if (each.kind === "sync" || each.kind === "truncate") {
          const file = system.openSync(each.name, "append");
          if (each.kind === "sync") file.syncSync();
          else file.truncateSync(Math.floor(file.sizeSync() / 2));
          file.close();
        }
      }
    }
  };
  const snapshot = (system: MemoryFileSystem): string =>
    names.map((name) => `${name}=${content(system, name)}`).join(";");

  it("keeps a file under a name that another one left for a second folder and came back from", () => {
    const system = fileSystem();
    system.makeDirectorySync("/d");
    play(system, [
      { kind: "write", name: "/b", length: 0 },
      { kind: "rename", name: "/b", to: "/d/a" },
      { kind: "write", name: "/b", length: 0 },
      { kind: "rename", name: "/d/a", to: "/a" },
      { kind: "syncDirectory", name: "/" },
      { kind: "syncDirectory", name: "/d" },
    ]);
    expect(snapshot(system.crash(new SeededRandom(0)))).toBe(snapshot(system));
  });

  it("is kept whole once everything has been synced, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, seed) => {
        const system = fileSystem();
        system.makeDirectorySync("/d");
        play(system, steps);
        for (const name of names)
          if (system.statSync(name) !== undefined) play(system, [{ kind: "sync", name }]);
        system.syncDirectorySync("/");
        system.syncDirectorySync("/d");
        const before = snapshot(system);
        expect(snapshot(system.crash(new SeededRandom(seed)))).toBe(before);
        expect(snapshot(system.kill())).toBe(before);
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same world for the same seed, after kills and crashes too", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.array(step, { maxLength: 10 }),
        fc.nat(),
        (first, second, seed) => {
          const run = (): string => {
            const system = fileSystem();
            system.makeDirectorySync("/d");
            play(system, first);
            const next = system.kill();
            play(next, second);
            const found = next.crash(new SeededRandom(seed));
            expect(snapshot(found.crash(new SeededRandom(seed + 1)))).toBe(snapshot(found));
            return snapshot(found) + found.usedBytes;
          };
          expect(run()).toBe(run());
        },
      ),
      { numRuns: 200 },
    );
  });
});
