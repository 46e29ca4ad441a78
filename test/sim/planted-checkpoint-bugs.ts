/** Bugs put in on purpose where checkpoints are written, the log is shortened by them, and files are removed. */

import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import type { Assembly } from "../../src/database/assembly.ts";
import { SegmentTable } from "../../src/engine/hot/segment-table.ts";
import { IndexCapture } from "../../src/engine/index/index-capture.ts";
import { UnpackedTable } from "../../src/engine/unpacked-table.ts";
import { SEGMENTS_FOLDER } from "../support/sim-server.ts";
import { over } from "./over.ts";
import { DATA_DAMAGED, type PlantedBug, wrapped } from "./planted-bug.ts";

/** Puts other methods into a class; answers what takes them out again. */
function replaced<T extends object>(prototype: T, methods: Partial<T>): () => void {
  const before = Object.fromEntries(
    Object.keys(methods).map((name) => [name, (prototype as Record<string, unknown>)[name]]),
  );
  Object.assign(prototype, methods);
  return () => void Object.assign(prototype, before);
}

/** Calls `change` with every log that the server uses, also one that CONFIG SET begins. */
function withEveryLog({ database }: Assembly, change: (log: AppendOnlyLog) => void): void {
  if (database.log !== undefined) change(database.log);
  const useLog = database.useLog.bind(database);
  database.useLog = (log, nextLsn) => {
    if (log !== undefined) change(log);
    useLog(log, nextLsn);
  };
}

/** The manifest may survive a power cut that what it names does not. */
const namesNotSecured: PlantedBug = {
  name: "the sync of the folders of checkpoints is skipped",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  fileSystem: (inner) =>
    wrapped(inner, { syncDirectory: (_path, done) => queueMicrotask(() => done(undefined)) }),
};

const preImageForgotten: PlantedBug = {
  name: "the index forgets to keep a row that is about to change",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  install: () => {
    const { beforeChange } = IndexCapture.prototype;
    let calls = 0;
    return replaced(IndexCapture.prototype, {
      beforeChange(this: IndexCapture, row: number): void {
        if (++calls % 2 !== 0) beforeChange.call(this, row);
      },
    });
  },
};

const structureCapturedLate: PlantedBug = {
  name: "a structure is captured after its change",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  install: () => {
    const { aboutToChange } = UnpackedTable.prototype;
    return replaced(UnpackedTable.prototype, {
      aboutToChange(this: UnpackedTable, value): void {
        const late = (): void => {
          try {
            aboutToChange.call(this, value);
          } catch {
            // It has gone meanwhile.
          }
        };
        void Promise.resolve().then(late);
      },
    });
  },
};

const holdsNothing: PlantedBug = {
  name: "segments are not held while a checkpoint writes them",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  install: () => replaced(SegmentTable.prototype, { hold: () => undefined, letGo: () => undefined }),
};

/** What only the newest checkpoint holds: an older one is then no help. */
const logDroppedEarly: PlantedBug = {
  name: "parts of the log go that an older checkpoint needs",
  seedsMax: 10,
  finding: /LSN \d+ to \d+ are in no file|refused although the log/,
  beforeServing: (assembly) =>
    withEveryLog(assembly, (log) => {
      const { dropPartsBelow } = log;
      log.dropPartsBelow = (lsn) =>
        dropPartsBelow.call(log, Math.max(lsn, 1 + (assembly.durable.checkpoints?.newest?.lsn ?? 0)));
    }),
};

const logDroppedTooHigh: PlantedBug = {
  name: "parts of the log go up to one LSN too high",
  seedsMax: 30,
  finding: /LSN \d+ to \d+ are in no file|the AOF has a gap|refused although the log/,
  beforeServing: (assembly) =>
    withEveryLog(assembly, (log) => {
      const { dropPartsBelow } = log;
      log.dropPartsBelow = (lsn) => dropPartsBelow.call(log, lsn + 1);
    }),
};

const writesDroppedInRewrite: PlantedBug = {
  name: "what is written during BGREWRITEAOF is not logged",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: (assembly) =>
    withEveryLog(assembly, (log) => {
      const { appendVerbatim } = log;
      log.appendVerbatim = (db, bytes, start, end) => {
        if (assembly.durable.rewriting?.figures.inProgress !== true)
          return appendVerbatim.call(log, db, bytes, start, end);
        // Its LSN stays.
        log.begin(db, 1);
        log.argumentText("PING");
        log.end();
      };
    }),
};

/** Shows after a SWAPDB only. */
const keyspacesIgnored: PlantedBug = {
  name: "a checkpoint ignores which database is which",
  seedsMax: 10,
  finding: /is not the model's|cannot be replayed|was answered/,
  beforeServing: ({ database: { engine } }) => {
    const begin = engine.beginCapture.bind(engine);
    engine.beginCapture = (file, rewrite) => {
      const capture = begin(file, rewrite);
      return over(capture, { keyspaces: capture.keyspaces.map((_, db) => db) });
    };
  },
};

const reachedFileSwept: PlantedBug = {
  name: "a segment's file is removed that is still reached",
  seedsMax: 10,
  // DEBUG RELOAD tries until it can read what it has written.
  finding: /is missing|no such file|checkpoints are whole, but|DEBUG RELOAD is not answered/,
  fileSystem: (inner) =>
    wrapped(inner, {
      unlinkSync: (path) => {
        inner.unlinkSync(path);
        const first = path.endsWith(".manifest") ? [...inner.listSync(SEGMENTS_FOLDER)].sort()[0] : undefined;
        if (first !== undefined) inner.unlinkSync(`${SEGMENTS_FOLDER}/${first}`);
      },
    }),
};

export const PLANTED_CHECKPOINT_BUGS: readonly PlantedBug[] = [
  namesNotSecured,
  preImageForgotten,
  structureCapturedLate,
  holdsNothing,
  logDroppedEarly,
  logDroppedTooHigh,
  writesDroppedInRewrite,
  keyspacesIgnored,
  reachedFileSwept,
];
