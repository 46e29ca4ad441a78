import { describe, expect, it } from "vitest";
import { latin1 } from "../../src/base/bytes.ts";
import { GrowingOutput, type OutputSpace, ROOM_BYTES_MAX } from "../../src/protocol/output-space.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { bytesOf } from "./reading.ts";

function written(resp: 2 | 3, write: (writer: ReplyWriter) => void): string {
  const out = new GrowingOutput(1);
  write(new ReplyWriter(out, resp));
  return latin1(out.written());
}

/** Arenas of a fixed size in a chain; a new one begins, wherever the old one stands, when room is asked for. */
class ChainedOutput implements OutputSpace {
  bytes: Uint8Array;
  position = 0;
  limit: number;
  largestNeed = 0;
  readonly #full: string[] = [];
  readonly #sizeBytes: number;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.bytes = new Uint8Array(sizeBytes);
    this.limit = sizeBytes;
  }

  makeRoom(needed: number): void {
    this.largestNeed = Math.max(this.largestNeed, needed);
    if (this.limit - this.position >= needed) return;
    this.#full.push(latin1(this.bytes, 0, this.position));
    this.bytes = new Uint8Array(this.#sizeBytes);
    this.position = 0;
  }

  text(): string {
    return this.#full.join("") + latin1(this.bytes, 0, this.position);
  }
}

describe("reply texts", () => {
  it.each<[string, (w: ReplyWriter) => void, string, string]>([
    ["ok", (w) => w.ok(), "+OK\r\n", "+OK\r\n"],
    ["pong", (w) => w.pong(), "+PONG\r\n", "+PONG\r\n"],
    ["queued", (w) => w.queued(), "+QUEUED\r\n", "+QUEUED\r\n"],
    [
      "simple",
      (w) => w.simple("Background saving\r\nstarted"),
      "+Background saving  started\r\n",
      "+Background saving  started\r\n",
    ],
    ["error", (w) => w.error("ERR a\r\nb\r\n"), "-ERR a  b\r\n", "-ERR a  b\r\n"],
    [
      "error with a client's bytes",
      (w) => w.error("ERR '\xff\x01'"),
      "-ERR '\xff\x01'\r\n",
      "-ERR '\xff\x01'\r\n",
    ],
    [
      "error with wide characters",
      (w) => w.error("ERR \u20ac"),
      "-ERR \xe2\x82\xac\r\n",
      "-ERR \xe2\x82\xac\r\n",
    ],
    ["integer", (w) => w.integer(-42), ":-42\r\n", ":-42\r\n"],
    [
      "largest integer",
      (w) => w.integer(Number.MAX_SAFE_INTEGER),
      ":9007199254740991\r\n",
      ":9007199254740991\r\n",
    ],
    [
      "big integer",
      (w) => w.integerBig(-(2n ** 63n)),
      ":-9223372036854775808\r\n",
      ":-9223372036854775808\r\n",
    ],
    ["bulk", (w) => w.bulk(bytesOf("xabcx"), 1, 3), "$3\r\nabc\r\n", "$3\r\nabc\r\n"],
    ["empty bulk", (w) => w.bulk(bytesOf(""), 0, 0), "$0\r\n\r\n", "$0\r\n\r\n"],
    [
      "text",
      (w) => w.bulkText("\u00e4\u20ac"),
      "$5\r\n\xc3\xa4\xe2\x82\xac\r\n",
      "$5\r\n\xc3\xa4\xe2\x82\xac\r\n",
    ],
    ["latin1", (w) => w.bulkLatin1("\xe4\0"), "$2\r\n\xe4\0\r\n", "$2\r\n\xe4\0\r\n"],
    ["bulk integer", (w) => w.bulkInteger(-7), "$2\r\n-7\r\n", "$2\r\n-7\r\n"],
    ["null", (w) => w.nullBulk(), "$-1\r\n", "_\r\n"],
    ["null array", (w) => w.nullArray(), "*-1\r\n", "_\r\n"],
    ["array", (w) => w.arrayHeader(12), "*12\r\n", "*12\r\n"],
    ["map", (w) => w.mapHeader(3), "*6\r\n", "%3\r\n"],
    ["set", (w) => w.setHeader(3), "*3\r\n", "~3\r\n"],
    ["push", (w) => w.pushHeader(3), "*3\r\n", ">3\r\n"],
    ["double", (w) => w.double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"],
    ["whole double", (w) => w.double(3), "$1\r\n3\r\n", ",3\r\n"],
    ["infinity", (w) => w.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
    ["true", (w) => w.boolean(true), ":1\r\n", "#t\r\n"],
    ["false", (w) => w.boolean(false), ":0\r\n", "#f\r\n"],
    [
      "big number",
      (w) => w.bigNumber("123456789012345678901"),
      "$21\r\n123456789012345678901\r\n",
      "(123456789012345678901\r\n",
    ],
    [
      "verbatim",
      (w) => w.verbatim("txt", "a\n\u20ac"),
      "$5\r\na\n\xe2\x82\xac\r\n",
      "=9\r\ntxt:a\n\xe2\x82\xac\r\n",
    ],
    ["raw", (w) => w.raw(bytesOf("x+OK\r\n"), 1, 5), "+OK\r\n", "+OK\r\n"],
  ])("writes %s", (_name, write, resp2, resp3) => {
    expect(written(2, write)).toBe(resp2);
    expect(written(3, write)).toBe(resp3);
  });

  it("writes attributes in RESP3 only, and says so", () => {
    let answer: boolean | undefined;
    expect(written(2, (w) => (answer = w.attributeHeader(1)))).toBe("");
    expect(answer).toBe(false);
    expect(written(3, (w) => (answer = w.attributeHeader(1)))).toBe("|1\r\n");
    expect(answer).toBe(true);
  });
});

describe("output in arenas", () => {
  it("crosses arenas in the middle of a large reply and never asks for more than its bound", () => {
    const payload = new Uint8Array(100_000).map((_, i) => i % 251);
    const long = "\u20ac".repeat(20_000);
    const write = (writer: ReplyWriter): void => {
      writer.arrayHeader(5);
      writer.bulk(payload, 17, 99_000);
      writer.bulkText(long);
      writer.verbatim("txt", long);
      writer.error(`ERR ${"x".repeat(30_000)}`);
      writer.bulk(payload, 0, 8_000);
    };
    const chain = new ChainedOutput(ROOM_BYTES_MAX);
    write(new ReplyWriter(chain, 3));
    expect(chain.text()).toBe(written(3, write));
    expect(chain.largestNeed).toBeLessThanOrEqual(ROOM_BYTES_MAX);
  });

  it("grows a single buffer, and gives memory back when it is cleared", () => {
    const out = new GrowingOutput(16);
    const writer = new ReplyWriter(out);
    writer.bulk(new Uint8Array(300_000).fill(97), 0, 300_000);
    expect(out.written().length).toBe(300_011);
    out.clear(1024);
    expect(out.limit).toBe(1024);
    writer.ok();
    expect(latin1(out.written())).toBe("+OK\r\n");
  });
});
