/** Ownership and identity of a data directory: who may use it, and what makes a server refuse to touch it. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MemoryFileSystem, type MemoryFileSystemOptions } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import {
  type DataDirectory,
  DIRECTORY_FORMAT,
  formatIdentity,
  type Identity,
  openDataDirectory,
  parseIdentity,
} from "../../src/recovery/data-directory.ts";

const PATH = "/srv/ferrite";
const FILE = `${PATH}/IDENTITY`;
const NOTE = "pid 17, ferrite 0.1.0";
const GOLDEN = fileURLToPath(new URL("../golden/identity/v1/IDENTITY", import.meta.url));
const GOLDEN_IDENTITY: Identity = {
  format: 1,
  databaseId: "000102030405060708090a0b0c0d0e0f",
  hashSeed: [0x0123_4567, 0x89ab_cdef],
};

function memory(options: Partial<MemoryFileSystemOptions> = {}): MemoryFileSystem {
  return new MemoryFileSystem({ random: new SeededRandom(1), soon: (run) => run(), ...options });
}

function open(fileSystem: FileSystem, seed = 5): DataDirectory {
  return openDataDirectory(fileSystem, PATH, new SeededRandom(seed), NOTE);
}

function write(fileSystem: FileSystem, path: string, text: string): void {
  if (fileSystem.statSync(path) !== undefined) fileSystem.unlinkSync(path);
  const file = fileSystem.openSync(path, "create");
  file.appendSync(fromLatin1(text), 0, text.length);
  file.close();
}

function refusal(run: () => unknown): { kind: string; message: string } {
  try {
    run();
  } catch (error) {
    return { kind: (error as { kind: string }).kind, message: (error as Error).message };
  }
  throw new Error("it was accepted");
}

describe("a new directory", () => {
  it("gets an identity that stays", () => {
    const fileSystem = memory();
    const first = open(fileSystem, 1);
    expect(first).toMatchObject({ path: PATH, aofPath: `${PATH}/aof`, isNew: true });
    expect(first.identity.databaseId).toMatch(/^[0-9a-f]{32}$/);
    first.release();
    const second = open(fileSystem, 2);
    expect(second.isNew).toBe(false);
    expect(second.identity).toEqual(first.identity);
  });

  it("gets a different identity each", () => {
    expect(open(memory(), 1).identity).not.toEqual(open(memory(), 2).identity);
  });

  /** Opens until the step given, and answers what the file system was then; undefined if it came to its end. */
  function killedAt(step: number, from: MemoryFileSystem): MemoryFileSystem | undefined {
    let left = step;
    let remains: MemoryFileSystem | undefined;
    const system: MemoryFileSystem = from.kill({
      onStep: () => {
        if (left-- === 0) remains = system.kill({ onStep: () => undefined });
      },
    });
    const opened = open(system);
    system.makeDirectorySync(opened.aofPath);
    system.syncDirectorySync(opened.aofPath);
    return remains;
  }

  it("can be opened after a kill and a power cut at any two steps of its creation", () => {
    let moments = 0;
    for (let kill = 0; ; kill++) {
      const killed = killedAt(kill, memory());
      if (killed === undefined) break;
      for (let cut = 0; ; cut++) {
        const before = killedAt(cut, killed);
        if (before === undefined) break;
        for (let seed = 0; seed < 30; seed++) {
          moments++;
          expect(open(before.crash(new SeededRandom(seed))).identity.format).toBe(DIRECTORY_FORMAT);
        }
      }
    }
    expect(moments).toBeGreaterThan(1000);
  });
});

describe("a directory that was just created", () => {
  it("does not vanish in a power cut together with what was made durable in it", () => {
    for (let seed = 0; seed < 50; seed++) {
      const fileSystem = memory();
      const { identity } = open(fileSystem);
      const found = open(fileSystem.crash(new SeededRandom(seed)));
      expect(found.isNew).toBe(false);
      expect(found.identity).toEqual(identity);
    }
  });

  it("need not have ancestors that this user may open", () => {
    const fileSystem = memory({
      fault: (operation, path) =>
        operation === "syncDirectory" && path !== PATH ? { code: "EACCES" } : undefined,
    });
    expect(open(fileSystem).isNew).toBe(true);
  });
});

