/**
 * Bugs put in on purpose, each by a wrapper around a sound part: what the simulation has to find to be believed.
 *
 * Each is one that a storage engine has really had. `seedsMax` is the number of seeds within which it is found; it
 * is a fact about this simulation, to be raised only with a reason.
 */
import { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import type { Context } from "../../src/commands/context.ts";
import type { Assembly } from "../../src/database/assembly.ts";
import type { Database } from "../../src/database/database.ts";
import type { Server } from "../../src/server/server.ts";
import { DATA_DAMAGED, type PlantedBug, wrapped } from "./planted-bug.ts";
import { PLANTED_CHECKPOINT_BUGS } from "./planted-checkpoint-bugs.ts";
import type { Plant } from "./world.ts";

/** Names are not made durable: a manifest, or a part that it names, is gone after power loss. */
const directorySyncSkipped: PlantedBug = {
  name: "the sync of a folder is skipped",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  fileSystem: (inner) => wrapped(inner, { syncDirectorySync: () => undefined }),
};

/** What a disk does whose cache lies: the sync is reported and has not happened. */
const dataSyncSkipped: PlantedBug = {
  name: "the sync of a file is reported and not made",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  fileSystem: (inner) =>
    wrapped(inner, {}, (file) => ({
      append: (bytes, offset, length, _sync, done) => file.append(bytes, offset, length, false, done),
      overwrite: (position, bytes, offset, length, _sync, done) =>
        file.overwrite(position, bytes, offset, length, false, done),
      overwriteBlocks: (position, bytes, offset, length, done) => {
        file.overwrite(position, bytes.slice(offset, offset + length), 0, length, false, done);
        return true;
      },
      overwriteBlocksSync: (position, bytes, offset, length) => {
        file.overwriteSync(position, bytes, offset, length);
        return true;
      },
    })),
};

/** "fsyncgate": after a failed sync the pages count as clean, so the next sync succeeds over lost bytes. */
const failedSyncRetried: PlantedBug = {
  name: "a failed sync is tried again as if nothing had happened",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  fileSystem: (inner) =>
    wrapped(inner, {}, (file) => ({
      sync: (done) => file.sync((error) => (error === undefined ? done(undefined) : file.sync(done))),
      append: (bytes, offset, length, sync, done) =>
        file.append(bytes, offset, length, false, (error) =>
          error !== undefined || !sync
            ? done(error)
            : file.sync((failed) => (failed === undefined ? done(undefined) : file.sync(done))),
        ),
      overwrite: (position, bytes, offset, length, sync, done) =>
        file.overwrite(position, bytes, offset, length, false, (error) =>
          error !== undefined || !sync
            ? done(error)
            : file.sync((failed) => (failed === undefined ? done(undefined) : file.sync(done))),
        ),
      syncSync: () => {
        try {
          file.syncSync();
        } catch {
          file.syncSync();
        }
      },
    })),
};

/** Replies leave before their effects are on disk. */
const repliesReleasedEarly: PlantedBug = {
  name: "the gate lets replies out at once",
  seedsMax: 10,
  finding: /acknowledged effects are lost/,
  beforeServing: (_assembly: Assembly, server: Server) => {
    server.turns.gate.hold = (_lsn, transport, output, batches, afterwards) => {
      for (const batch of batches) {
        transport.send(batch);
        output.giveBack(batch);
      }
      for (const { run } of afterwards) run();
    };
  },
};

/** Effects of every database are logged as if they were of database 0. */
const databaseNumberForgotten: PlantedBug = {
  name: "the log forgets the number of the database",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: ({ database }) => {
    const { log } = database;
    if (log === undefined) return;
    const { appendVerbatim, begin } = AppendOnlyLog.prototype;
    log.appendVerbatim = (_db, bytes, start, end) => appendVerbatim.call(log, 0, bytes, start, end);
    log.begin = (_db, argc) => begin.call(log, 0, argc);
  },
};

/** A key whose time has passed comes back when a later command is replayed on its old value. */
const expiryNotLogged: PlantedBug = {
  name: "the removal of an expired key is not logged",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: ({ database }) => {
    database.keyspace.onExpired = () => undefined;
  },
};

/** What was acknowledged long ago is still in the page cache only. */
const everySecondMissed: PlantedBug = {
  name: "the sync of everysec never begins",
  seedsMax: 10,
  finding: /acknowledged effects are lost/,
  beforeServing: ({ database }) => {
    const { log } = database;
    if (log === undefined) return;
    const { setPolicy } = AppendOnlyLog.prototype;
    const without = (policy: typeof log.policy): typeof log.policy => (policy === "everysec" ? "no" : policy);
    log.setPolicy = (policy) => setPolicy.call(log, without(policy));
    log.setPolicy(log.policy);
  },
};

/** A command that forgets to say what it did: no gap in the numbers, and yet the log is not the history. */
const effectDropped: PlantedBug = {
  name: "a renaming is executed and not logged",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: ({ database }) => {
    const { effects } = database;
    const verbatim = effects.verbatim.bind(effects);
    let renaming = false;
    for (const name of ["rename", "renamenx"]) {
      replaceBody(database, name, (context, execute) => {
        renaming = true;
        execute(context);
        renaming = false;
      });
    }
    effects.verbatim = () => {
      if (!renaming) verbatim();
    };
  },
};

/** Half a transaction: a crash between the two frames keeps the first one. */
const transactionSplit: PlantedBug = {
  name: "a transaction is logged in several frames",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: ({ database }) => {
    const { log } = database;
    if (log === undefined) return;
    const { executor } = database;
    const runInner = executor.runInner.bind(executor);
    log.beginUnit = () => undefined;
    log.endUnit = () => undefined;
    executor.runInner = (session, request, command) => {
      runInner(session, request, command);
      log.commitTurn(database.nowMs);
    };
  },
};

/** What RPUSH brings to a key is not offered to those who wait for it. */
const wakeForgotten: PlantedBug = {
  name: "a push tells nobody who waits",
  seedsMax: 10,
  finding: /waits although \S+ is ready/,
  beforeServing: ({ database }) => {
    replaceBody(database, "rpush", (context, execute) => {
      const { waiters } = context;
      context.waiters = 0;
      execute(context);
      context.waiters = waiters;
    });
  },
};

/** Chance is logged as it was asked for: replay takes other members out. */
const chanceLogged: PlantedBug = {
  name: "SPOP is logged as it was sent",
  seedsMax: 10,
  finding: DATA_DAMAGED,
  beforeServing: ({ database }) => {
    const { effects } = database;
    const names = [
      "begin",
      "end",
      "beginUnit",
      "endUnit",
      "argument",
      "argumentText",
      "requestArgument",
    ] as const;
    replaceBody(database, "spop", (context, execute) => {
      let pops = false;
      for (const name of names) effects[name] = () => void (pops = true);
      execute(context);
      for (const name of names) Reflect.deleteProperty(effects, name);
      if (pops) effects.verbatim();
    });
  },
};

/** Found only because each seed runs twice; the only one that needs it. */
export const CHANCE_FROM_OUTSIDE: Plant = {
  name: "a choice that no seed decides",
  fileSystem: (inner) =>
    wrapped(inner, {
      statSync: (path) => {
        if (Math.random() < 0.5) inner.statSync(path);
        return inner.statSync(path);
      },
    }),
};

function replaceBody(
  database: Database,
  name: string,
  body: (context: Context, execute: (context: Context) => void) => void,
): void {
  const command = database.table.named(name)!;
  const execute = command.execute!;
  (command as { execute: typeof command.execute }).execute = (context) => body(context, execute);
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  directorySyncSkipped,
  dataSyncSkipped,
  failedSyncRetried,
  repliesReleasedEarly,
  databaseNumberForgotten,
  expiryNotLogged,
  everySecondMissed,
  effectDropped,
  transactionSplit,
  wakeForgotten,
  chanceLogged,
  ...PLANTED_CHECKPOINT_BUGS,
];
