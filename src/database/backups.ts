/**
 * Writes backups when they are asked for: a checkpoint is taken and packed into a file of its own.
 *
 * Invariants
 *  - one backup at a time; it holds everything up to the end of the turn in which it was asked for;
 *  - the checkpoint's files stay while they are packed; the path is judged before anything is written.
 */
import { backupPath } from "../backup/backup-place.ts";
import { writeBackup } from "../backup/write-backup.ts";
import { FerriteError, messageOf } from "../base/errors.ts";
import type { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { Slices } from "../checkpoint/slices.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { failUnlessPublished } from "./save-failure.ts";

export interface BackupsParts {
  readonly checkpoints: Checkpoints;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly folder: CheckpointFolder;
  readonly crc32c: Crc32c;
  readonly loadCodec: () => Promise<BlockCodec>;
  /** Outside of it nothing is written; absolute. */
  readonly directory: string;
  /** Of a backup that is given no name. */
  readonly fileName: string;
  readonly compression: () => boolean;
}

export class Backups {
  readonly #parts: BackupsParts;
  #slices: Slices | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: BackupsParts) {
    this.#parts = parts;
  }

  /** Resolves when the backup is durable; rejects with the text that the client gets. */
  async write(asked: string | undefined): Promise<void> {
    if (this.#running !== undefined)
      throw new FerriteError("conflict", "ERR a backup is being written already; ask again when it is done");
    const running = this.#write(asked);
    this.#running = running.catch(() => {});
    try {
      await running;
    } finally {
      this.#running = undefined;
    }
  }

  /** Gives up what is under way; resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.#slices?.stop(
      () => new FerriteError("closed", "ERR the backup was given up, the server is stopping"),
    );
    // One that still waits for its checkpoint ends with that.
    if (this.#slices !== undefined) await this.#running;
  }

  async #write(asked: string | undefined): Promise<void> {
    const { checkpoints, clock, logger, folder, crc32c, loadCodec, directory, fileName } = this.#parts;
    const nowMs = clock.wallMs();
    const path = backupPath({ fs: folder.fs, directory, fileName, nowMs }, asked);
    try {
      await checkpoints.takeAndRead(async (result) => {
        failUnlessPublished(result);
        const codec = this.#parts.compression() ? await loadCodec() : undefined;
        const slices = new Slices(clock);
        this.#slices = slices;
        const { manifest } = result;
        const options = { folder, manifest, path, createdMs: nowMs, crc32c, loadCodec, codec, slices };
        const { bytes } = await writeBackup(options);
        logger.notice("backup written", { path, bytes, checkpoint: manifest.id, lsn: manifest.lsn });
      });
    } catch (error) {
      logger.warning("a backup failed", { path, reason: messageOf(error) });
      throw error;
    } finally {
      this.#slices = undefined;
    }
  }
}
