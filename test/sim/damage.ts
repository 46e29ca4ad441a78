/**
 * A bit of a checkpoint that changes while no server runs.
 *
 * The next start has to go on from an older checkpoint, or from the log alone, if the log has every effect after that; else it
 * refuses, names the file, and leaves everything as it is. It never serves something else.
 */
import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import type { SeededRandom } from "../../src/adapters/memory/random.ts";
import { aofCheck } from "../../src/aof/aof-tools.ts";
import { readManifest } from "../../src/aof/manifest-file.ts";
import { DEFAULT_STEM } from "../../src/aof/part-names.ts";
import { latin1 } from "../../src/base/bytes.ts";
import { FerriteError, messageOf } from "../../src/base/errors.ts";
import { CheckpointFolder } from "../../src/checkpoint/checkpoint-folder.ts";
import { filesOf } from "../../src/checkpoint/choose-checkpoint.ts";
import type { CheckpointManifest } from "../../src/checkpoint/manifest-format.ts";
import { AOF_FOLDER, CHECKPOINTS_FOLDER } from "../support/sim-server.ts";
import { manifestsOn } from "./checkpoint-files.ts";
import { oneIn, pick } from "./drawing.ts";

const ONE_IN = 4;

export class Damage {
  readonly path: string;
  readonly #offset: number;
  readonly #mask: number;
  /** Another checkpoint and the log, or the log alone, have everything. */
  readonly #isCovered: boolean;
  #wasRefused = false;

  private constructor(path: string, offset: number, mask: number, isCovered: boolean) {
    this.path = path;
    this.#offset = offset;
    this.#mask = mask;
    this.#isCovered = isCovered;
  }

  /** Between two lives: what the next one finds. A file is repaired after a start has refused it, as somebody would. */
  static next(before: Damage | undefined, disk: MemoryFileSystem, random: SeededRandom): Damage | undefined {
    if (before !== undefined && disk.statSync(before.path) !== undefined) {
      if (!before.#wasRefused) return before;
      disk.corrupt(before.path, before.#offset, before.#mask);
      return undefined;
    }
    return oneIn(random, ONE_IN) ? Damage.#draw(disk, random) : undefined;
  }

  static #draw(disk: MemoryFileSystem, random: SeededRandom): Damage | undefined {
    const found = manifestsOn(disk);
    const newest = found.at(-1);
    if (newest?.manifest === undefined) return undefined;
    const folder = new CheckpointFolder(disk, CHECKPOINTS_FOLDER);
    const files = [newest.path, ...Array.from(filesOf(folder, newest.manifest), ({ path }) => path)];
    const path = pick(random, files);
    // A lost one is found by the start.
    const sizeBytes = disk.statSync(path)?.sizeBytes ?? 0;
    if (sizeBytes === 0) return undefined;
    const offset = random.below(sizeBytes);
    // How far the checkpoint went is known by its manifest alone.
    if (path === newest.path && isInLsn(latin1(disk.readFileSync(path)), offset)) return undefined;
    const mask = 1 << random.below(8);
    const older = found.slice(0, -1).flatMap(({ manifest }) => manifest ?? []);
    const whole = older.filter((each) => ![...filesOf(folder, each)].some((file) => file.path === path));
    const isCovered = logCovers(disk, whole.at(-1)?.lsn ?? 0, newest.manifest);
    disk.corrupt(path, offset, mask);
    return new Damage(path, offset, mask, isCovered);
  }

  /** A start has failed. */
  refused(error: unknown): void {
    if (this.#isCovered)
      throw new Error(`a start is refused although the log has everything: ${messageOf(error)}`, {
        cause: error,
      });
    const names =
      error instanceof FerriteError && error.kind === "corruption" && error.message.includes(this.path);
    if (!names)
      throw new Error(`${this.path} is damaged, and the start fails with: ${messageOf(error)}`, {
        cause: error,
      });
    this.#wasRefused = true;
  }

  /** A start has succeeded; that the data is right is for others to say. */
  started(): void {
    if (!this.#isCovered)
      throw new Error(`a start goes on although ${this.path} is damaged and the log lacks something`);
  }
}

function isInLsn(manifest: string, offset: number): boolean {
  const from = manifest.indexOf("\nlsn ");
  return offset >= from && offset <= manifest.indexOf("\n", from + 1);
}

/** Whether the log has every effect after `lsn` up to what the checkpoint holds, at least. */
function logCovers(disk: MemoryFileSystem, lsn: number, { lsn: lastLsn }: CheckpointManifest): boolean {
  const { base, parts = [] } = readManifest(disk, AOF_FOLDER, DEFAULT_STEM) ?? {};
  let due = Math.max(lsn, base?.lsn ?? 0) + 1;
  for (const { firstLsn, sealed } of parts) {
    if (firstLsn > due) return false;
    due = Math.max(due, (sealed?.lastLsn ?? aofCheck(disk, AOF_FOLDER).lastLsn) + 1);
  }
  return parts.length > 0 && due > lastLsn;
}
