/** What the tests of sequences share: small trees, models, and reading everything that is in a sequence or a capture. */
import fc from "fast-check";
import type { SequenceCapture } from "../../src/value/sequence/capture.ts";
import type { ListSequence } from "../../src/value/sequence/list-sequence.ts";
import type { ScoreSequence } from "../../src/value/sequence/score-sequence.ts";
import type { TreeSizes } from "../../src/value/sequence/tree.ts";

/** Sizes with which some hundred elements give trees of three to five levels, and the production's. */
export const anySizes: fc.Arbitrary<TreeSizes> = fc.constantFrom(
  { leafBytes: 48, fanOut: 4 },
  { leafBytes: 64, fanOut: 4 },
  { leafBytes: 100, fanOut: 5 },
  { leafBytes: 256, fanOut: 8 },
  { leafBytes: 2048, fanOut: 63 },
);

export const SMALL: TreeSizes = { leafBytes: 64, fanOut: 4 };

/** Bytes of any length: mostly a few, some longer than a small leaf, some longer than a real one. */
export const anyBytes: fc.Arbitrary<string> = fc.oneof(
  { weight: 12, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 12 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("x", "yz", "\u00ff"), fc.integer({ min: 0, max: 120 }))
      .map(([a, n]) => a.repeat(n)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 5000 }).map((n) => "long".repeat(n).slice(0, n)) },
);

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

/** The view of a sequence or a capture. */
export function viewOf(at: { bytes: Uint8Array; offset: number; length: number }): string {
  return Buffer.from(at.bytes.buffer, at.bytes.byteOffset + at.offset, at.length).toString("latin1");
}

export function listContent(list: ListSequence): string[] {
  const content: string[] = [];
  if (list.size === 0) return content;
  list.seekFirst();
  do content.push(viewOf(list));
  while (list.next());
  return content;
}

export interface Scored {
  readonly score: number;
  readonly member: string;
}

export function scoreContent(sequence: ScoreSequence): Scored[] {
  const content: Scored[] = [];
  if (sequence.size === 0) return content;
  sequence.seekRank(0);
  do content.push({ score: sequence.score, member: viewOf(sequence) });
  while (sequence.next());
  return content;
}

/** The order of a sorted set. */
export function scoredOrder(a: Scored, b: Scored): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return Buffer.compare(bytesOf(a.member), bytesOf(b.member));
}

/** Reads up to `leavesMax` leaves of a capture into `content`; true when it is at its end. */
export function readLeaves(
  capture: SequenceCapture,
  leavesMax: number,
  take: (capture: SequenceCapture) => void,
): boolean {
  for (let i = 0; i < leavesMax; i++) {
    if (!capture.nextLeaf()) return true;
    for (let index = 0; index < capture.count; index++) {
      capture.place(index);
      take(capture);
    }
  }
  return false;
}
