/**
 * Writes a checkpoint and publishes it, while commands go on.
 *
 * Invariants
 *  - the manifest gets its name only when everything that it names is durable, names included;
 *  - rows are copied first, then structures, then segments: what is not copied yet costs memory when it changes;
 *  - the engine is told that a segment has a file only when the file and its name are durable;
 *  - a failure leaves the checkpoint before it as it was. What the failed one wrote is removed, unless its manifest may
 *    have been published: then its files stay until a sweep finds out that nothing reaches them;
 *  - no file is written again after an error: the next checkpoint has another id.
 *
 * One checkpoint at a time. The loop does slices of half a millisecond; writing and syncing is done by threads.
 */
import { FerriteError, messageOf } from "../base/errors.ts";
import type { BlockCodec } from "../codec/compression.ts";
import type { Crc32c } from "../codec/crc32c.ts";
import type { EngineCapture } from "../engine/capture/capture-face.ts";
import { syncFolder } from "../engine/warm/file-promises.ts";
import type { Clock } from "../ports/clock.ts";
import { BlockFileWriter, WriteBuffers } from "./block-file-writer.ts";
import type { CheckpointFolder } from "./checkpoint-folder.ts";
import { INDEX_MAGIC } from "./index-image.ts";
import { IndexWriter } from "./index-writer.ts";
import type { CheckpointIdentity, CheckpointManifest, FileEntry } from "./manifest-format.ts";
import { publishManifest } from "./manifest-publisher.ts";
import { unfinishedName } from "./names.ts";
import { SegmentsWriter } from "./segments-writer.ts";
import { Slices } from "./slices.ts";
import { VALUES_MAGIC } from "./values-file.ts";
import { ValuesWriter } from "./values-writer.ts";

export type CheckpointPhase = "idle" | "rows" | "structures" | "segments" | "table" | "publish";

export interface CheckpointProgress {
  readonly phase: CheckpointPhase;
  /** Of all files of the checkpoint under way, or of the last one. */
  readonly bytesWritten: number;
}

export interface CheckpointWriterParts {
  readonly clock: Clock;
  readonly crc32c: Crc32c;
  readonly folder: CheckpointFolder;
  readonly identity: CheckpointIdentity;
  /** The id of the first checkpoint that is written; see `nextCheckpointId`. */
  readonly nextId: number;
}

export interface CheckpointRequest {
  readonly capture: EngineCapture;
  readonly lsn: number;
  readonly wallMs: number;
  /** The checkpoint before this one, whose files it names again. */
  readonly previous: CheckpointManifest | undefined;
  /** Compresses structures; undefined stores them as they are. */
  readonly codec: BlockCodec | undefined;
}

export type CheckpointResult =
  | {
      readonly kind: "published";
      readonly manifest: CheckpointManifest;
      readonly bytesWritten: number;
      readonly segmentBytesWritten: number;
      readonly milliseconds: number;
    }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly error: unknown;
      /** True if its manifest may be found by the next start, whole. */
      readonly mayBePublished: boolean;
      readonly milliseconds: number;
    };

/** What one attempt has opened and written. */
interface Attempt {
  readonly id: number;
  readonly request: CheckpointRequest;
  readonly slices: Slices;
  readonly files: BlockFileWriter[];
  readonly segments: SegmentsWriter;
  publishing: boolean;
}

export class CheckpointWriter {
  readonly #parts: CheckpointWriterParts;
  readonly #buffers = new WriteBuffers();
  #nextId: number;
  #phase: CheckpointPhase = "idle";
  #attempt: Attempt | undefined;
  #bytesBefore = 0;

  constructor(parts: CheckpointWriterParts) {
    this.#parts = parts;
    this.#nextId = parts.nextId;
  }

  get progress(): CheckpointProgress {
    return { phase: this.#phase, bytesWritten: this.#attempt ? bytesOf(this.#attempt) : this.#bytesBefore };
  }

  get running(): boolean {
    return this.#attempt !== undefined;
  }

  /** The id that the next checkpoint gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Gives up the checkpoint under way: it ends as failed, with an error of kind "closed", at its next step. */
  giveUp(): void {
    this.#attempt?.slices.stop(
      () => new FerriteError("closed", "writing a checkpoint: given up, the server is stopping"),
    );
  }