describe("a directory in use", () => {
  it("names its owner, and is free when the owner has let go", () => {
    const fileSystem = memory();
    const owner = open(fileSystem);
    expect(refusal(() => open(fileSystem))).toEqual({
      kind: "conflict",
      message: `the data directory ${PATH} is in use by another process (${NOTE}); stop that server or choose another with --data-dir`,
    });
    owner.release();
    expect(open(fileSystem).isNew).toBe(false);
  });

  it("shows the owner's note alone where the file system writes more into the lock", () => {
    const folder = mkdtempSync(join(tmpdir(), "ferrite-lock-"));
    try {
      const path = join(folder, "data");
      const owner = openDataDirectory(new PortableFileSystem(), path, new SeededRandom(1), NOTE);
      const { message } = refusal(() =>
        openDataDirectory(new PortableFileSystem(), path, new SeededRandom(1), "pid 18, ferrite 0.1.0"),
      );
      expect(message).toContain(`in use by another process (${NOTE});`);
      owner.release();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is free after its owner was killed", () => {
    const fileSystem = memory();
    open(fileSystem);
    expect(open(fileSystem.kill()).isNew).toBe(false);
  });

  it("stays free when opening fails", () => {
    const fileSystem = memory();
    open(fileSystem).release();
    const text = latin1(fileSystem.readFileSync(FILE));
    write(fileSystem, FILE, "rubbish");
    expect(refusal(() => open(fileSystem)).kind).toBe("corruption");
    write(fileSystem, FILE, text);
    expect(open(fileSystem).isNew).toBe(false);
  });
});

describe("an identity that cannot be trusted", () => {
  function withIdentity(text: string): MemoryFileSystem {
    const fileSystem = memory();
    open(fileSystem).release();
    write(fileSystem, FILE, text);
    return fileSystem;
  }

  it("is refused when any byte of it has changed, and left as it is", () => {
    const good = formatIdentity(GOLDEN_IDENTITY);
    for (let at = 0; at < good.length; at++) {
      const flipped = String.fromCharCode(good.charCodeAt(at) ^ 1);
      const text = good.slice(0, at) + flipped + good.slice(at + 1);
      const fileSystem = withIdentity(text);
      expect(["corruption", "usage"]).toContain(refusal(() => open(fileSystem)).kind);
      expect(latin1(fileSystem.readFileSync(FILE))).toBe(text);
    }
  });

  it("is refused when it was cut off, and says how to go on", () => {
    const good = formatIdentity(GOLDEN_IDENTITY);
    for (let length = 0; length < good.length; length++) {
      expect(refusal(() => open(withIdentity(good.slice(0, length))))).toEqual({
        kind: "corruption",
        message: `${FILE} is damaged (${length} bytes, checksum or form does not match); restore it from a copy of the directory`,
      });
    }
  });

  it("is refused when it is of a newer format, whatever else that says", () => {
    const text = "ferrite-data 7\nsomething this version does not know\n";
    expect(refusal(() => open(withIdentity(text)))).toEqual({
      kind: "usage",
      message: `${FILE} has format 7, newer than 1, the newest that this version reads; use the version that wrote it`,
    });
  });

  it.each(["aof", "checkpoints", "warm"])("is refused when it is missing although %s is there", (name) => {
    const fileSystem = memory();
    fileSystem.makeDirectorySync(`${PATH}/${name}`);
    if (name === "checkpoints") write(fileSystem, `${PATH}/${name}/0000000001.manifest`, "unreadable");
    expect(refusal(() => open(fileSystem))).toEqual({
      kind: "corruption",
      message: `${FILE} is missing although ${PATH}/${name} exists; restore the file from a copy of the directory, or move the data aside to start empty`,
    });
    expect(fileSystem.statSync(FILE)).toBeUndefined();
  });

  it("does not mind what a creation left behind that did not come to its end", () => {
    const fileSystem = memory();
    fileSystem.makeDirectorySync(PATH);
    write(fileSystem, `${FILE}.new`, "half an ident");
    expect(open(fileSystem).isNew).toBe(true);
    expect(fileSystem.statSync(`${FILE}.new`)).toBeUndefined();
  });
});

describe("a directory that cannot be written", () => {
  it.each(["EACCES", "EROFS", "EPERM"])("says so for %s", (code) => {
    const fileSystem = memory({ fault: (operation) => (operation === "lock" ? { code } : undefined) });
    const { kind, message } = refusal(() => open(fileSystem));
    expect(kind).toBe("unavailable");
    expect(message).toMatch(
      /^cannot lock \/srv\/ferrite\/LOCK: .*not writable for this user; change its owner or mode/,
    );
  });

  it("says so where it cannot be created", () => {
    const fileSystem = memory({ fault: (op) => (op === "makeDirectory" ? { code: "EACCES" } : undefined) });
    expect(refusal(() => open(fileSystem)).message).toMatch(
      /^cannot create the data directory \/srv\/ferrite: .*; create it or choose another with --data-dir$/,
    );
  });

  it("says so where a file is in its place", () => {
    const folder = mkdtempSync(join(tmpdir(), "ferrite-file-"));
    try {
      const path = join(folder, "data");
      writeFileSync(path, "");
      const { kind, message } = refusal(() =>
        openDataDirectory(new PortableFileSystem(), path, new SeededRandom(1), NOTE),
      );
      expect(kind).toBe("unavailable");
      expect(message).toContain(`cannot create the data directory ${path}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.skipIf(process.getuid?.() === 0)("says so for a real one (root may write everywhere)", () => {
    const folder = mkdtempSync(join(tmpdir(), "ferrite-readonly-"));
    try {
      const path = join(folder, "data");
      mkdirSync(path);
      chmodSync(path, 0o500);
      const { message } = refusal(() =>
        openDataDirectory(new PortableFileSystem(), path, new SeededRandom(1), NOTE),
      );
      expect(message).toContain("not writable for this user");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("leaves no identity behind when the disk is full, and starts when there is room", () => {
    const fileSystem = memory({ capacityBytes: NOTE.length + 20 });
    expect(() => open(fileSystem)).toThrow(/ENOSPC/);
    expect(fileSystem.statSync(FILE)).toBeUndefined();
    fileSystem.setCapacity(1000);
    expect(open(fileSystem).isNew).toBe(true);
  });
});

describe("the golden file of format 1", () => {
  it("reads as it always did", () => {
    expect(parseIdentity(readFileSync(GOLDEN, "latin1"), GOLDEN)).toEqual(GOLDEN_IDENTITY);
  });

  it("is what is written", () => {
    expect(formatIdentity(GOLDEN_IDENTITY)).toBe(readFileSync(GOLDEN, "latin1"));
  });
});
