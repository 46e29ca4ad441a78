/** A full disk: a real one where a small volume can be mounted or the kernel offers /dev/full, else the model's. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { NativeFileSystem } from "../../src/adapters/native/file-system.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import { addon, bytesOf, pattern, settle, textOf, thrownBy } from "./file-systems.ts";

const SIZE_BYTES = 256 * 1024;
const folder = mkdtempSync(join(tmpdir(), "ferrite-full-"));
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_BYTES}`, "tmpfs", folder]).status === 0;
afterAll(() => {
  if (mounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
});

interface Volume {
  readonly name: string;
  readonly skip: boolean;
  open(): { system: FileSystem; root: string };
}

const VOLUMES: readonly Volume[] = [
  {
    name: "native on a small tmpfs",
    skip: addon === undefined || !mounted,
    open: () => ({ system: new NativeFileSystem(addon!), root: folder }),
  },
  {
    name: "portable on a small tmpfs",
    skip: !mounted,
    open: () => ({ system: new PortableFileSystem(), root: folder }),
  },
  {
    name: "memory with a capacity",
    skip: false,
    open: () => ({
      system: new MemoryFileSystem({
        random: new SeededRandom(1),
        soon: setImmediate,
        capacityBytes: SIZE_BYTES,
      }),
      root: "/",
    }),
  },
];

for (const volume of VOLUMES) {
  describe.skipIf(volume.skip)(
    `a full volume, ${volume.name}${volume.skip ? " (skipped: cannot be mounted or not built)" : ""}`,
    () => {
      it("fails with ENOSPC, keeps what was there, and works again when there is room", async () => {
        const { system, root } = volume.open();
        const path = join(root, "log");
        const ballast = system.openSync(join(root, "ballast"), "append");
        ballast.appendSync(pattern(100_000), 0, 100_000);
        ballast.close();
        const file = system.openSync(path, "append");
        file.appendSync(bytesOf("kept"), 0, 4);
        const big = pattern(SIZE_BYTES);
        expect(thrownBy(() => file.appendSync(big, 0, big.length))).toMatchObject({
          code: "ENOSPC",
          path,
          syscall: "write",
        });
        await expect(settle((done) => file.append(big, 0, big.length, true, done))).rejects.toMatchObject({
          code: "ENOSPC",
          path,
        });
        expect(file.sizeSync()).toBeGreaterThan(4);
        expect(file.sizeSync()).toBeLessThan(SIZE_BYTES);
        expect(system.freeBytesSync(root)).toBeLessThan(8192);
        file.truncateSync(4);
        system.unlinkSync(join(root, "ballast"));
        expect(system.freeBytesSync(root)).toBeGreaterThan(SIZE_BYTES - 20_000);
        file.appendSync(bytesOf(" and more"), 0, 9);
        await settle((done) => file.sync(done));
        file.close();
        expect(textOf(system.readFileSync(path))).toBe("kept and more");
        system.unlinkSync(path);
      });

      it("refuses a reservation that does not fit, or ignores it where none can be made", () => {
        const { system, root } = volume.open();
        const file = system.openSync(join(root, "log"), "append");
        if (system.kind === "portable") file.allocateSync(SIZE_BYTES * 2);
        else expect(thrownBy(() => file.allocateSync(SIZE_BYTES * 2))).toMatchObject({ code: "ENOSPC" });
        expect(file.sizeSync()).toBe(0);
        file.close();
        system.unlinkSync(join(root, "log"));
      });
    },
  );
}

describe.skipIf(!existsSync("/dev/full"))("the device that is always full", () => {
  for (const system of [
    new PortableFileSystem(),
    ...(addon === undefined ? [] : [new NativeFileSystem(addon)]),
  ]) {
    it(`answers ENOSPC to ${system.kind} appends of both kinds`, async () => {
      const file = system.openSync("/dev/full", "append");
      expect(thrownBy(() => file.appendSync(bytesOf("x"), 0, 1))).toMatchObject({
        code: "ENOSPC",
        path: "/dev/full",
      });
      const failed = settle((done) => file.append(bytesOf("x"), 0, 1, false, done));
      await expect(failed).rejects.toMatchObject({ code: "ENOSPC", path: "/dev/full", syscall: "write" });
      file.close();
    });
  }
});
