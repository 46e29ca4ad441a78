/** The contract of src/ports/buffers.ts, held by every implementation. */
import { describe, expect, it } from "vitest";
import { NativeBuffers } from "../../src/adapters/native/buffers.ts";
import { heapBuffers } from "../../src/ports/buffers.ts";
import { addon } from "./file-systems.ts";

const implementations = [
  { name: "heap", open: () => heapBuffers },
  ...(addon === undefined ? [] : [{ name: "native", open: () => new NativeBuffers(addon!.mapping) }]),
];
const SIZES = [8, 4096, 128 * 1024, 2 ** 20, 2 * 2 ** 20, 4 * 2 ** 20];

for (const { name, open } of implementations) {
  describe(`buffers: ${name}`, () => {
    it("are zeroed and of the size that was asked for", () => {
      const buffers = open();
      for (const size of SIZES) {
        for (const bySteps of [false, true]) {
          const buffer = buffers.allocate(size, bySteps);
          expect(buffer.byteLength).toBe(size);
          expect(new Uint8Array(buffer).every((byte) => byte === 0)).toBe(true);
          buffers.release(buffer);
        }
      }
    });

    it("keep what is written when they are filled, however often and whoever goes meanwhile", async () => {
      const buffers = open();
      const held = Array.from({ length: 40 }, (_, i) => {
        const bytes = new Uint8Array(buffers.allocate(2 * 2 ** 20, true));
        for (let at = 0; at < bytes.length; at += 1000) bytes[at] = i + at / 1000;
        buffers.filled(bytes.buffer);
        if (i % 3 === 0) buffers.filled(bytes.buffer);
        return bytes;
      });
      const isWhole = (bytes: Uint8Array, i: number): boolean => {
        for (let at = 0; at < bytes.length; at += 1000) {
          if (bytes[at] !== ((i + at / 1000) & 255)) return false;
        }
        return true;
      };
      for (const [i, bytes] of held.entries()) if (i % 4 === 1) buffers.release(bytes.buffer);
      for (let round = 0; round < 3; round++) {
        for (const [i, bytes] of held.entries()) if (i % 4 !== 1) expect(isWhole(bytes, i)).toBe(true);
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const [i, bytes] of held.entries()) if (i % 4 !== 1) buffers.release(bytes.buffer);
    });
  });
}
