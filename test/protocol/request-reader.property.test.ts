import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, encode, readerWith, readInPieces } from "./reading.ts";

const argument = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
  maxLength: 40,
});
const command = fc.array(argument, { minLength: 1, maxLength: 12 });
const cuts = fc.array(fc.nat(), { maxLength: 30 });
/** Bytes of which protocol is made, so that random streams get past the first header. */
const protocolByte = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(..."*$0123456789-+\r\n\"' \\xPING\0") },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) },
);
const noise = fc.string({ unit: fc.oneof(protocolByte, fc.constant("\r\n")), maxLength: 300 });
const smallLimits = { bulkBytesMax: 64, inlineBytesMax: 48, argumentCountMax: 20, requestBytesMax: 400 };

describe("any list of commands", () => {
  it("is read as it was written, cut anywhere", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 12 }), cuts, (commands, at) => {
        const outcome = readInPieces(
          readerWith(),
          bytesOf(commands.map((args) => encode(...args)).join("")),
          at,
        );
        expect(outcome.error).toBe("");
        expect(outcome.commands).toEqual(commands);
        expect(outcome.verbatim.every((verbatim) => verbatim)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("is read as it was written, byte by byte", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 5 }), (commands) => {
        const stream = bytesOf(commands.map((args) => encode(...args)).join(""));
        const everywhere = Array.from({ length: stream.length }, (_, i) => i);
        expect(readInPieces(readerWith(), stream, everywhere).commands).toEqual(commands);
      }),
      { numRuns: 100 },
    );
  });
});

describe("any bytes at all", () => {
  it("mean the same however they are cut, authenticated or not", () => {
    fc.assert(
      fc.property(noise, cuts, fc.boolean(), (text, at, authenticated) => {
        const stream = bytesOf(text);
        const whole = readerWith(smallLimits);
        const pieces = readerWith(smallLimits);
        whole.authenticated = authenticated;
        pieces.authenticated = authenticated;
        expect(readInPieces(pieces, stream, at)).toEqual(readInPieces(whole, stream, []));
      }),
      { numRuns: 3000 },
    );
  });

  it("mean the same when a valid stream has been damaged, and never make the buffer outgrow them", () => {
    const damage = fc.array(
      fc.tuple(fc.nat(), protocolByte, fc.constantFrom("replace", "insert", "delete")),
      {
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 8 }), damage, cuts, (commands, hits, at) => {
        let text = commands.map((args) => encode(...args)).join("");
        for (const [where, byte, how] of hits) {
          const index = where % (text.length + 1);
          const rest = text.slice(how === "insert" ? index : index + 1);
          text = text.slice(0, index) + (how === "delete" ? "" : byte) + rest;
        }
        const stream = bytesOf(text);
        const pieces = readerWith();
        const cut = readInPieces(pieces, stream, at);
        expect(cut).toEqual(readInPieces(readerWith(), stream, []));
        expect(pieces.bufferedBytes).toBeLessThanOrEqual(3 * stream.length + 2048);
      }),
      { numRuns: 2000 },
    );
  });
});
