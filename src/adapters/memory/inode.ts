/**
 * The nodes of the crashable file system: what a file's readers see, and what a machine would find after power loss.
 *
 * Invariants
 *  - `bytes` up to `sizeBytes` is what readers see; `durable` up to `durableSizeBytes` is what is certain;
 *  - `changes` lead from the durable to the visible state, in order; a sync moves a prefix of them over;
 *  - a fate is drawn once per change: a failed sync draws it at once and forgets the change, as a kernel does
 *    that has marked the page clean, so that the next sync succeeds over lost data.
 *
 * Twice the memory of the data, which keeps every rule visible in a few lines; this is for tests.
 */
import type { Random } from "../../ports/random.ts";

const CERTAIN = -1;

interface Change {
  /** A write of `bytes` at `position`; a truncation to `position` if `bytes` is undefined. */
  readonly position: number;
  readonly bytes: Uint8Array | undefined;
  /** "certain": it is on the disk, although changes before it may not be; "settled": what became of it has been drawn. */
  fate: "open" | "certain" | "settled";
}

export class FileNode {
  readonly kind = "file";
  bytes = new Uint8Array(0);
  sizeBytes = 0;
  reservedBytes = 0;
  modifiedMs = 0;
  /** Folders that name it, and open files: it takes space until both are gone. */
  users = 0;
  /** Copies that were mapped: bit flips reach them too. */
  readonly mapped = new Set<Uint8Array>();
  #durable = new Uint8Array(0);
  #durableSizeBytes = 0;
  #changes: Change[] = [];
  /** Changes that were ever forgotten from the front; makes a mark stay valid meanwhile. */
  #settled = 0;

  /** What this node takes from the volume's capacity. */
  get spaceBytes(): number {
    return Math.max(this.sizeBytes, this.reservedBytes);
  }

  write(position: number, source: Uint8Array): void {
    if (source.length === 0) return;
    const bytes = source.slice();
    this.bytes = withWrite(this.bytes, this.sizeBytes, position, bytes, 0, bytes.length);
    this.sizeBytes = Math.max(this.sizeBytes, position + bytes.length);
    this.#changes.push({ position, bytes, fate: "open" });
  }

  truncate(sizeBytes: number): void {
    this.bytes = withSize(this.bytes, this.sizeBytes, sizeBytes);
    this.sizeBytes = sizeBytes;
    this.reservedBytes = Math.min(this.reservedBytes, sizeBytes);
    this.#changes.push({ position: sizeBytes, bytes: undefined, fate: "open" });
  }

  /** The changes made so far, to be named when the sync that starts now has ended. */
  mark(): number {
    return this.#settled + this.#changes.length;
  }

  /** A sync that started at `mark` has succeeded. */
  settle(mark: number): void {
    for (const change of this.#take(mark)) {
      if (change.fate === "settled") continue;
      if (change.bytes === undefined) this.#cutDurable(change.position);
      else this.#writeDurable(change.position, change.bytes, 0, change.bytes.length);
    }
  }

