import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromLatin1 } from "../../src/base/bytes.ts";
import { FerriteError } from "../../src/base/errors.ts";
import { formatDouble } from "../../src/protocol/format-double.ts";
import { GrowingOutput } from "../../src/protocol/output-space.ts";
import {
  type Reply,
  ReplyBigNumber,
  ReplyDouble,
  ReplyError,
  ReplyPush,
  ReplyVerbatim,
} from "../../src/protocol/reply.ts";
import { ReplyReader } from "../../src/protocol/reply-reader.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";

/** A reply to be written, and what a reader has to make of it in each protocol. */
interface Sample {
  write(writer: ReplyWriter): void;
  resp2: Reply;
  resp3: Reply;
}

const same = (write: (writer: ReplyWriter) => void, reply: Reply): Sample => ({
  write,
  resp2: reply,
  resp3: reply,
});
const line = fc.string({ maxLength: 120 }).map((text) => text.replace(/[\r\n\ufffd]/g, " "));
const bytes = fc.uint8Array({ maxLength: 200 });

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.constant(same((w) => w.ok(), "OK")),
  line.map((text) => same((w) => w.simple(text), text)),
  line.map((text) => same((w) => w.error(`ERR ${text}.`), new ReplyError(`ERR ${text}.`))),
  fc.maxSafeInteger().map((n) => same((w) => w.integer(n), n === 0 ? 0 : n)),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }).map((n) => same((w) => w.integerBig(n), n)),
  bytes.map((b) => same((w) => w.bulk(b, 0, b.length), b)),
  fc.maxSafeInteger().map((n) => same((w) => w.bulkInteger(n), fromLatin1(String(n)))),
  fc
    .string({ unit: "grapheme", maxLength: 80 })
    .map((t) => same((w) => w.bulkText(t), new TextEncoder().encode(t))),
  fc.constant(same((w) => w.nullBulk(), null)),
  fc.constant(same((w) => w.nullArray(), null)),
  fc.double().map((x) => ({
    write: (w: ReplyWriter) => w.double(x),
    resp2: fromLatin1(formatDouble(x)),
    resp3: new ReplyDouble(x, formatDouble(x)),
  })),
  fc.boolean().map((b) => ({ write: (w: ReplyWriter) => w.boolean(b), resp2: b ? 1 : 0, resp3: b })),
  fc.bigInt().map((n) => ({
    write: (w: ReplyWriter) => w.bigNumber(String(n)),
    resp2: fromLatin1(String(n)),
    resp3: new ReplyBigNumber(n),
  })),
  fc.string({ maxLength: 60 }).map((text) => ({
    write: (w: ReplyWriter) => w.verbatim("txt", text),
    resp2: new TextEncoder().encode(text),
    resp3: new ReplyVerbatim("txt", new TextEncoder().encode(text)),
  })),
);

const { reply } = fc.letrec<{ reply: Sample }>((tie) => ({
  reply: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("reply"), { maxLength: 6 }).map((items) =>
      aggregate(
        (w) => w.arrayHeader(items.length),
        items,
        (r) => r,
      ),
    ),
    fc.array(tie("reply"), { maxLength: 6 }).map((items) =>
      aggregate(
        (w) => w.setHeader(items.length),
        items,
        (r) => new Set(r),
      ),
    ),
    fc.array(tie("reply"), { maxLength: 6 }).map((items) =>
      aggregate(
        (w) => w.pushHeader(items.length),
        items,
        (r) => new ReplyPush(r),
      ),
    ),
    fc.array(fc.tuple(tie("reply"), tie("reply")), { maxLength: 4 }).map((pairs) =>
      aggregate(
        (w) => w.mapHeader(pairs.length),
        pairs.flat(),
        (r) => {
          const map = new Map<Reply, Reply>();
          for (let i = 0; i < r.length; i += 2) map.set(r[i]!, r[i + 1]!);
          return map;
        },
      ),
    ),
  ),
}));

function aggregate(
  header: (w: ReplyWriter) => void,
  items: Sample[],
  resp3: (replies: Reply[]) => Reply,
): Sample {
  return {
    write(writer) {
      header(writer);
      for (const item of items) item.write(writer);
    },
    resp2: items.map((item) => item.resp2),
    resp3: resp3(items.map((item) => item.resp3)),
  };
}

function decodeInPieces(stream: Uint8Array, cuts: readonly number[]): Reply[] {
  const reader = new ReplyReader();
  const replies: Reply[] = [];
  const bounds = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b);
  for (let i = 1; i < bounds.length; i++) {
    const piece = stream.slice(bounds[i - 1]!, bounds[i]!);
    reader.push(piece);
    piece.fill(0);
    for (let next = reader.next(); next !== undefined; next = reader.next()) replies.push(next);
  }
  expect(reader.midway).toBe(false);
  return replies;
}

describe("writer and reader", () => {
  it.each([2, 3] as const)("agree in RESP%i, however the stream is cut", (resp) => {
    fc.assert(
      fc.property(
        fc.array(reply, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (samples, cuts) => {
          const out = new GrowingOutput(8);
          const writer = new ReplyWriter(out, resp);
          for (const sample of samples) sample.write(writer);
          const expected = samples.map((sample) => (resp === 2 ? sample.resp2 : sample.resp3));
          expect(decodeInPieces(out.written(), cuts)).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("meet any bytes with replies, with waiting or with a corruption error", () => {
    const noise = fc.string({
      unit: fc.constantFrom(..."$*%~>|=!:,#_(+-0123456789txt:\r\n", "\r\n", "\xff"),
      maxLength: 200,
    });
    fc.assert(
      fc.property(noise, fc.nat(), (text, cut) => {
        const stream = Buffer.from(text, "latin1");
        const outcome = (cuts: number[]): unknown => {
          const reader = new ReplyReader({ bulkBytesMax: 1000 });
          const seen: unknown[] = [];
          let from = 0;
          for (const to of [...cuts, stream.length]) {
            reader.push(stream.subarray(from, to));
            from = to;
            try {
              for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next);
            } catch (error) {
              expect(error).toBeInstanceOf(FerriteError);
              return [...seen, (error as FerriteError).message];
            }
          }
          return seen;
        };
        expect(outcome([cut % (stream.length + 1)])).toEqual(outcome([]));
      }),
      { numRuns: 2000 },
    );
  });
});
