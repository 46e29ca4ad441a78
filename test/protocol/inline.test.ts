import { describe, expect, it } from "vitest";
import { bytesOf, read, readerWith, readInPieces } from "./reading.ts";

describe("inline commands", () => {
  it.each<[string, string[]]>([
    ["PING\r\n", ["PING"]],
    ["PING\n", ["PING"]],
    ["  SET\tk   v  \r\n", ["SET", "k", "v"]],
    ["PING\r\r\n", ["PING"]],
    ["ECHO a\rb\n", ["ECHO", "a", "b"]],
    ["ECHO a\x0bb\n", ["ECHO", "a\x0bb"]],
    ["\x0bECHO \x0c x\n", ["ECHO", "x"]],
    ['ECHO ""\n', ["ECHO", ""]],
    ['ECHO "a\\x41\\n\\q\\\\"\n', ["ECHO", "aA\nq\\"]],
    ['ECHO "\\r\\t\\b\\a"\n', ["ECHO", "\r\t\b\x07"]],
    ['ECHO "\\xzz\\x4"\n', ["ECHO", "xzzx4"]],
    ['ECHO "\\xfF\\x00"\n', ["ECHO", "\xff\0"]],
    ["ECHO 'a\\'b\\n'\n", ["ECHO", "a'b\\n"]],
    ["ECHO '\\\\'x'\n", ["ECHO", "\\'x"]],
    ['ECHO a"b c"\n', ["ECHO", "ab c"]],
    ['ECHO "a"\x0bb\n', ["ECHO", "a", "b"]],
    ["ECHO \\n\n", ["ECHO", "\\n"]],
  ])("reads %j", (line, args) => {
    const outcome = read(line);
    expect(outcome).toEqual({ commands: [args], verbatim: [false], error: "" });
  });

  it.each([
    'ECHO "a"b\n',
    'ECHO "a\n',
    "ECHO 'a\n",
    'ECHO "a\\"\n',
    "ECHO 'a\\'\n",
    'ECHO "a\\\n',
    "ECHO 'a'b\n",
  ])("refuses the quotes of %j", (line) => {
    expect(read(line).error).toBe("Protocol error: unbalanced quotes in request");
  });

  it("refuses a line of more than 64 KiB, at the same byte however it is cut", () => {
    const longest = bytesOf(`${"a".repeat(65_536)}\n`);
    const longer = bytesOf(`${"a".repeat(65_537)}\n`);
    for (const cuts of [[], [1, 40_000, 65_536], [65_537]]) {
      expect(readInPieces(readerWith(), longest, cuts).commands).toHaveLength(1);
      expect(readInPieces(readerWith(), longer, cuts).error).toBe("Protocol error: too big inline request");
    }
  });

  it("does not see a line end behind a NUL, as Redis does not", () => {
    expect(read("ECHO a\0b\nPING\n")).toEqual({ commands: [], verbatim: [], error: "" });
  });

  it("mixes with multi-bulk commands", () => {
    expect(read("PING\r\n*1\r\n$4\r\nPING\r\nECHO x\n").commands).toEqual([
      ["PING"],
      ["PING"],
      ["ECHO", "x"],
    ]);
  });
});
