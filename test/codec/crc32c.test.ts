/** CRC-32C: the published vectors, and every implementation against every other. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadAddon } from "../../src/adapters/native/addon.ts";
import { type Crc32c, chooseCrc32c, crc32cPortable, NATIVE_LENGTH_MIN } from "../../src/codec/crc32c.ts";

const addon = loadAddon();
const IMPLEMENTATIONS: readonly { kind: string; crc32c: Crc32c | undefined }[] = [
  { kind: "portable", crc32c: crc32cPortable },
  { kind: `native (${addon?.CRC32C_KERNEL ?? "skipped: the addon is not built"})`, crc32c: addon?.crc32c },
  { kind: "native table", crc32c: addon?.crc32cTable },
  { kind: "chosen", crc32c: chooseCrc32c(addon?.crc32c) },
  { kind: "chosen without addon", crc32c: chooseCrc32c(undefined) },
];

/** RFC 3720 appendix B.4, as numbers. */
const VECTORS: readonly [string, Uint8Array, number][] = [
  ["32 bytes of zeros", new Uint8Array(32), 0x8a91_36aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ["32 bytes rising", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
  ["32 bytes falling", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
  [
    "an iSCSI read command",
    Uint8Array.from([
      0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0,
      0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
    ]),
    0xd996_3a56,
  ],
  ["the digits 1 to 9", new TextEncoder().encode("123456789"), 0xe306_9283],
  ["nothing", new Uint8Array(0), 0],
];

/** Bit by bit, from the definition. */
function reference(bytes: Uint8Array, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}

for (const { kind, crc32c } of IMPLEMENTATIONS) {
  describe.skipIf(crc32c === undefined)(`crc32c, ${kind}`, () => {
    for (const [name, bytes, expected] of VECTORS) {
      it(`answers the published value for ${name}`, () => {
        expect(crc32c!(bytes, 0, bytes.length, 0)).toBe(expected);
      });
    }

    it("equals the definition at any offset, length and seed", () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 300 }),
          fc.nat(20),
          fc.nat(20),
          fc.nat(0xffff_ffff),
          (bytes, front, back, seed) => {
            const offset = Math.min(front, bytes.length);
            const length = Math.max(0, bytes.length - offset - back);
            expect(crc32c!(bytes, offset, length, seed)).toBe(
              reference(bytes.subarray(offset, offset + length), seed),
            );
          },
        ),
      );
    });

    it("equals the definition around the lengths where it changes its method", () => {
      const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => (i * 197 + (i >> 7)) & 0xff);
      for (const around of [8, NATIVE_LENGTH_MIN, 768, 1536, 12_288, 24_576, 36_864]) {
        for (let length = around - 9; length <= around + 9; length++) {
          if (length < 0) continue;
          const offset = length % 7;
          expect(crc32c!(bytes, offset, length, 5)).toBe(
            reference(bytes.subarray(offset, offset + length), 5),
          );
        }
      }
    });

    it("chains: the sum of parts is the sum of the whole", () => {
      const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 31) & 0xff);
      const whole = crc32c!(bytes, 0, bytes.length, 0);
      for (const cut of [0, 1, 7, 8, 95, 4096, 12_289, 49_999, 50_000]) {
        expect(crc32c!(bytes, cut, bytes.length - cut, crc32c!(bytes, 0, cut, 0))).toBe(whole);
      }
    });

    it("notices every single flipped bit", () => {
      const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
      const before = crc32c!(bytes, 0, 200, 0);
      for (let bit = 0; bit < 1600; bit++) {
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(crc32c!(bytes, 0, 200, 0)).not.toBe(before);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
    });
  });
}

describe.skipIf(addon === undefined)("crc32c in the addon", () => {
  it("refuses a range outside the array", () => {
    expect(() => addon!.crc32c(new Uint8Array(4), 2, 3, 0)).toThrow(RangeError);
    expect(() => addon!.crc32c(new Uint8Array(4), 5, 0, 0)).toThrow(RangeError);
  });
});
