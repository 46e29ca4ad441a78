/**
 * What must hold whenever a server has started, whatever its last life ended with. A new check is an entry of CHECKS.
 *
 * They look at the database that is about to serve, at what recovery says it found, and at a copy of the disk as it is now.
 */

import type { MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import { aofCheck } from "../../src/aof/aof-tools.ts";
import { listMarks, listPending, readManifest } from "../../src/aof/manifest-file.ts";
import { DEFAULT_STEM, manifestName, temporaryManifestName } from "../../src/aof/part-names.ts";
import { unpublishedFiles } from "../../src/aof/read-log.ts";
import { CheckpointFolder } from "../../src/checkpoint/checkpoint-folder.ts";
import type { Database } from "../../src/database/database.ts";
import type { DurableState } from "../../src/database/durable-state.ts";
import type { Recovered } from "../../src/database/open-database.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import { AOF_FOLDER, CHECKPOINTS_FOLDER, DATA_FOLDER } from "../support/sim-server.ts";
import { checkpointFindings, manifestsOn } from "./checkpoint-files.ts";
import { checkEngine, checkState } from "./checks.ts";
import type { Model } from "./model.ts";

export interface Start {
  readonly database: Database;
  readonly durable: DurableState;
  /** Runs work in a turn of its own. */
  readonly within: (work: () => void) => void;
  readonly recovered: Recovered;
  /** The model's state after the last effect that was recovered. */
  readonly model: Model;
  readonly nowMs: number;
  /** A copy: reading it neither fails nor counts as a step. */
  readonly disk: MemoryFileSystem;
  /** Whether there is an append-only file from now on; the log on disk is left as it is without one. */
  readonly logs: boolean;
  /** Up to here only checkpoints have what happened; 0 if the log is without a gap. */
  readonly logGapEnd: number;
  readonly takesCheckpoints: boolean;
  /** A file of a checkpoint that was damaged on purpose. */
  readonly damaged: string | undefined;
}

export interface RecoveryCheck {
  readonly name: string;
  readonly check: (start: Start) => void | Promise<void>;
}

const CHECKS: readonly RecoveryCheck[] = [
  {
    name: "LSNs go on where the log ends",
    check: ({ database, recovered }) => {
      const { lastLsn } = recovered.summary;
      if (database.lastLsn < lastLsn) throw new Error(`LSN ${database.lastLsn} comes after ${lastLsn}`);
      if (database.log === undefined) return;
      const { nextLsn, durableLsn, canWrite } = database.log;
      if (nextLsn !== lastLsn + 1) throw new Error(`LSN ${nextLsn} comes after ${lastLsn}`);
      // What was recovered and could not be secured yet keeps the log from being written.
      if (durableLsn > lastLsn || (canWrite && durableLsn < lastLsn))
        throw new Error(
          `LSN ${durableLsn} is durable of ${lastLsn}, and the log ${canWrite ? "is" : "is not"} written`,
        );
    },
  },
  {
    name: "the data is the model's",
    check: ({ database, model, nowMs }) => checkState(database, model, nowMs),
  },
  { name: "the engine's accounts agree", check: ({ database, within }) => checkEngine(database, within) },
  {
    name: "the log on disk is whole",
    check: ({ disk, recovered, logs }) => {
      if (!logs) return;
      const { verdict, findings, lastLsn } = aofCheck(disk, AOF_FOLDER);
      if (verdict !== "clean" || lastLsn !== recovered.summary.lastLsn)
        throw new Error(`the log is ${verdict} and ends with LSN ${lastLsn}: ${JSON.stringify(findings)}`);
    },
  },
  { name: "no file is left that nothing reaches and nobody reported", check: checkFiles },
  { name: "checkpoints are whole", check: checkCheckpoints },
  {
    name: "what has changed since the newest checkpoint is counted",
    check: ({ database, durable }) => {
      const newest = durable.checkpoints!.newest?.lsn ?? 0;
      if (database.effects.dirty !== database.lastLsn - newest)
        throw new Error(
          `${database.effects.dirty} changes, LSN ${database.lastLsn} after a checkpoint of ${newest}`,
        );
    },
  },
  { name: "the log has every effect that the oldest checkpoint lacks", check: checkCoverage },
];

async function checkCheckpoints({ disk, damaged }: Start): Promise<void> {
  const wrong = (await checkpointFindings(disk)).filter(
    (finding) => damaged === undefined || !finding.startsWith(`${damaged}: `),
  );
  const { unfinished } = new CheckpointFolder(disk, CHECKPOINTS_FOLDER).list();
  if (wrong.length + unfinished.length > 0) throw new Error([...wrong, ...unfinished].join("\n"));
}

function checkCoverage({ disk, logs, logGapEnd, recovered }: Start): void {
  if (!logs) return;
  const oldest = manifestsOn(disk).find(({ manifest }) => manifest !== undefined)?.manifest?.lsn ?? 0;
  const { base, parts = [] } = readManifest(disk, AOF_FOLDER, DEFAULT_STEM) ?? {};
  let due = Math.max(oldest, logGapEnd, base?.lsn ?? 0) + 1;
  for (const { firstLsn, sealed } of parts) {
    // What a checkpoint holds, younger ones too, may be missing in between.
    if (sealed !== undefined && sealed.lastLsn < due) continue;
    if (firstLsn > due) throw new Error(`LSN ${due} to ${firstLsn - 1} are in no file`);
    due = Math.max(due, (sealed?.lastLsn ?? recovered.summary.lastLsn) + 1);
  }
  if (due !== recovered.summary.lastLsn + 1)
    throw new Error(`the log ends before LSN ${due}, found were ${recovered.summary.lastLsn}`);
}

/** A new identity that was never renamed is overwritten by the next one. */
const KNOWN_FILES = ["LOCK", "IDENTITY", "IDENTITY.new", "aof", "checkpoints"];

function checkFiles({ disk, recovered, logs }: Start): void {
  const named = namesOf(disk);
  const known = new Set([...named, ...recovered.summary.strayParts, manifestName(DEFAULT_STEM)]);
  // Without a log its folder stays as it is, with what the next start that has one removes.
  if (!logs) {
    const manifest = readManifest(disk, AOF_FOLDER, DEFAULT_STEM);
    for (const name of unpublishedFiles(disk, AOF_FOLDER, DEFAULT_STEM, manifest)) known.add(name);
    for (const { name } of listPending(disk, AOF_FOLDER, DEFAULT_STEM)) known.add(name);
  }
  // A new manifest that was never renamed is overwritten by the next one.
  known.add(temporaryManifestName(DEFAULT_STEM));
  // Marks of manifests that never came to be go with the next one that does.
  for (const name of listMarks(disk, AOF_FOLDER, DEFAULT_STEM)) known.add(name);
  const there = disk.statSync(AOF_FOLDER) === undefined ? [] : disk.listSync(AOF_FOLDER);
  const stray = there.filter((name) => !known.has(name) && !/\.torn-\d+$/.test(name));
  const strange = disk.listSync(DATA_FOLDER).filter((name) => !KNOWN_FILES.includes(name));
  if (stray.length + strange.length > 0) throw new Error(`unreachable: ${[...stray, ...strange].join(" ")}`);
}

/** Every file that the manifest of the log names, also those that it has left and whose files go later. */
function namesOf(disk: FileSystem): string[] {
  const manifest = readManifest(disk, AOF_FOLDER, DEFAULT_STEM);
  if (manifest === undefined) return [];
  const entries = [manifest, manifest.left].flatMap((each) => (each === undefined ? [] : [each]));
  const files = entries.flatMap(({ base, parts }) => [
    ...(base === undefined ? [] : [base.name]),
    ...parts.map(({ name }) => name),
  ]);
  return manifest.mark === undefined ? files : [...files, manifest.mark];
}

export async function checkStart(start: Start): Promise<void> {
  for (const { name, check } of CHECKS) {
    try {
      await check(start);
    } catch (error) {
      throw new Error(`after a start ${name}, but: ${(error as Error).message}`, { cause: error });
    }
  }
}
