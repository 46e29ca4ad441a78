/**
 * The wire itself: inline commands, requests cut anywhere, and malformed ends of a stream, sent to both servers.
 *
 * All that each of them says until it closes is compared byte for byte, however the bytes are split on the way.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FerriteServer } from "../support/ferrite-server.ts";
import { RedisServer, requireRedis } from "../support/redis-server.ts";
import { converse, encodeCommand, RespClient } from "../support/resp-client.ts";
import { Randomness, seedOf } from "../support/seed.ts";

const reason = requireRedis();

/**
 * Bytes after which a server must close, wait for more, or go on as if nothing had been. Not among them: requests of
 * more than 1,048,576 arguments, which Redis 7.0 accepts and Ferrite, as Redis 6, refuses.
 */
const TAILS = [
  ...["", "\r\n", "\n", "\r\n\r\n", "*0\r\n", "*-1\r\n", "*-5\r\n", "*1\r\n", "*2\r\n$4\r\nPING\r\n", "*"],
  ...[
    "*x\r\n",
    "*1x\r\n",
    "* 1\r\n",
    "*+1\r\n",

    "*2147483648\r\n",
    "*99999999999999999999\r\n",
  ],
  ...[
    "*1\r\n$x\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$-5\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$99999999999999999999\r\n",
  ],
  ...[
    "*1\r\n:4\r\nPING\r\n",
    "*1\r\n+PING\r\n",
    "*1\r\n\r\n",
    "*1\r\nx\r\n",
    "*1\r\n$4\r\nPI",
    "*1\r\n$4\r\nPINGxx",
  ],
  ...[
    "*1\r\n$4\r\nPINGxy*1\r\n$4\r\nPING\r\n",
    "*1\r\n$0\r\n\r\n",
    "*1\n$4\nPING\n",
    "$4\r\nPING\r\n",
    ":1\r\n",
  ],
  ...[
    "PING\r\n",
    "ping\n",
    "PING hello\r\n",
    '  ECHO   "two words" \r\n',
    "ECHO 'a\\'b'\r\n",
    'ECHO "\\x41\\n"\r\n',
  ],
  ...[
    'ECHO "open\r\n',
    'ECHO "a"b\r\n',
    "ECHO 'a'b\r\n",
    'ECHO ""\r\n',
    "GET\r\n",
    "NOSUCH a b\r\n",
    "\x00\r\n",
    "\xff\r\n",
  ],
  ...["ECHO a\x00b\r\n", "\tPING\t\r\n", "QUIT\r\nPING\r\n", "*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n"],
  ...[
    `ECHO ${"y".repeat(60_000)}\r\n`,

    "%1\r\n",
    "HELLO 3\r\n",
  ],
  ...["GET / HTTP/1.1\r\n\r\n"],
];

/** Lines that do not end: only alone, because the answer depends on how much of a line has arrived. */
const ENDLESS = ["x", "*1", "*1\r\n$1", "*2\r\n$4\r\nECHO\r\n$1"].map((start) => start + "1".repeat(70_000));

const GOOD = [
  ...[["SET", "a", "1"], ["GET", "a"], ["INCR", "a"], ["ECHO", "x".repeat(3000)], ["ECHO", ""], ["PING"]],
  ...[
    ["SET", "b", "\r\n*1\r\n$4\r\nPING\r\n"],
    ["GET", "b"],
    ["MGET", "a", "b", "none"],
    ["GET"],
    ["NOSUCH", "a"],
  ],
].map((command) => encodeCommand(command).toString("latin1"));

