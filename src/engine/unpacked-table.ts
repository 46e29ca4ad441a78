/**
 * The structures of unpacked collections, by the handle that their records hold; the freeing of those whose records have
 * died; and which of them a checkpoint has to write.
 *
 * Invariants
 *  - A handle in the table is held by exactly one live record, whose keyspace and key hash it knows.
 *  - A dropped structure is not reachable any more and is released in slices; its handle is used again only after it was
 *    dropped, and not before the capture has ended that was open then.
 *  - A structure that has changed since it was last written (or never was) is dirty. It tells of its first change after
 *    each capture began, before it happens.
 *  - While a capture is open every structure that was dirty when it began is captured at the latest just before it changes or
 *    is dropped.
 */
import { assert } from "../base/assert.ts";
import type { ChangeGuard } from "../value/change-guard.ts";
import type { ValueCapture } from "../value/format/value-capture.ts";
import type { UnpackedValue } from "../value/unpacked.ts";
import type { CapturedStructure, StructureEntry, StructurePlace } from "./capture/capture-face.ts";
import { handleOf, isUnpacked } from "./hot/record.ts";

const INITIAL_HANDLES = 64;
/** No keyspace: the handle is free. */
const NOBODY = -1;
const NEVER = Number.POSITIVE_INFINITY;
/** No values file: the structure was never written. */
const NOWHERE = 0;

/** Of a handle. */
const DIRTY = 1;
/** The open capture has yet to capture it. */
const WANTED = 2;

interface Owner {
  readonly keyspace: number;
  readonly high: number;
  readonly low: number;
}

export class UnpackedTable implements ChangeGuard {
  readonly #values: (UnpackedValue | undefined)[] = [];
  /** By handle: the internal keyspace and the hash of the key that own it. */
  #keyspaces = new Int32Array(INITIAL_HANDLES).fill(NOBODY);
  #high = new Int32Array(INITIAL_HANDLES);
  #low = new Int32Array(INITIAL_HANDLES);
  /** By handle: when the structure says that an element is due; Infinity for never. */
  #due = new Float64Array(INITIAL_HANDLES).fill(NEVER);
  /** By handle: DIRTY, WANTED. */
  #state = new Uint8Array(INITIAL_HANDLES);
  /** By handle: the epoch in which it was given out. */
  #births = new Int32Array(INITIAL_HANDLES);
  /** By handle: where its bytes were written last. */
  #files = new Float64Array(INITIAL_HANDLES);
  #offsets = new Float64Array(INITIAL_HANDLES);
  #lengths = new Float64Array(INITIAL_HANDLES);
  readonly #free: number[] = [];
  #dropped: UnpackedValue[] = [];
  /** Handles that became dirty since the last capture began; some may be free by now, or dirty twice. */
  #dirty: number[] = [];
  /** Structures that records hold, and those among them with elements that have times of their own. */
  count = 0;
  expiring = 0;
  /** Goes up when a capture begins. */
  epoch = 1;

  // Of the open capture.
  #isCapturing = false;
  #wanted: number[] = [];
  #captured: CapturedStructure[] = [];
  /** Handed out and not yet written. */
  #taken: CapturedStructure | undefined;
  /** Captures whose memory has yet to be freed. */
  #ending: ValueCapture[] = [];
  /** Handles that were dropped since it began. */
  #freeLater: number[] = [];
  /** Owners at its beginning, of handles that have another one by now. */
  readonly #ownersBefore = new Map<number, Owner>();
  #endBefore = 0;

  /** Takes a structure in; answers its handle. */
  add(value: UnpackedValue, keyspace: number, high: number, low: number): number {
    const handle = this.#free.pop() ?? this.#values.length;
    this.#enter(handle, value);
    this.#births[handle] = this.epoch;
    this.#files[handle] = NOWHERE;
    this.#makeDirty(handle);
    this.#setOwner(handle, keyspace, high, low);
    this.noteDue(handle);
    return handle;
  }

