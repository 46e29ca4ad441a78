/**
 * Recounts the engine: every counter against what is really there.
 *
 * What must hold: the order and placement of slots, the counts of rows and keyspaces, the directory's prefixes,
 * every slot on a record of its own keyspace whose hash has the slot's tag, no record with two slots, and per
 * segment live units that are exactly those of records with a slot.
 */
import { assert } from "../base/assert.ts";
import { expiryOf, handleOf, isFiller, isUnpacked, keyspaceOf, sizeUnitsOf } from "./hot/record.ts";
import type { RecordLog } from "./hot/record-log.ts";
import * as layout from "./index/layout.ts";
import type { SubTables } from "./index/sub-tables.ts";
import { NO_EXPIRY } from "./keyspace.ts";
import type { UnpackedTable } from "./unpacked-table.ts";

export function verifyEngine(tables: SubTables, log: RecordLog, unpacked: UnpackedTable): void {
  const live = new Map<number, Set<number>>();
  for (const id of log.segments.ids()) live.set(id, new Set());
  for (let keyspace = 0; keyspace < tables.keyspaces; keyspace++) verifyKeyspace(tables, log, keyspace, live);

  verifyStructures(log, live, unpacked);
  let usedUnits = 0;
  let deadUnits = 0;
  for (const [id, units] of live) {
    let liveUnits = 0;
    let met = 0;
    log.segments.forEachRecord(id, (unit, size) => {
      if (!units.has(unit)) return;
      assert(!isFiller(log.segments.words[id]!, unit * 2), "a slot points at a filler");
      liveUnits += size;
      met++;
    });
    assert(met === units.size, "a slot points into the middle of a record");
    assert(liveUnits === log.segments.liveUnits(id), "live units of a segment are miscounted");
    usedUnits += log.segments.usedUnits[id]!;
    deadUnits += log.segments.deadUnits[id]!;
  }
  assert(usedUnits === log.segments.usedUnitsTotal, "used units of the log are miscounted");
  assert(deadUnits === log.segments.deadUnitsTotal, "dead units of the log are miscounted");
}

/** Every structure is held by exactly one of the live records, whose key the table knows. */
function verifyStructures(
  log: RecordLog,
  live: ReadonlyMap<number, ReadonlySet<number>>,
  unpacked: UnpackedTable,
): void {
  const held = new Set<number>();
  for (const [segment, units] of live) {
    const words = log.segments.words[segment]!;
    for (const unit of units) {
      if (!isUnpacked(words, unit * 2)) continue;
      const handle = handleOf(log.segments.data[segment]!, words, unit * 2);
      assert(!held.has(handle), "two records hold one structure");
      held.add(handle);
      log.hashRecord(segment, unit);
      assert(
        unpacked.keyspaceOf(handle) === keyspaceOf(words, unit * 2) &&
          unpacked.highOf(handle) === log.high &&
          unpacked.lowOf(handle) === log.low,
        "a structure does not know its key",
      );
    }
  }
  assert(held.size === unpacked.count, "a structure is held by no record");
}

function verifyKeyspace(
  tables: SubTables,
  log: RecordLog,
  keyspace: number,
  live: Map<number, Set<number>>,
): void {
  const directory = tables.directories[keyspace]!;
  let count = 0;
  let volatiles = 0;
  let previous = -1;
  for (let i = 0; i < directory.length; i++) {
    const row = directory[i]!;
    if (row === layout.ROW_NONE) continue;
    assert(tables.rows[row + layout.ROW_OWNER] === keyspace, "a directory names another keyspace's row");
    const depth = tables.rows[row + layout.ROW_DEPTH]!;
    const prefix = depth === 0 ? 0 : ((i << tables.shifts[keyspace]!) >>> (32 - depth)) << (32 - depth);
    assert(tables.rows[row + layout.ROW_PREFIX] === (prefix | 0), "a directory entry names the wrong prefix");
    if (row === previous) continue;
    previous = row;
    verifyRow(tables, log, row, live);
    count += tables.rows[row + layout.ROW_COUNT]!;
    volatiles += tables.rows[row + layout.ROW_VOLATILE_COUNT]!;
  }
  assert(count === tables.counts[keyspace], "keys of a keyspace are miscounted");
  assert(volatiles === tables.volatileCounts[keyspace], "keys with an expiry are miscounted");
}

function verifyRow(tables: SubTables, log: RecordLog, row: number, live: Map<number, Set<number>>): void {
  const rows = tables.rows;
  const unitCount = rows[row + layout.ROW_UNIT_COUNT]!;
  const base = rows[row + layout.ROW_TAG_BASE]!;
  const bitsAbove = rows[row + layout.ROW_DEPTH]! - base;
  const span = layout.homeSpan(unitCount);
  let count = 0;
  let volatiles = 0;
  let lastTag = -1;
  let lastEmpty = -1;
  for (let slot = 0; slot < unitCount * layout.UNIT_SLOTS; slot++) {
    const slab = tables.slabOf(row, slot >>> 7);
    const word = tables.firstWordOf(row, slot >>> 7) + ((slot & 127) << 1);
    const high = slab[word]!;
    const low = slab[word + 1]!;
    if (low === layout.SLOT_EMPTY) {
      lastEmpty = slot;
      continue;
    }
    const tag = high >>> layout.TAG_SHIFT;
    const home = layout.homeOf(tag, bitsAbove, span);
    assert(tag >= lastTag, "slots are out of order");
    assert(home <= slot && home > lastEmpty, "a slot is out of reach of its home");
    lastTag = tag;
    count++;
    const isVolatile = (high & layout.SLOT_VOLATILE) !== 0;
    if (isVolatile) volatiles++;
    const segment = ((high & layout.SLOT_SEGMENT_MASK) << 12) | (low >>> 20);
    verifyRecord(log, rows[row + layout.ROW_OWNER]!, segment, low & 0xfffff, isVolatile, live);
    assert(layout.tagOf(log.high, log.low, base) === tag, "a slot's tag is not its key's");
  }
  assert(lastEmpty === unitCount * layout.UNIT_SLOTS - 1, "the last slot of a sub-table is in use");
  assert(count === rows[row + layout.ROW_COUNT], "keys of a sub-table are miscounted");
  assert(
    volatiles === rows[row + layout.ROW_VOLATILE_COUNT],
    "a sub-table's keys with an expiry are miscounted",
  );
}

function verifyRecord(
  log: RecordLog,
  keyspace: number,
  segment: number,
  unit: number,
  isVolatile: boolean,
  live: Map<number, Set<number>>,
): void {
  const units = live.get(segment);
  assert(units !== undefined, "a slot points at a segment that is not there");
  assert(!units.has(unit), "two slots point at one record");
  units.add(unit);
  const words = log.segments.words[segment]!;
  assert(log.isInMemory(segment), "a record that should be in memory is not");
  log.hashRecord(segment, unit);
  assert(keyspaceOf(words, unit * 2) === keyspace, "a record belongs to another keyspace");
  assert(
    (expiryOf(words, unit * 2) !== NO_EXPIRY) === isVolatile,
    "a slot's volatile bit is not its record's",
  );
  assert(sizeUnitsOf(words, unit * 2) > 1, "a record is smaller than its header");
}