describe.skipIf(reason !== undefined)(`bytes on the wire${reason ? ` (${reason})` : ""}`, () => {
  let redis: RedisServer | undefined;
  let ferrite: FerriteServer | undefined;

  beforeAll(async () => {
    redis = await RedisServer.start();
    ferrite = await FerriteServer.start();
  });
  afterAll(async () => {
    await redis?.stop();
    await ferrite?.kill9();
  });

  async function compare(text: string): Promise<void> {
    const bytes = Buffer.from(text, "latin1");
    const [left, right] = await Promise.all([converse(redis!.port, bytes), converse(ferrite!.port, bytes)]);
    const shown = text.length > 300 ? `${text.slice(0, 300)}… (${text.length} bytes)` : text;
    expect(withoutConnection(right), `what ferrite says to ${JSON.stringify(shown)}`).toBe(
      withoutConnection(left),
    );
  }

  it("every odd end alone, and after commands that are sound", async () => {
    for (const tail of [...TAILS, ...ENDLESS]) {
      await compare(tail);
      await compare(`${GOOD[0]}${GOOD[1]}${tail}`);
    }
  });

  it("random mixtures of sound commands, inline commands and odd bytes", async () => {
    const random = new Randomness(seedOf("bytes on the wire"));
    for (let round = 0; round < 250; round++) {
      const pieces = random.several(6, () => (random.oneIn(3) ? random.pick(TAILS) : random.pick(GOOD)));
      const text = pieces.join("");
      // One byte changed anywhere: what most corruption on a wire looks like.
      const at = random.below(text.length + 1);
      const changed = `${text.slice(0, at)}${random.pick([..."*$\r\n0x-"])}${text.slice(at + 1)}`;
      await compare(random.oneIn(2) || isBetweenLimits(changed) ? text : changed);
    }
  });

  it("the same answers however the bytes are split", async () => {
    const random = new Randomness(seedOf("split requests"));
    const text = GOOD.join("");
    const whole = await converse(redis!.port, Buffer.from(`${text}*1\r\n$4\r\nQUIT\r\n`, "latin1"));
    for (let round = 0; round < 20; round++) {
      const client = await ferrite!.client();
      for (let position = 0; position < text.length; ) {
        const length = random.oneIn(3) ? 1 : random.between(1, 400);
        client.write(Buffer.from(text.slice(position, position + length), "latin1"));
        position += length;
        if (random.oneIn(4)) await new Promise((resolve) => setImmediate(resolve));
      }
      const replies = await client.replies(GOOD.length);
      expect(`${Buffer.concat(replies).toString("latin1")}+OK\r\n`).toBe(whole.toString("latin1"));
      await client.close();
    }
  });

  it("values of many megabytes there and back, in both directions at once", async () => {
    const client = await ferrite!.client();
    const value = new Randomness(9)
      .bytes(1 << 16)
      .toString("latin1")
      .repeat(256);
    const commands = [
      ["SET", "large", value],
      ["STRLEN", "large"],
      ["GET", "large"],
      ["APPEND", "large", value],
      ["GET", "large"],
    ];
    const replies = await client.pipeline(commands);
    expect(replies[1]!.toString()).toBe(`:${value.length}\r\n`);
    expect(replies[4]!.length).toBe(2 * value.length + `$${2 * value.length}\r\n\r\n`.length);
    expect(replies[2]!.toString("latin1") === `$${value.length}\r\n${value}\r\n`).toBe(true);
    await client.close();
  });

  it("a client that goes away in the middle of a request changes nothing", async () => {
    const client = await RespClient.connect({ port: ferrite!.port });
    client.write(Buffer.from("*3\r\n$3\r\nSET\r\n$8\r\nvanished\r\n$3\r\nva"));
    client.endWriting();
    await client.ended;
    const other = await ferrite!.client();
    expect(await other.send("GET", "vanished")).toEqual({ kind: "null" });
    await other.close();
  });
});

/** Whether the bytes may announce a number of arguments that one server takes and the other refuses. */
function isBetweenLimits(text: string): boolean {
  return [...text.matchAll(/\*\s*0*(\d{7,10})/g)].some(([, digits]) => {
    const count = Number(digits);
    return count > 1_048_576 && count <= 2_147_483_647;
  });
}

/** HELLO names the version and the number of the connection; everything else is compared. */
function withoutConnection(answer: Buffer): string {
  return answer
    .toString("latin1")
    .replace(/(\$7\r\nversion\r\n)\$\d+\r\n[\d.]+/g, "$1…")
    .replace(/(\$2\r\nid\r\n):\d+/g, "$1…");
}
