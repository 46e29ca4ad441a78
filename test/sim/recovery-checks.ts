/**
 * What must hold whenever a server has started, whatever its last life ended with. A new check is an entry of CHECKS.
 *
 * They look at the database that is about to serve, at what recovery says it found, and at a copy of the disk as it is now.
 */
import { aofCheck } from "../../src/aof/aof-tools.ts";
import { readManifest } from "../../src/aof/manifest-file.ts";
import { DEFAULT_STEM, manifestName, temporaryManifestName } from "../../src/aof/part-names.ts";
import type { Database } from "../../src/database/database.ts";
import type { Recovered } from "../../src/database/open-database.ts";
import type { FileSystem } from "../../src/ports/file-system.ts";
import { AOF_FOLDER, DATA_FOLDER } from "../support/sim-server.ts";
import { checkEngine, checkState } from "./checks.ts";
import type { Model } from "./model.ts";

export interface Start {
  readonly database: Database;
  readonly recovered: Recovered;
  /** The model's state after the last effect that was recovered. */
  readonly model: Model;
  readonly nowMs: number;
  /** A copy: reading it neither fails nor counts as a step. */
  readonly disk: FileSystem;
}

export interface RecoveryCheck {
  readonly name: string;
  readonly check: (start: Start) => void;
}

const CHECKS: readonly RecoveryCheck[] = [
  {
    name: "the data is the model's",
    check: ({ database, model, nowMs }) => checkState(database, model, nowMs),
  },
  { name: "the engine's accounts agree", check: ({ database }) => checkEngine(database) },
  {
    name: "LSNs go on where the log ends",
    check: ({ database, recovered }) => {
      const { lastLsn } = recovered.summary;
      const { nextLsn, durableLsn, canWrite } = database.log!;
      if (nextLsn !== lastLsn + 1) throw new Error(`LSN ${nextLsn} comes after ${lastLsn}`);
      // What was recovered and could not be secured yet keeps the log from being written.
      if (durableLsn > lastLsn || (canWrite && durableLsn < lastLsn))
        throw new Error(
          `LSN ${durableLsn} is durable of ${lastLsn}, and the log ${canWrite ? "is" : "is not"} written`,
        );
    },
  },
  {
    name: "the log on disk is whole",
    check: ({ disk, recovered }) => {
      const { verdict, findings, lastLsn } = aofCheck(disk, AOF_FOLDER);
      if (verdict !== "clean" || lastLsn !== recovered.summary.lastLsn)
        throw new Error(`the log is ${verdict} and ends with LSN ${lastLsn}: ${JSON.stringify(findings)}`);
    },
  },
  { name: "no file is left that nothing reaches and nobody reported", check: checkFiles },
];

/** A new identity that was never renamed is overwritten by the next one. */
const KNOWN_FILES = ["LOCK", "IDENTITY", "IDENTITY.new", "aof"];

function checkFiles({ disk, recovered }: Start): void {
  const named = readManifest(disk, AOF_FOLDER, DEFAULT_STEM)?.parts.map((part) => part.name) ?? [];
  const known = new Set([...named, ...recovered.summary.strayParts, manifestName(DEFAULT_STEM)]);
  // A new manifest that was never renamed is overwritten by the next one.
  known.add(temporaryManifestName(DEFAULT_STEM));
  const stray = disk.listSync(AOF_FOLDER).filter((name) => !known.has(name) && !/\.torn-\d+$/.test(name));
  const strange = disk.listSync(DATA_FOLDER).filter((name) => !KNOWN_FILES.includes(name));
  if (stray.length + strange.length > 0) throw new Error(`unreachable: ${[...stray, ...strange].join(" ")}`);
}

export function checkStart(start: Start): void {
  for (const { name, check } of CHECKS) {
    try {
      check(start);
    } catch (error) {
      throw new Error(`after a start ${name}, but: ${(error as Error).message}`, { cause: error });
    }
  }
}
