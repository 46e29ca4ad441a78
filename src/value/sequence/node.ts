/**
 * An inner node of a sequence's tree: its children and how many elements are below each of them.
 *
 *   word 0        epoch     when the piece was born; the tree's
 *   word 1        size      children, from 1 to the fan-out F
 *   2             counts    F words: elements below each child
 *   2 + F         children  F words: the pieces
 *   2 + 2 × F     scores    F doubles, only where elements have scores: the separators
 *
 * Hot-path file: functions over (words, at), where `at` is the index of the node's first word; nothing allocates.
 *
 * Invariant: separator i, for i > 0, is not less than any score below child i - 1 and not greater than any below child
 * i. It need not be a score that is there. Separator 0 means nothing.
 *
 * Counts instead of running totals, because every write changes a count on each level, and totals behind it; adding
 * up some thirty words is cheap beside the miss that brings the next level in.
 */

const SIZE = 1;
const COUNTS = 2;

/** Bytes of a node. */
export function nodeBytesFor(fanOut: number, scored: boolean): number {
  return 4 * (COUNTS + 2 * fanOut) + (scored ? 8 * fanOut : 0);
}

export function formatNode(words: Int32Array, at: number, epoch: number): void {
  words[at] = epoch;
  words[at + SIZE] = 0;
}

export function nodeSize(words: Int32Array, at: number): number {
  return words[at + SIZE]!;
}

export function setNodeSize(words: Int32Array, at: number, size: number): void {
  words[at + SIZE] = size;
}

export function countAt(words: Int32Array, at: number, slot: number): number {
  return words[at + COUNTS + slot]!;
}

export function setCountAt(words: Int32Array, at: number, slot: number, count: number): void {
  words[at + COUNTS + slot] = count;
}

export function addToCountAt(words: Int32Array, at: number, slot: number, change: number): void {
  words[at + COUNTS + slot]! += change;
}

export function childAt(words: Int32Array, at: number, fanOut: number, slot: number): number {
  return words[at + COUNTS + fanOut + slot]!;
}

export function setChildAt(words: Int32Array, at: number, fanOut: number, slot: number, piece: number): void {
  words[at + COUNTS + fanOut + slot] = piece;
}

/** Byte offset of separator `slot` in the node that begins at word `at`. */
export function separatorAt(at: number, fanOut: number, slot: number): number {
  return 4 * (at + COUNTS + 2 * fanOut) + 8 * slot;
}

/** Elements below children [first, end). */
export function countBetween(words: Int32Array, at: number, first: number, end: number): number {
  let sum = 0;
  for (let i = at + COUNTS + first; i < at + COUNTS + end; i++) sum += words[i]!;
  return sum;
}

/** Makes room for a child at `slot`; the node is not full. Its count is 0, the rest of it undefined. */
export function openChild(
  words: Int32Array,
  at: number,
  fanOut: number,
  scored: boolean,
  slot: number,
): void {
  const size = words[at + SIZE]!;
  const counts = at + COUNTS;
  const children = counts + fanOut;
  for (let i = size; i > slot; i--) {
    words[counts + i] = words[counts + i - 1]!;
    words[children + i] = words[children + i - 1]!;
  }
  if (scored) {
    const scores = children + fanOut;
    for (let i = 2 * size + 1; i > 2 * slot + 1; i--) words[scores + i] = words[scores + i - 2]!;
  }
  words[counts + slot] = 0;
  words[at + SIZE] = size + 1;
}

/** Takes children [slot, slot + removed) out. */
export function closeChildren(
  words: Int32Array,
  at: number,
  fanOut: number,
  scored: boolean,
  slot: number,
  removed: number,
): void {
  const size = words[at + SIZE]! - removed;
  const counts = at + COUNTS;
  const children = counts + fanOut;
  for (let i = slot; i < size; i++) {
    words[counts + i] = words[counts + i + removed]!;
    words[children + i] = words[children + i + removed]!;
  }
  if (scored) {
    const scores = children + fanOut;
    for (let i = 2 * slot; i < 2 * size; i++) words[scores + i] = words[scores + i + 2 * removed]!;
  }
  words[at + SIZE] = size;
}

/** Appends children [first, size) of the node at `fromAt` to the node at `at`, which has room for them. */
export function appendChildren(
  words: Int32Array,
  at: number,
  from: Int32Array,
  fromAt: number,
  fanOut: number,
  scored: boolean,
  first: number,
): void {
  const held = words[at + SIZE]!;
  const added = from[fromAt + SIZE]! - first;
  const counts = COUNTS;
  const children = counts + fanOut;
  for (let i = 0; i < added; i++) {
    words[at + counts + held + i] = from[fromAt + counts + first + i]!;
    words[at + children + held + i] = from[fromAt + children + first + i]!;
  }
  if (scored) {
    const scores = children + fanOut;
    for (let i = 0; i < 2 * added; i++) {
      words[at + scores + 2 * held + i] = from[fromAt + scores + 2 * first + i]!;
    }
  }
  words[at + SIZE] = held + added;
}
