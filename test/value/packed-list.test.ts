/** A list's packed form against an array: read from both ends, edited in the middle. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isCompactList } from "../../src/value/list/compact-list.ts";
import {
  listElementLength,
  listElementStart,
  listEntryAt,
  listEntryBefore,
  listEntryBytes,
  moveListBytes,
  nextListEntry,
  PACKED_LIST_HEAD_BYTES,
  packedListBytes,
  packedListCount,
  writeListEntry,
  writeListHead,
} from "../../src/value/list/packed-list.ts";
import { PACKED_BYTES_MAX } from "../../src/value/unpacked.ts";

const BASE = 5;

function packed(elements: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(BASE + PACKED_BYTES_MAX + 8).fill(0xdd);
  let at = BASE + PACKED_LIST_HEAD_BYTES;
  for (const element of elements) {
    at = writeListEntry(bytes, at, Buffer.from(element, "latin1"), 0, element.length);
  }
  writeListHead(bytes, BASE, elements.length, at - BASE - PACKED_LIST_HEAD_BYTES);
  return bytes;
}

function elementAt(bytes: Uint8Array, at: number): string {
  const start = listElementStart(bytes, at);
  return Buffer.from(bytes.subarray(start, start + listElementLength(bytes, at))).toString("latin1");
}

function forward(bytes: Uint8Array): string[] {
  const elements: string[] = [];
  let at = BASE + PACKED_LIST_HEAD_BYTES;
  const end = at + packedListBytes(bytes, BASE);
  for (; at < end; at = nextListEntry(bytes, at)) elements.push(elementAt(bytes, at));
  expect(at).toBe(end);
  expect(packedListCount(bytes, BASE)).toBe(elements.length);
  return elements;
}

function backward(bytes: Uint8Array): string[] {
  const elements: string[] = [];
  const start = BASE + PACKED_LIST_HEAD_BYTES;
  let at = start + packedListBytes(bytes, BASE);
  while (at > start) {
    at = listEntryBefore(bytes, at);
    elements.push(elementAt(bytes, at));
  }
  expect(at).toBe(start);
  return elements.reverse();
}

const element = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 6 }),
  fc.constantFrom(0, 1, 126, 127, 128, 129, 255, 256, 300).map((length) => "e".repeat(length)),
);

describe("a packed list", () => {
  it("reads the same from both ends, and at any index", () => {
    fc.assert(
      fc.property(fc.array(element, { maxLength: 12 }), (elements) => {
        const bytes = packed(elements);
        expect(forward(bytes)).toEqual(elements);
        expect(backward(bytes)).toEqual(elements);
        elements.forEach((value, index) => {
          expect(elementAt(bytes, listEntryAt(bytes, BASE, index))).toBe(value);
        });
      }),
    );
  });

  it("is as long as its entries say", () => {
    for (const length of [0, 1, 127, 128, 2000]) {
      const bytes = packed(["x".repeat(length)]);
      expect(packedListBytes(bytes, BASE)).toBe(listEntryBytes(length));
    }
  });

  it("makes room and closes it anywhere", () => {
    fc.assert(
      fc.property(
        fc.array(element, { minLength: 1, maxLength: 9 }),
        fc.nat(),
        element,
        (elements, place, added) => {
          const index = place % (elements.length + 1);
          const bytes = packed(elements);
          const end = BASE + PACKED_LIST_HEAD_BYTES + packedListBytes(bytes, BASE);
          const at = listEntryAt(bytes, BASE, index);
          const grown = listEntryBytes(added.length);
          moveListBytes(bytes, at, end, grown);
          writeListEntry(bytes, at, Buffer.from(added, "latin1"), 0, added.length);
          writeListHead(bytes, BASE, elements.length + 1, end + grown - BASE - PACKED_LIST_HEAD_BYTES);
          expect(forward(bytes)).toEqual([...elements.slice(0, index), added, ...elements.slice(index)]);
          moveListBytes(bytes, at + grown, end + grown, -grown);
          writeListHead(bytes, BASE, elements.length, end - BASE - PACKED_LIST_HEAD_BYTES);
          expect(forward(bytes)).toEqual(elements);
        },
      ),
    );
  });
});

describe("list-max-listpack-size", () => {
  it("bounds bytes where it is negative", () => {
    const bounds = [4096, 8192, 16_384, 32_768, 65_536];
    bounds.forEach((bytes, level) => {
      expect(isCompactList(-1 - level, 100_000, bytes)).toBe(true);
      expect(isCompactList(-1 - level, 1, bytes + 1)).toBe(false);
    });
    expect(isCompactList(-6, 1, 65_536)).toBe(true);
  });

  it("bounds elements, and bytes too, where it is positive", () => {
    expect(isCompactList(3, 3, 8192)).toBe(true);
    expect(isCompactList(3, 4, 100)).toBe(false);
    expect(isCompactList(3, 1, 8193)).toBe(false);
    expect(isCompactList(0, 1, 10)).toBe(true);
    expect(isCompactList(0, 2, 10)).toBe(false);
  });
});