  /**
   * Rejects only if a checkpoint is under way ("conflict"); every other failure is a result. `capture.complete` or
   * `capture.abandon` was called when it resolves.
   */
  async write(request: CheckpointRequest): Promise<CheckpointResult> {
    if (this.#attempt !== undefined)
      throw new FerriteError(
        "conflict",
        `writing a checkpoint: checkpoint ${this.#attempt.id} is being written; wait for it`,
      );
    const { clock } = this.#parts;
    const startMs = clock.monotonicMs();
    const attempt = this.#begin(request);
    this.#attempt = attempt;
    try {
      const manifest = await this.#writeAll(attempt);
      request.capture.complete();
      const milliseconds = clock.monotonicMs() - startMs;
      const segmentBytesWritten = attempt.segments.bytesWritten;
      return {
        kind: "published",
        manifest,
        bytesWritten: bytesOf(attempt),
        segmentBytesWritten,
        milliseconds,
      };
    } catch (error) {
      await this.#cleanUp(attempt);
      request.capture.abandon();
      const { id, publishing } = attempt;
      return {
        kind: "failed",
        id,
        error,
        mayBePublished: publishing,
        milliseconds: clock.monotonicMs() - startMs,
      };
    } finally {
      this.#bytesBefore = bytesOf(attempt);
      this.#attempt = undefined;
      this.#phase = "idle";
    }
  }

  #begin(request: CheckpointRequest): Attempt {
    const { clock, crc32c, folder, identity } = this.#parts;
    const slices = new Slices(clock);
    const segments = new SegmentsWriter({ folder, crc32c, slices, databaseId: identity.databaseId }, request);
    return { id: this.#nextId++, request, slices, files: [], segments, publishing: false };
  }

  async #writeAll(attempt: Attempt): Promise<CheckpointManifest> {
    const { folder, identity } = this.#parts;
    const { id, request, slices } = attempt;
    const { capture, lsn, wallMs, previous } = request;
    this.#phase = "rows";
    // Hashes and addresses do not compress; trying costs more memory and time than all the rest.
    const index = new IndexWriter(this.#open(attempt, folder.indexPath(id), INDEX_MAGIC, undefined), slices);
    await index.writeRows(capture);
    this.#phase = "structures";
    const values = await this.#writeStructures(attempt);
    this.#phase = "segments";
    const segments = await attempt.segments.write();
    this.#phase = "table";
    const entry = await index.writeStructures(capture, previous?.values ?? [], values && { id, ...values });
    this.#phase = "publish";
    // Segments have synced their own folder.
    await syncFolder(folder.fs, folder.path);
    slices.throwIfStopped();
    const { keys, nextBirth } = capture;
    const keyspaces = [...capture.keyspaces];
    const manifest = { id, identity, lsn, wallMs, keyspaces, keys, nextBirth, ...entry, segments };
    await publishManifest(folder, manifest, slices, () => {
      attempt.publishing = true;
    });
    return manifest;
  }

  /** The values file, if any structure had to be written. */
  async #writeStructures(attempt: Attempt): Promise<FileEntry | undefined> {
    const { folder } = this.#parts;
    const { id, request, slices } = attempt;
    const { capture } = request;
    let writer: ValuesWriter | undefined;
    for (;;) {
      await slices.breathe();
      const structure = capture.nextStructure();
      if (structure === undefined) return writer?.finish();
      writer ??= new ValuesWriter(
        this.#open(attempt, folder.valuesPath(id), VALUES_MAGIC, request.codec),
        id,
        slices,
      );
      capture.structureWritten(structure.handle, await writer.write(structure));
    }
  }

  #open(attempt: Attempt, path: string, magic: string, codec: BlockCodec | undefined): BlockFileWriter {
    const { crc32c, folder, identity } = this.#parts;
    const { slices } = attempt;
    const parts = { fs: folder.fs, crc32c, slices, buffers: this.#buffers, codec };
    const header = { magic, checkpoint: attempt.id, databaseId: identity.databaseId };
    const file = new BlockFileWriter(parts, path, header);
    attempt.files.push(file);
    return file;
  }

  /**
   * Removes what a failed attempt left. Its files under their own names go only while no manifest can name them; those
   * of segments stay, because the engine may count on them.
   */
  async #cleanUp(attempt: Attempt): Promise<void> {
    const { folder } = this.#parts;
    for (const file of attempt.files) await file.close();
    if (attempt.publishing) return;
    const paths = [folder.indexPath(attempt.id), folder.valuesPath(attempt.id)];
    for (const path of [
      ...paths.flatMap((name) => [unfinishedName(name), name]),
      unfinishedName(folder.manifestPath(attempt.id)),
    ]) {
      try {
        folder.unlinkIfPresent(path);
      } catch {
        // The next start removes what is unfinished, and a sweep what nothing reaches; the first error is the one to report.
      }
    }
  }
}

function bytesOf(attempt: Attempt): number {
  return attempt.files.reduce((sum, file) => sum + file.position, attempt.segments.bytesWritten);
}

/** For a log line: why a checkpoint failed and what the state on disk is. */
export function describeFailure(result: CheckpointResult & { readonly kind: "failed" }): string {
  const state = result.mayBePublished
    ? "it may be found whole at the next start"
    : "the checkpoint before it stays valid";
  return `checkpoint ${result.id} failed: ${messageOf(result.error)}; ${state}`;
}
