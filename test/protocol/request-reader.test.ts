import { describe, expect, it } from "vitest";
import { defaultProtocolLimits } from "../../src/protocol/limits.ts";
import { Request } from "../../src/protocol/request.ts";
import {
  READ_COMPLETE,
  READ_INCOMPLETE,
  READ_MALFORMED,
  RequestReader,
} from "../../src/protocol/request-reader.ts";
import {
  argumentsOf,
  bytesOf,
  drain,
  encode,
  type Outcome,
  read,
  readerWith,
  readInPieces,
} from "./reading.ts";

describe("multi-bulk requests", () => {
  it("finds pipelined commands and says where each one's raw bytes are", () => {
    const text = encode("SET", "k", "v") + encode("GET", "k");
    const bytes = bytesOf(text);
    const reader = readerWith();
    const request = new Request();
    reader.offer(bytes, 0, bytes.length);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    expect(argumentsOf(request)).toEqual(["SET", "k", "v"]);
    expect(request.bytes).toBe(bytes);
    expect(text.slice(request.start, request.end)).toBe(encode("SET", "k", "v"));
    expect(request.verbatim).toBe(true);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    expect(argumentsOf(request)).toEqual(["GET", "k"]);
    expect(reader.next(request)).toBe(READ_INCOMPLETE);
  });

  it("takes binary arguments, empty arguments and arguments that look like protocol", () => {
    const odd = ["SET", "", "\x00\xff\r\n$3\r\n", "*1\r\n"];
    expect(read(encode(...odd)).commands).toEqual([odd]);
  });

  it("takes more arguments than a request has room for at first", () => {
    const many = Array.from({ length: 3000 }, (_, i) => `a${i}`);
    expect(read(encode(...many)).commands).toEqual([many]);
    expect(readInPieces(readerWith(), bytesOf(encode(...many)), [11, 5000, 5001, 20_000]).commands).toEqual([
      many,
    ]);
  });

  it("skips empty requests as Redis does", () => {
    expect(read("\r\n\n*0\r\n*-1\r\n*-9223372036854775808\r\nPING\r\n").commands).toEqual([["PING"]]);
  });

  it("does not look at the bytes that Redis does not look at, but then the raw bytes are not verbatim", () => {
    const outcome = read(`*1\rx$4\ryPINGzz${encode("PING")}*1\r\n$4\r\nPINGab`);
    expect(outcome.commands).toEqual([["PING"], ["PING"], ["PING"]]);
    expect(outcome.verbatim).toEqual([false, true, false]);
  });

  it.each([
    ["*3\r\n$3\r\nSET$1\r\n", "expected '$', got '\r'"],
    ["*1\r\nPING\r\n", "expected '$', got 'P'"],
    ["*+1\r\n", "invalid multibulk length"],
    ["*01\r\n", "invalid multibulk length"],
    ["*-0\r\n", "invalid multibulk length"],
    ["*\r\n", "invalid multibulk length"],
    ["*abc\r\n", "invalid multibulk length"],
    ["*1 \r\n", "invalid multibulk length"],
    ["*1\n$4\nPING\n\r\n", "invalid multibulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
    ["*-9223372036854775809\r\n", "invalid multibulk length"],
    ["*1\r\n$-1\r\n", "invalid bulk length"],
    ["*1\r\n$+4\r\n", "invalid bulk length"],
    ["*1\r\n$04\r\n", "invalid bulk length"],
    ["*1\r\n$\r\n", "invalid bulk length"],
    ["*1\r\n$536870913\r\n", "invalid bulk length"],
    ["*1\r\n$99999999999999999999\r\n", "invalid bulk length"],
    [`*${"1".repeat(65_537)}`, "too big mbulk count string"],
    [`*1\r\n$${"1".repeat(65_537)}`, "too big bulk count string"],
    [`*1\0${"1".repeat(65_537)}\r\n`, "too big mbulk count string"],
  ])("refuses %j", (text, error) => {
    const outcome = read(encode("PING") + text);
    expect(outcome).toEqual({ commands: [["PING"]], verbatim: [true], error: `Protocol error: ${error}` });
  });

  it("reads nothing more after an error", () => {
    const reader = readerWith();
    const outcome: Outcome = { commands: [], verbatim: [], error: "" };
    for (const text of ["*x\r\n", encode("PING"), encode("PING")]) {
      const bytes = bytesOf(text);
      reader.offer(bytes, 0, bytes.length);
      drain(reader, outcome);
      expect(reader.next(new Request())).toBe(READ_MALFORMED);
      reader.retain();
    }
    expect(outcome.commands).toEqual([]);
    expect(reader.bufferedBytes).toBe(0);
    reader.reset();
    expect(readInPieces(reader, bytesOf(encode("PING")), []).commands).toEqual([["PING"]]);
  });
});

describe("limits", () => {
  it("holds an unauthenticated client to ten arguments of 16 KiB", () => {
    const reader = readerWith();
    reader.authenticated = false;
    const eleven = Array.from({ length: 11 }, () => "a");
    expect(readInPieces(reader, bytesOf(encode(...eleven.slice(1))), []).commands).toHaveLength(1);
    expect(readInPieces(reader, bytesOf(encode(...eleven)), []).error).toBe(
      "Protocol error: unauthenticated multibulk length",
    );
    reader.reset();
    expect(readInPieces(reader, bytesOf(encode("a".repeat(16_384))), []).commands).toHaveLength(1);
    expect(readInPieces(reader, bytesOf(encode("a".repeat(16_385))), []).error).toBe(
      "Protocol error: unauthenticated bulk length",
    );
  });

  it("lifts the bounds for the command behind the one that authenticated", () => {
    const reader = readerWith();
    reader.authenticated = false;
    const bytes = bytesOf(encode("AUTH", "secret") + encode(..."abcdefghijklmn"));
    const request = new Request();
    reader.offer(bytes, 0, bytes.length);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    reader.authenticated = true;
    expect(reader.next(request)).toBe(READ_COMPLETE);
    expect(request.argc).toBe(14);
  });

  it("follows a change of the limits", () => {
    const limits = defaultProtocolLimits();
    const reader = new RequestReader(limits);
    limits.bulkBytesMax = 5;
    expect(readInPieces(reader, bytesOf(encode("12345")), []).commands).toEqual([["12345"]]);
    expect(readInPieces(reader, bytesOf(encode("123456")), []).error).toBe(
      "Protocol error: invalid bulk length",
    );
  });

  it("bounds a request as a whole, however it is cut", () => {
    const limits = { requestBytesMax: 100 };
    for (const cuts of [[], [50], [10, 20, 30, 99]]) {
      const fits = bytesOf(encode("SET", "k", "v".repeat(73)));
      expect(fits.length).toBe(100);
      expect(readInPieces(readerWith(limits), fits, cuts).commands).toHaveLength(1);
      const tooLong = bytesOf(encode("SET", "k", "v".repeat(74)));
      expect(readInPieces(readerWith(limits), tooLong, cuts).error).toMatch(/query buffer limit/);
    }
  });
});

describe("turns", () => {
  it("puts a command back, across the end of the turn", () => {
    const reader = readerWith();
    const request = new Request();
    const bytes = bytesOf(encode("GET", "a") + encode("GET", "b"));
    reader.offer(bytes, 0, bytes.length);
    reader.next(request);
    reader.unread();
    expect(() => reader.unread()).toThrow(/put back/);
    reader.retain();
    bytes.fill(0);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    expect(argumentsOf(request)).toEqual(["GET", "a"]);
    reader.unread();
    const more = bytesOf(encode("GET", "c"));
    reader.offer(more, 0, more.length);
    const outcome: Outcome = { commands: [], verbatim: [], error: "" };
    drain(reader, outcome);
    expect(outcome.commands).toEqual([
      ["GET", "a"],
      ["GET", "b"],
      ["GET", "c"],
    ]);
  });

  it("puts an inline command with quotes back", () => {
    const reader = readerWith();
    const request = new Request();
    const bytes = bytesOf('SET k "a b"\r\nPING\r\n');
    reader.offer(bytes, 0, bytes.length);
    reader.next(request);
    reader.unread();
    reader.next(request);
    expect(argumentsOf(request)).toEqual(["SET", "k", "a b"]);
    reader.next(request);
    expect(argumentsOf(request)).toEqual(["PING"]);
  });

  it("joins pieces that lie side by side in one arena without copying", () => {
    const reader = readerWith();
    const request = new Request();
    const bytes = bytesOf(encode("SET", "key", "value"));
    reader.offer(bytes, 0, 9);
    expect(reader.next(request)).toBe(READ_INCOMPLETE);
    reader.offer(bytes, 9, bytes.length - 9);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    expect(request.bytes).toBe(bytes);
    reader.retain();
    expect(reader.bufferedBytes).toBe(0);
  });

  it("holds no memory while nothing is unread", () => {
    const reader = readerWith();
    readInPieces(reader, bytesOf(encode("SET", "k", "v".repeat(200_000))), [20, 100_000]);
    expect(reader.bufferedBytes).toBe(0);
    readInPieces(reader, bytesOf(encode("SET", "k", "v")), [20]);
    expect(reader.bufferedBytes).toBeLessThanOrEqual(16 * 1024);
    readInPieces(reader, bytesOf(encode("SET", "k", "v")), []);
    expect(reader.bufferedBytes).toBe(0);
  });
});

describe("memory while a command arrives", () => {
  it("reserves nothing for what a header only announces", () => {
    const reader = readerWith();
    readInPieces(reader, bytesOf("*1048576\r\n$536870912\r\nabc"), [3, 12, 20]);
    expect(reader.bufferedBytes).toBeLessThan(4096);
  });

  it("takes a large argument in small pieces with memory near its size and no quadratic copying", () => {
    const size = 24 * 1024 * 1024;
    const reader = readerWith();
    const request = new Request();
    const piece = new Uint8Array(16 * 1024).fill(120);
    const give = (bytes: Uint8Array): number => {
      reader.offer(bytes, 0, bytes.length);
      const status = reader.next(request);
      if (status === READ_INCOMPLETE) reader.retain();
      return status;
    };
    give(bytesOf(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${size}\r\n`));
    let capacity = 0;
    let moves = 0;
    for (let sent = 0; sent < size; sent += piece.length) {
      expect(give(piece)).toBe(READ_INCOMPLETE);
      if (reader.bufferedBytes !== capacity) moves++;
      capacity = reader.bufferedBytes;
      expect(capacity).toBeLessThanOrEqual(Math.max(2 * (sent + piece.length) + 4096, 0));
    }
    expect(capacity).toBeLessThanOrEqual(size + 256 * 1024);
    expect(moves).toBeLessThan(16);
    expect(give(bytesOf(`\r\n${encode("PING")}`))).toBe(READ_COMPLETE);
    expect(request.lengths[2]).toBe(size);
    expect(request.verbatim).toBe(true);
    expect(reader.next(request)).toBe(READ_COMPLETE);
    reader.retain();
    expect(reader.bufferedBytes).toBe(0);
  });

  it("moves each byte a bounded number of times when many large arguments arrive", () => {
    const reader = readerWith();
    const argument = "v".repeat(50_000);
    const args = Array.from({ length: 200 }, () => argument);
    const stream = bytesOf(encode(...args));
    const request = new Request();
    let capacity = 0;
    let moves = 0;
    let status = READ_INCOMPLETE;
    for (let at = 0; at < stream.length; at += 30_000) {
      reader.offer(stream.slice(at, at + 30_000), 0, Math.min(30_000, stream.length - at));
      status = reader.next(request);
      if (reader.bufferedBytes !== capacity) moves++;
      capacity = reader.bufferedBytes;
      if (status === READ_INCOMPLETE) reader.retain();
    }
    expect(status).toBe(READ_COMPLETE);
    expect(request.argc).toBe(200);
    // Doublings of the buffer and of the list of arguments, both logarithmic.
    expect(moves).toBeLessThan(24);
  });
});
