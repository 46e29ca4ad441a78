import { describe, expect, it } from "vitest";
import type { FerriteError } from "../../src/base/errors.ts";
import {
  plainReply,
  type Reply,
  ReplyDouble,
  ReplyError,
  ReplyPush,
  ReplyVerbatim,
} from "../../src/protocol/reply.ts";
import { type ReplyLimits, ReplyReader } from "../../src/protocol/reply-reader.ts";
import { bytesOf } from "./reading.ts";

function decode(text: string, limits: Partial<ReplyLimits> = {}): Reply[] {
  const reader = new ReplyReader(limits);
  reader.push(bytesOf(text));
  const replies: Reply[] = [];
  for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
  return replies;
}

const plain = (text: string): unknown[] => decode(text).map((reply) => plainReply(reply));

describe("decoding replies", () => {
  it("knows every type", () => {
    expect(plain("+OK\r\n:12\r\n:-3\r\n$3\r\nabc\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n")).toEqual([
      "OK",
      12,
      -3,
      "abc",
      "",
      null,
      null,
      null,
    ]);
    expect(plain("#t\r\n#f\r\n,1.5\r\n,inf\r\n,-inf\r\n,nan\r\n,1e-7\r\n(12345678901234567890\r\n")).toEqual([
      true,
      false,
      1.5,
      Infinity,
      -Infinity,
      NaN,
      1e-7,
      12345678901234567890n,
    ]);
    expect(
      plain(
        "*2\r\n*0\r\n*1\r\n:1\r\n%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n>2\r\n+message\r\n+x\r\n=8\r\ntxt:text\r\n",
      ),
    ).toEqual([[[], [1]], new Map([["a", new Set([1, 2])]]), ["message", "x"], "text"]);
  });

  it("keeps apart what JavaScript would mix up", () => {
    const [double, push, verbatim, simple, bulk, big] = decode(
      ",3\r\n>1\r\n+x\r\n=7\r\nmkd:**b\r\n+x\r\n$1\r\nx\r\n:9223372036854775807\r\n",
    );
    expect(double).toEqual(new ReplyDouble(3, "3"));
    expect(push).toEqual(new ReplyPush(["x"]));
    expect(verbatim).toEqual(new ReplyVerbatim("mkd", bytesOf("**b")));
    expect(simple).toBe("x");
    expect(bulk).toEqual(bytesOf("x"));
    expect(big).toBe(9223372036854775807n);
  });

  it("gives errors a code", () => {
    const [short, bulk] = decode("-WRONGTYPE Operation\r\n!11\r\nSYNTAX a\r\nb\r\n");
    expect(short).toBeInstanceOf(ReplyError);
    expect((short as ReplyError).code).toBe("WRONGTYPE");
    expect((bulk as ReplyError).message).toBe("SYNTAX a\r\nb");
  });

  it("drops attributes, wherever they stand", () => {
    expect(plain("|1\r\n+ttl\r\n:5\r\n*2\r\n|0\r\n:1\r\n|1\r\n+a\r\n*1\r\n+b\r\n:2\r\n:3\r\n")).toEqual([
      [1, 2],
      3,
    ]);
  });

  it("knows whether it stands in the middle of a reply", () => {
    const reader = new ReplyReader();
    for (const [bytes, midway] of [
      ["*2\r\n", true],
      [":1\r\n", true],
      [":2\r\n", false],
      ["$3\r\nab", true],
      ["c\r\n", false],
    ] as const) {
      reader.push(bytesOf(bytes));
      while (reader.next() !== undefined);
      expect(reader.midway).toBe(midway);
    }
  });

  it.each([
    ["?\r\n", /type byte 0x3f/],
    ["$x\r\n", /length of a bulk string that is not a number/],
    ["$-2\r\n", /length of a bulk string/],
    ["$1\r\nabc", /not followed by a line end/],
    ["*-2\r\n", /element count/],
    ["%-1\r\n", /element count/],
    [":\r\n", /integer/],
    [":9223372036854775808\r\n", /does not fit/],
    ["#x\r\n", /neither t nor f/],
    ["_x\r\n", /null with content/],
    [",1.2.3\r\n", /double/],
    ["(1x\r\n", /big number/],
    ["=2\r\nab\r\n", /verbatim/],
    ["+a\rb\r\n", /without a line feed/],
  ])("refuses %j and stays failed", (text, message) => {
    const reader = new ReplyReader();
    reader.push(bytesOf(`+OK\r\n${text}`));
    expect(reader.next()).toBe("OK");
    expect(() => reader.next()).toThrow(message);
    reader.push(bytesOf("+OK\r\n"));
    try {
      reader.next();
      expect.unreachable();
    } catch (error) {
      expect((error as FerriteError).kind).toBe("corruption");
      expect((error as FerriteError).message).toMatch(/offset \d+ of the stream/);
    }
  });

  it("names the offset of what it refuses", () => {
    expect(() => decode("+OK\r\n$2\r\nab\r\n*1\r\n?")).not.toThrow();
    expect(() => decode("+OK\r\n$2\r\nab\r\n*1\r\n?\r\n")).toThrow(/offset 17 /);
  });

  it("bounds lengths, counts, lines and nesting", () => {
    expect(() => decode("$101\r\n", { bulkBytesMax: 100 })).toThrow(/101, expected at most 100/);
    expect(() => decode("%6\r\n", { elementCountMax: 10 })).toThrow(/6, expected at most 5/);
    expect(() => decode(`+${"x".repeat(200)}`, { lineBytesMax: 100 })).toThrow(/line of more than 100/);
    expect(() => decode("*1\r\n".repeat(101), { depthMax: 100 })).toThrow(/nesting deeper than 100/);
    expect(decode("*2147483647\r\n")).toEqual([]);
  });
});