  /** Takes a structure in that a checkpoint has written, under the handle it had then. `endAdopting` follows the last one. */
  adopt(entry: StructureEntry, value: UnpackedValue): void {
    const { handle } = entry;
    assert(this.#values[handle] === undefined, "two structures have one handle");
    while (this.#values.length < handle) this.#values.push(undefined);
    this.#enter(handle, value);
    // Nothing of it is dirty: it tells of its first change.
    value.guardedEpoch = this.epoch - 1;
    this.#births[handle] = this.epoch;
    this.#state[handle] = 0;
    this.#setPlace(handle, entry);
    this.#setOwner(handle, entry.keyspace, entry.hashHigh, entry.hashLow);
    this.noteDue(handle);
  }

  /** Handles that none was adopted for are free. */
  endAdopting(): void {
    this.#free.length = 0;
    for (let handle = this.#values.length - 1; handle >= 0; handle--)
      if (this.#values[handle] === undefined) this.#free.push(handle);
  }

  #enter(handle: number, value: UnpackedValue): void {
    if (handle >= this.#keyspaces.length) this.#grow(handle);
    this.#values[handle] = value;
    this.count++;
    value.handle = handle;
    value.guard = this;
    value.guardedEpoch = this.epoch;
  }

  /** Looks again when an element of the structure is due: after one was given a time, or was removed by its time. */
  noteDue(handle: number): void {
    this.#setDue(handle, this.get(handle).elementsDueMs ?? NEVER);
  }

  #setDue(handle: number, dueMs: number): void {
    this.expiring += (dueMs < NEVER ? 1 : 0) - (this.#due[handle]! < NEVER ? 1 : 0);
    this.#due[handle] = dueMs;
  }

  isDue(handle: number, nowMs: number): boolean {
    return this.#due[handle]! < nowMs;
  }

  /** The first handle from `handle` to `end` whose structure has an element that is due before `nowMs`; `end` if there is none. */
  nextDue(handle: number, end: number, nowMs: number): number {
    const due = this.#due;
    while (handle < end && due[handle]! >= nowMs) handle++;
    return handle;
  }

  get(handle: number): UnpackedValue {
    const value = this.#values[handle];
    assert(value !== undefined, "a record holds the handle of no structure");
    return value;
  }

  /** The record that holds the handle has this key now. */
  own(handle: number, keyspace: number, high: number, low: number): void {
    if (this.#isCapturing && !this.#ownersBefore.has(handle)) {
      this.#ownersBefore.set(handle, this.#ownerOf(handle));
    }
    this.#setOwner(handle, keyspace, high, low);
  }

  #setOwner(handle: number, keyspace: number, high: number, low: number): void {
    this.#keyspaces[handle] = keyspace;
    this.#high[handle] = high;
    this.#low[handle] = low;
  }

  #ownerOf(handle: number): Owner {
    return {
      keyspace: this.#keyspaces[handle]!,
      high: this.#high[handle]!,
      low: this.#low[handle]!,
    };
  }

  keyspaceOf(handle: number): number {
    return this.#keyspaces[handle]!;
  }
  highOf(handle: number): number {
    return this.#high[handle]!;
  }
  lowOf(handle: number): number {
    return this.#low[handle]!;
  }

  /** Handles are below this. */
  get end(): number {
    return this.#values.length;
  }

  /** The structure, or undefined if the handle is free. */
  at(handle: number): UnpackedValue | undefined {
    return this.#values[handle];
  }

  /** The record that held the handle is dead. */
  drop(handle: number): void {
    const value = this.get(handle);
    if ((this.#state[handle]! & WANTED) !== 0) this.#capture(handle, value);
    this.#dropped.push(value);
    this.#setDue(handle, NEVER);
    this.#values[handle] = undefined;
    this.#state[handle] = 0;
    this.count--;
    if (this.#isCapturing) this.#freeLater.push(handle);
    else this.#giveBack(handle);
  }

  #giveBack(handle: number): void {
    this.#keyspaces[handle] = NOBODY;
    this.#files[handle] = NOWHERE;
    this.#free.push(handle);
  }

  /** The record at (words, word) is dead; `data` is over the same memory. */
  dropOf(data: DataView, words: Int32Array, word: number): void {
    if (isUnpacked(words, word)) this.drop(handleOf(data, words, word));
  }

  /** The keyspace was flushed. */
  dropKeyspace(keyspace: number): void {
    if (this.count === 0) return;
    for (let handle = 0; handle < this.#values.length; handle++) {
      if (this.#keyspaces[handle] === keyspace && this.#values[handle] !== undefined) this.drop(handle);
    }
  }

  /** Drops every structure. */
  clear(): void {
    for (let handle = 0; handle < this.#values.length; handle++)
      if (this.#values[handle] !== undefined) this.drop(handle);
    this.endAdopting();
  }

  /** Structures and captures that are waiting to be freed; Redis's lazyfree_pending_objects. */
  get pending(): number {
    return this.#dropped.length + this.#ending.length;
  }

  /** Frees up to about `piecesMax` pieces of dropped structures and of captures that have ended. */
  step(piecesMax: number): void {
    const capture = this.#ending.at(-1);
    if (capture === undefined) {
      if (this.#dropped.at(-1)?.release(piecesMax) === true) this.#dropped.pop();
    } else if (capture.release(piecesMax)) {
      this.#ending.pop();
    }
  }

  // -- changes and captures ------------------------------------------------------------------------------------

  /** The structure is about to change for the first time since a capture began. */
  aboutToChange(value: UnpackedValue): void {
    const { handle } = value;
    assert(this.#values[handle] === value, "a structure that changes is in the table");
    value.guardedEpoch = this.epoch;
    if ((this.#state[handle]! & WANTED) !== 0) this.#capture(handle, value);
    this.#makeDirty(handle);
  }

  #makeDirty(handle: number): void {
    if ((this.#state[handle]! & DIRTY) !== 0) return;
    this.#state[handle] = this.#state[handle]! | DIRTY;
    this.#dirty.push(handle);
  }

  #capture(handle: number, value: UnpackedValue): void {
    this.#state[handle] = this.#state[handle]! & ~WANTED;
    this.#captured.push({ handle, value: value.capture() });
  }

  /** Structures are written again by the next capture whose bytes lie in one of these values files; all of them for "all". */
  rewrite(files: ReadonlySet<number> | "all"): void {
    if (files !== "all" && files.size === 0) return;
    for (let handle = 0; handle < this.#values.length; handle++) {
      if (this.#values[handle] === undefined) continue;
      if (files === "all" || files.has(this.#files[handle]!)) this.#makeDirty(handle);
    }
  }

  /** Begins a capture of all structures as they are now. */
  beginCapture(): void {
    assert(!this.#isCapturing, "one capture at a time");
    this.#isCapturing = true;
    this.epoch++;
    this.#endBefore = this.#values.length;
    this.#wanted = this.#dirty;
    this.#dirty = [];
    for (const handle of this.#wanted) {
      if (this.#values[handle] !== undefined && (this.#state[handle]! & DIRTY) !== 0)
        this.#state[handle] = WANTED;
    }
  }

  /** See EngineCapture.nextStructure. */
  nextCaptured(): CapturedStructure | undefined {
    assert(this.#taken === undefined, "structures are written one after the other");
    while (this.#captured.length === 0) {
      const handle = this.#wanted.pop();
      if (handle === undefined) return undefined;
      if ((this.#state[handle]! & WANTED) !== 0) this.#capture(handle, this.get(handle));
    }
    this.#taken = this.#captured.pop();
    return this.#taken;
  }

  /** The structure that was handed out last is written. */
  noteWritten(handle: number, place: StructurePlace): void {
    assert(this.#taken?.handle === handle, "a structure was written that is not being written");
    this.#setPlace(handle, place);
    this.#release(this.#taken.value);
    this.#taken = undefined;
  }

  /** Ends a capture: the structure may be captured again; memory comes back in slices. */
  #release(capture: ValueCapture): void {
    if (!capture.release(1)) this.#ending.push(capture);
  }

  #setPlace(handle: number, place: StructurePlace): void {
    this.#files[handle] = place.file;
    this.#offsets[handle] = place.offset;
    this.#lengths[handle] = place.bytes;
  }

  /** Every structure that the capture began with, and where it is. */
  *capturedEntries(): Generator<StructureEntry> {
    assert(
      this.#captured.length === 0 && this.#wanted.length === 0,
      "structures are listed before they are written",
    );
    for (let handle = 0; handle < this.#endBefore; handle++) {
      if (this.#births[handle]! >= this.epoch || this.#keyspaces[handle] === NOBODY) continue;
      const { keyspace, high, low } = this.#ownersBefore.get(handle) ?? this.#ownerOf(handle);
      assert(this.#files[handle] !== NOWHERE, "a captured structure was not written");
      yield {
        handle,
        keyspace,
        hashHigh: high,
        hashLow: low,
        file: this.#files[handle]!,
        offset: this.#offsets[handle]!,
        bytes: this.#lengths[handle]!,
      };
    }
  }

  /**
   * Ends the capture. `written` says that the places noted are good; else what was to be written is dirty again, and places
   * in `file`, which is not kept, are forgotten.
   */
  endCapture(file: number, written: boolean): void {
    this.#isCapturing = false;
    if (!written) {
      for (let handle = 0; handle < this.#endBefore; handle++) {
        if (this.#values[handle] === undefined) continue;
        if ((this.#state[handle]! & WANTED) !== 0 || this.#files[handle] === file) {
          this.#state[handle] = this.#state[handle]! & ~WANTED;
          this.#makeDirty(handle);
        }
      }
      if (this.#taken !== undefined) this.#captured.push(this.#taken);
      for (const { handle, value } of this.#captured) {
        this.#release(value);
        if (this.#values[handle] !== undefined) this.#makeDirty(handle);
      }
    }
    assert(
      !written || this.#captured.length === 0,
      "a checkpoint is complete without some of its structures",
    );
    this.#taken = undefined;
    this.#captured = [];
    this.#wanted = [];
    this.#ownersBefore.clear();
    for (const handle of this.#freeLater) this.#giveBack(handle);
    this.#freeLater = [];
  }

  /** Memory that captures alone hold. */
  get retainedBytes(): number {
    let bytes = this.#taken?.value.retainedBytes ?? 0;
    for (const { value } of this.#captured) bytes += value.retainedBytes;
    return bytes;
  }

  #grow(handle: number): void {
    let length = this.#keyspaces.length * 2;
    while (length <= handle) length *= 2;
    const keyspaces = new Int32Array(length).fill(NOBODY);
    keyspaces.set(this.#keyspaces);
    this.#keyspaces = keyspaces;
    const due = new Float64Array(length).fill(NEVER);
    due.set(this.#due);
    this.#due = due;
    this.#high = widened(this.#high, new Int32Array(length));
    this.#low = widened(this.#low, new Int32Array(length));
    this.#births = widened(this.#births, new Int32Array(length));
    this.#state = widened(this.#state, new Uint8Array(length));
    this.#files = widened(this.#files, new Float64Array(length));
    this.#offsets = widened(this.#offsets, new Float64Array(length));
    this.#lengths = widened(this.#lengths, new Float64Array(length));
  }
}

function widened<T extends Int32Array | Uint8Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
