/** The comparison itself: what it lets pass, and what it must not. */
import { describe, expect, it } from "vitest";
import { sameReply } from "./rules.ts";

const same = (command: string, redis: string, ferrite: string): boolean =>
  sameReply(command.split(" "), Buffer.from(redis, "latin1"), Buffer.from(ferrite, "latin1"));

describe("comparing replies", () => {
  it("wants the same bytes where no rule speaks", () => {
    expect(same("GET a", "$1\r\n1\r\n", "$1\r\n1\r\n")).toBe(true);
    expect(same("GET a", "$1\r\n1\r\n", "$1\r\n2\r\n")).toBe(false);
    expect(same("GET a", "$-1\r\n", "_\r\n")).toBe(false);
    expect(same("INCR a", ":1\r\n", "$1\r\n1\r\n")).toBe(false);
  });

  it("compares sets of keys, not their order", () => {
    expect(same("KEYS *", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n")).toBe(true);
    expect(same("KEYS *", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", "*1\r\n$1\r\na\r\n")).toBe(false);
    const scan = (cursor: string, ...keys: string[]): string =>
      `*2\r\n$1\r\n${cursor}\r\n*${keys.length}\r\n${keys.map((key) => `$1\r\n${key}\r\n`).join("")}`;
    expect(same("SCAN 0", scan("0", "a", "b"), scan("0", "b", "a"))).toBe(true);
    expect(same("SCAN 0", scan("0", "a", "b"), scan("7", "b", "a"))).toBe(false);
    expect(same("SCAN 0", scan("0", "a", "b"), scan("0", "a", "c"))).toBe(false);
  });

  it("allows times to differ a little, never to be missing", () => {
    expect(same("PTTL a", ":100000\r\n", ":99000\r\n")).toBe(true);
    expect(same("PTTL a", ":100000\r\n", ":10000\r\n")).toBe(false);
    expect(same("PTTL a", ":-1\r\n", ":-2\r\n")).toBe(false);
    expect(same("TTL a", ":-1\r\n", ":1\r\n")).toBe(false);
  });

  it("never takes an error for an answer", () => {
    expect(same("KEYS *", "*0\r\n", "-ERR no\r\n")).toBe(false);
    expect(same("INFO", "-ERR no\r\n", "$0\r\n\r\n")).toBe(false);
    expect(same("GET", "-ERR wrong\r\n", "-ERR other\r\n")).toBe(false);
  });

  it("compares HELLO but for the version", () => {
    const hello = (version: string, mode: string): string =>
      `*4\r\n$7\r\nversion\r\n$5\r\n${version}\r\n$4\r\nmode\r\n$10\r\n${mode}\r\n`;
    expect(same("HELLO", hello("7.0.1", "standalone"), hello("7.2.0", "standalone"))).toBe(true);
    expect(same("HELLO", hello("7.0.1", "standalone"), hello("7.2.0", "standalon3"))).toBe(false);
  });
});
