/**
 * Loads the newest checkpoint that is whole into an empty engine.
 *
 * Invariants: nothing on disk is changed; an older checkpoint than the newest is loaded only if the log has every effect after
 * it, and never in silence; what a damaged one has put into the engine is gone before the next one is tried.
 */
import type { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import {
  chooseCheckpoint,
  describeRejection,
  type RejectedCheckpoint,
  rejectionOf,
} from "../checkpoint/choose-checkpoint.ts";
import { type LoadParts, loadCheckpoint } from "../checkpoint/load-checkpoint.ts";
import type { CheckpointIdentity, CheckpointManifest } from "../checkpoint/manifest-format.ts";
import type { Engine } from "../engine/engine.ts";
import type { Logger } from "../ports/logger.ts";
import { ValueBuilder } from "../value/format/value-builder.ts";

export interface LoadNewestOptions extends LoadParts {
  readonly folder: CheckpointFolder;
  readonly identity: CheckpointIdentity;
  readonly engine: Engine;
  readonly logger: Logger;
  /** See ChooseOptions. */
  readonly logLacksAfter: (lsn: number) => string | undefined;
  /** The log begins with the state at this LSN; 0 if it has no base. */
  readonly logBaseLsn: number;
  readonly onProgress: (bytesDone: number, bytesTotal: number) => void;
  /** The data directory existed before: then there was a folder of checkpoints in it. */
  readonly isKnown: boolean;
}

export interface LoadedNewest {
  /** Undefined if there is none, or the log begins with a younger state. */
  readonly manifest: CheckpointManifest | undefined;
  /** Newer ones that are damaged: what they held has to be in the log. */
  readonly rejected: readonly RejectedCheckpoint[];
}

/** Throws FerriteError, see `chooseCheckpoint`. */
export async function loadNewest(options: LoadNewestOptions): Promise<LoadedNewest> {
  const { folder, identity, engine, logger, logLacksAfter } = options;
  if (options.isKnown && folder.fs.statSync(folder.path) === undefined)
    logger.warning(
      "the data directory has no folder of checkpoints; what there is comes from the log alone",
      {
        folder: folder.path,
      },
    );
  const excluded = new Map<number, RejectedCheckpoint>();
  for (;;) {
    const choice = chooseCheckpoint({ folder, identity, logLacksAfter, excluded });
    const { rejected } = choice;
    // What the log's base holds is younger than an older checkpoint, and goes on nothing.
    const manifest =
      choice.manifest !== undefined && choice.manifest.lsn < options.logBaseLsn ? undefined : choice.manifest;
    try {
      if (manifest !== undefined) await load(options, manifest);
    } catch (error) {
      const rejection = manifest && rejectionOf(manifest.id, folder, error);
      if (rejection === undefined) throw error;
      excluded.set(rejection.id, { ...rejection, lsn: manifest!.lsn });
      engine.clear();
      continue;
    }
    for (const rejection of rejected) {
      logger.warning(
        "a checkpoint is damaged and was not used: the log holds everything after the one before it",
        {
          reason: describeRejection(rejection),
          used: manifest?.id ?? "none",
        },
      );
    }
    // What older or damaged checkpoints reach is not written over.
    engine.skipBirths(1 + folder.list().segments.reduce((most, birth) => Math.max(most, birth), 0));
    return { manifest, rejected };
  }
}

function load(options: LoadNewestOptions, manifest: CheckpointManifest): Promise<void> {
  const { engine } = options;
  return loadCheckpoint({
    ...options,
    manifest,
    loader: engine.beginLoading(),
    newBuilder: () => new ValueBuilder(engine),
    allocate: (bytes) => engine.allocateSegment(bytes),
  });
}
