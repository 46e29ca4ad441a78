/** Small volumes for tests of full and read-only disks; only root can mount, so elsewhere such tests are skipped. */
import { spawnSync } from "node:child_process";
import { rmdirSync } from "node:fs";
import { afterAll } from "vitest";
import { reasonToSkip } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temp.ts";

const mounted = new Set<string>();

// A test that timed out never reaches its own clean-up.
afterAll(() => {
  for (const folder of mounted) unmount(folder);
});

/** Why there are no small volumes here, or undefined. */
export function reasonNoTmpfs(): string | undefined {
  if (process.platform !== "linux") return reasonToSkip("tmpfs", "tmpfs is of Linux");
  if (process.getuid?.() !== 0) return reasonToSkip("tmpfs", "mounting a tmpfs needs root");
  try {
    unmount(mountTmpfs("1m"));
  } catch (error) {
    return reasonToSkip("tmpfs", `a tmpfs cannot be mounted here: ${String(error).trim()}`);
  }
  return undefined;
}

/** A new folder that is a volume of the size, in the form of mount(8): "16m". */
export function mountTmpfs(size: string, mode: "rw" | "ro" = "rw"): string {
  const folder = temporaryFolder("volume");
  const { status, stderr } = spawnSync(
    "mount",
    ["-t", "tmpfs", "-o", `size=${size},${mode}`, "tmpfs", folder],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`mount: ${stderr}`);
  mounted.add(folder);
  return folder;
}

export function unmount(folder: string): void {
  spawnSync("umount", ["-l", folder]);
  mounted.delete(folder);
  rmdirSync(folder);
}