  /** A sync that started at `mark` has failed: each change is on disk or is not, and nobody will say. */
  settleByChance(mark: number, random: Random): void {
    for (const change of this.#take(mark)) this.#settleChange(change, random);
  }

  /** True if every byte of [from, to) is in the file and on the disk as it is seen. */
  isCertain(from: number, to: number): boolean {
    if (to > this.#durableSizeBytes) return false;
    return this.#changes.every(
      ({ position, bytes, fate }) =>
        fate === "certain" || position >= to || (bytes !== undefined && position + bytes.length <= from),
    );
  }

  /** What was written inside [from, to) is on the disk now. */
  settleRange(from: number, to: number): void {
    for (const change of this.#inside(from, to)) change.fate = "certain";
  }

  /** It was to be put on the disk, which failed: see `settleByChance`. */
  settleRangeByChance(from: number, to: number, random: Random): void {
    for (const change of this.#inside(from, to)) {
      this.#settleChange(change, random);
      change.fate = "settled";
    }
  }

  /** The file as found after power loss; this node is not changed. */
  afterPowerLoss(random: Random): FileNode {
    const found = new FileNode();
    found.modifiedMs = this.modifiedMs;
    found.#durable = this.#durable.slice(0, this.#durableSizeBytes);
    found.#durableSizeBytes = this.#durableSizeBytes;
    for (const change of this.#changes) found.#settleChange(change, random);
    found.bytes = found.#durable.slice(0, found.#durableSizeBytes);
    found.sizeBytes = found.#durableSizeBytes;
    return found;
  }

  /** The file as the next process finds it: all that was written is still there, and still as little synced. */
  copy(): FileNode {
    const found = new FileNode();
    found.modifiedMs = this.modifiedMs;
    found.reservedBytes = this.reservedBytes;
    found.bytes = this.bytes.slice(0, this.sizeBytes);
    found.sizeBytes = this.sizeBytes;
    found.#durable = this.#durable.slice(0, this.#durableSizeBytes);
    found.#durableSizeBytes = this.#durableSizeBytes;
    found.#changes = this.#changes.map((change) => ({ ...change }));
    return found;
  }

  /** Flips bits of one byte everywhere: in the page cache, on the disk, in mapped copies. */
  corrupt(offset: number, mask: number): void {
    this.bytes[offset] = this.bytes[offset]! ^ mask;
    if (offset < this.#durableSizeBytes) this.#durable[offset] = this.#durable[offset]! ^ mask;
    for (const copy of this.mapped) if (offset < copy.length) copy[offset] = copy[offset]! ^ mask;
    for (const { position, bytes } of this.#changes) {
      const at = offset - position;
      if (bytes !== undefined && at >= 0 && at < bytes.length) bytes[at] = bytes[at]! ^ mask;
    }
  }

  #inside(from: number, to: number): Change[] {
    return this.#changes.filter(
      ({ position, bytes, fate }) =>
        fate === "open" && bytes !== undefined && position >= from && position + bytes.length <= to,
    );
  }

  #take(mark: number): Change[] {
    const taken = this.#changes.splice(0, Math.max(0, mark - this.#settled));
    this.#settled += taken.length;
    return taken;
  }

  /** Whole, not at all, a torn front, a torn middle, or the size without the data: each as likely. */
  #settleChange(change: Change, random: Random): void {
    const { position, bytes } = change;
    if (change.fate === "settled") return;
    const fate = change.fate === "certain" ? CERTAIN : random.below(5);
    if (fate === 0) return;
    if (bytes === undefined) {
      this.#cutDurable(position);
      return;
    }
    if (fate === CERTAIN) {
      this.#writeDurable(position, bytes, 0, bytes.length);
      return;
    }
    const cut = random.below(bytes.length + 1);
    if (fate === 1) this.#writeDurable(position, bytes, 0, bytes.length);
    if (fate === 2) this.#writeDurable(position, bytes, 0, cut);
    if (fate === 3) this.#writeDurable(position, bytes, cut, cut + random.below(bytes.length - cut + 1));
    if (fate === 4) {
      // Only blocks that are new to the file can be found as zeros; what is overwritten is found old or new.
      const from = Math.min(cut, Math.max(0, this.#durableSizeBytes - position));
      this.#writeDurable(position, new Uint8Array(bytes.length), from, cut);
    }
  }

  #writeDurable(position: number, bytes: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    this.#durable = withWrite(this.#durable, this.#durableSizeBytes, position, bytes, from, to);
    this.#durableSizeBytes = Math.max(this.#durableSizeBytes, position + to);
  }

  #cutDurable(sizeBytes: number): void {
    this.#durable = withSize(this.#durable, this.#durableSizeBytes, sizeBytes);
    this.#durableSizeBytes = sizeBytes;
  }
}

/** The array with room for a write and the write in it; a gap before it reads as zeros. */
function withWrite(
  array: Uint8Array<ArrayBuffer>,
  sizeBytes: number,
  position: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  const room = withSize(array, sizeBytes, Math.max(sizeBytes, position + to));
  room.set(bytes.subarray(from, to), position + from);
  return room;
}

/** The array with room for `wanted` bytes, everything from the smaller of both sizes on being zero. */
function withSize(
  array: Uint8Array<ArrayBuffer>,
  sizeBytes: number,
  wanted: number,
): Uint8Array<ArrayBuffer> {
  if (wanted <= array.length) {
    array.fill(0, Math.min(sizeBytes, wanted), Math.max(sizeBytes, wanted));
    return array;
  }
  const grown = new Uint8Array(Math.max(wanted, array.length * 2, 64));
  grown.set(array.subarray(0, Math.min(sizeBytes, wanted)));
  return grown;
}
