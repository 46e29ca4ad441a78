/** The key hash against a plain reference of HalfSipHash, itself checked against the authors' published vector. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipHasher } from "../../src/engine/index/hash.ts";

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** HalfSipHash-c-d with 64-bit output: [low, high] as the authors print them, little-endian word by word. */
function reference(k0: number, k1: number, bytes: Uint8Array, c: number, d: number): [number, number] {
  const v = [k0, k1 ^ 0xee, 0x6c796765 ^ k0, 0x74656462 ^ k1];
  const round = (): void => {
    v[0] = (v[0]! + v[1]!) | 0;
    v[1] = rotate(v[1]!, 5) ^ v[0];
    v[0] = rotate(v[0], 16);
    v[2] = (v[2]! + v[3]!) | 0;
    v[3] = rotate(v[3]!, 8) ^ v[2];
    v[0] = (v[0] + v[3]) | 0;
    v[3] = rotate(v[3], 7) ^ v[0];
    v[2] = (v[2] + v[1]) | 0;
    v[1] = rotate(v[1], 13) ^ v[2];
    v[2] = rotate(v[2], 16);
  };
  const padded = new Uint8Array(bytes.length - (bytes.length % 4) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 255;
  const data = new DataView(padded.buffer);
  for (let i = 0; i < padded.length; i += 4) {
    v[3]! ^= data.getInt32(i, true);
    for (let r = 0; r < c; r++) round();
    v[0]! ^= data.getInt32(i, true);
  }
  v[2]! ^= 0xee;
  for (let r = 0; r < d; r++) round();
  const first = v[1]! ^ v[3]!;
  v[1]! ^= 0xdd;
  for (let r = 0; r < d; r++) round();
  return [first, v[1]! ^ v[3]!];
}

describe("key hash", () => {
  it("has a reference that agrees with the published vector", () => {
    const [first, second] = reference(0x03020100, 0x07060504, new Uint8Array(0), 2, 4);
    const out = Buffer.alloc(8);
    out.writeInt32LE(first, 0);
    out.writeInt32LE(second, 4);
    expect(out.toString("hex")).toBe("218d1f59b9b83cc8");
  });

  it("is HalfSipHash-1-3 for every length, offset and seed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(9),
        fc.integer(),
        fc.integer(),
        (bytes, offset, k0, k1) => {
          const framed = new Uint8Array(bytes.length + offset + 3).fill(0xa5);
          framed.set(bytes, offset);
          const hasher = new SipHasher(k0, k1);
          hasher.hash(new DataView(framed.buffer), offset, bytes.length);
          expect([hasher.high, hasher.low]).toEqual(reference(k0, k1, bytes, 1, 3));
        },
      ),
    );
  });

  it("spreads keys that differ in one digit over all values of its top bits", () => {
    const hasher = new SipHasher(123, 456);
    const counts = new Int32Array(256);
    for (let i = 0; i < 25_600; i++) {
      const key = Buffer.from(`key:${i}`);
      hasher.hash(new DataView(key.buffer, key.byteOffset, key.length), 0, key.length);
      counts[hasher.high >>> 24]!++;
    }
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(Math.max(...counts)).toBeLessThan(160);
  });
});
