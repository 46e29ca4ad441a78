/** The same bytes to this reader and to a stock Redis 7.0: the same commands, texts of errors and of numbers. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { latin1 } from "../../src/base/bytes.ts";
import { formatDouble } from "../../src/protocol/format-double.ts";
import { GrowingOutput } from "../../src/protocol/output-space.ts";
import { plainReply, type Reply, ReplyError } from "../../src/protocol/reply.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { incrementByFloat, NOT_FINITE } from "../../src/value/long-double.ts";
import { bytesOf, encode, read } from "./reading.ts";
import { ask, converse, repliesIn, type StockRedis, startRedis, whyNoRedis } from "./stock-redis.ts";

const reason = whyNoRedis();
const suite = reason === undefined ? "parity with Redis 7.0" : `parity with Redis 7.0 (skipped: ${reason})`;

/** What Redis answers to the stream, worked out from what this reader makes of it; only PING and ECHO are known. */
function expectedReplies(stream: string): string[] {
  const outcome = read(stream);
  const replies = outcome.commands.map((args) => {
    const name = args[0]!.toLowerCase();
    if (name === "ping" && args.length <= 2) return args.length === 1 ? "+PONG" : `$${args[1]}`;
    if (name === "echo" && args.length === 2) return `$${args[1]}`;
    if (name === "ping" || name === "echo") return `-ERR wrong number of arguments for '${name}' command`;
    return "-ERR unknown command";
  });
  if (outcome.error === "") return replies;
  const out = new GrowingOutput();
  new ReplyWriter(out).error(`ERR ${outcome.error}`);
  return [...replies, latin1(out.written()).trimEnd()];
}

function shown(reply: Reply): string {
  if (reply instanceof ReplyError) {
    return reply.message.startsWith("ERR unknown command") ? "-ERR unknown command" : `-${reply.message}`;
  }
  if (reply instanceof Uint8Array) return `$${latin1(reply)}`;
  return `+${String(reply)}`;
}

type ReplyKind = readonly [kind: string, write: (w: ReplyWriter) => void];

/** The replies of DEBUG PROTOCOL, as Redis composes them. */
const REPLY_KINDS: readonly ReplyKind[] = [
  ["string", (w) => w.bulkText("Hello World")],
  ["integer", (w) => w.integer(12345)],
  ["double", (w) => w.double(Number("3.141"))],
  ["null", (w) => w.nullBulk()],
  ["bignum", (w) => w.bigNumber("1234567999999999999999999999999999999")],
  ["verbatim", (w) => w.verbatim("txt", "This is a verbatim\nstring")],
  ["true", (w) => w.boolean(true)],
  ["false", (w) => w.boolean(false)],
  [
    "array",
    (w) =>
      upToTwo(
        () => w.arrayHeader(3),
        (i) => w.integer(i),
      ),
  ],
  [
    "set",
    (w) =>
      upToTwo(
        () => w.setHeader(3),
        (i) => w.integer(i),
      ),
  ],
  [
    "map",
    (w) =>
      upToTwo(
        () => w.mapHeader(3),
        (i) => {
          w.integer(i);
          w.boolean(i === 1);
        },
      ),
  ],
];

const REPLY_KINDS_OF_RESP3: readonly ReplyKind[] = [
  [
    "attrib",
    (w) => {
      w.attributeHeader(1);
      w.bulkText("key-popularity");
      w.arrayHeader(2);
      w.bulkText("key:123");
      w.integer(90);
      w.bulkText("Some real reply following the attribute");
    },
  ],
  [
    "push",
    (w) => {
      w.pushHeader(2);
      w.bulkText("server-cpu-usage");
      w.integer(42);
      w.bulkText("Some real reply following the push reply");
    },
  ],
];

function upToTwo(header: () => void, item: (i: number) => void): void {
  header();
  for (let i = 0; i < 3; i++) item(i);
}

describe.skipIf(reason !== undefined)(suite, () => {
  let redis: StockRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const compare = async (stream: string): Promise<void> => {
    const answer = await converse(redis.port, bytesOf(stream));
    expect(repliesIn(answer).map(shown)).toEqual(expectedReplies(stream));
  };

  it.each([
    "*3\r\n$3\r\nSET$1\r\n",
    "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    "*1\rx$4\rxPING\r\n",
    "PING\n",
    "PING\r\n",
    "\n\r\n*0\r\n*-1\r\nPING\n",
    "*-9223372036854775808\r\nPING\n",
    "*-9223372036854775809\r\n",
    "*-99\r\nPING\n",
    "*+1\r\n",
    "*01\r\n",
    "*\r\n",
    "*abc\r\n",
    "*2147483648\r\n",
    "*1\r\nPING\r\n",
    "*1\r\n\r\n",
    "*1\r\n\xff\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$-0\r\n",
    "*1\r\n$+4\r\nPING\r\n",
    "*1\r\n$04\r\nPING\r\n",
    "*1\r\n$\r\n",
    "*1\r\n$536870913\r\n",
    "*1\r\n$536870912\r\n",
    `*${"1".repeat(65_600)}`,
    `*1\r\n$${"1".repeat(65_600)}`,
    "a".repeat(65_537),
    "a".repeat(65_536),
    "*1\x00\r\nPING\r\n",
    "ECHO a\x00b\nPING\n",
    "*1 \r\n",
    "* 1\r\n",
    "*1\n$4\nPING\n\r\n",
    "*-0\r\n",
    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    "*1\r\n$4\rPING\r\n",
    "$4\r\n",
    "*1\r\n$ 4\r\n",
  ])("treats %j alike", compare);

  it.each([2, 3] as const)("writes every kind of reply alike in RESP%i", async (resp) => {
    const hello = resp === 3 ? encode("HELLO", "3") : encode("PING");
    for (const [kind, write] of [...REPLY_KINDS, ...(resp === 3 ? REPLY_KINDS_OF_RESP3 : [])]) {
      const out = new GrowingOutput();
      write(new ReplyWriter(out, resp));
      const answer = latin1(await converse(redis.port, bytesOf(hello + encode("DEBUG", "PROTOCOL", kind))));
      const expected = latin1(out.written());
      expect(answer.slice(-expected.length)).toBe(expected);
    }
  });

  it("splits inline commands alike", async () => {
    const token = fc.string({
      unit: fc.constantFrom(
        "a",
        "b",
        " ",
        '"',
        "'",
        "\\",
        "x",
        "n",
        "4",
        "F",
        "\t",
        "\x0b",
        "\r",
        "\\x41",
        "\\n",
        "\xe9",
        '\\"',
        "\\'",
      ),
      maxLength: 12,
    });
    const words = fc.array(
      fc.oneof(
        token,
        token.map((t) => `"${t}"`),
        token.map((t) => `'${t}'`),
      ),
      { maxLength: 2 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 6 }), (lines) =>
        compare(lines.map((line) => `ECHO ${line.join(" ")}\nPING\n`).join("")),
      ),
      { numRuns: 400 },
    );
  });

  it("treats damaged streams alike", async () => {
    const byte = fc.constantFrom(..."*$0123456789-+\r\n\"' \\x\0", "\r\n", "\xff");
    const command = fc.oneof(
      fc.constant(encode("PING")),
      fc.string({ unit: byte, maxLength: 8 }).map((text) => encode("ECHO", text)),
      fc.constant("PING\r\n"),
    );
    const hit = fc.tuple(fc.nat(), byte, fc.boolean());
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 6 }),
        fc.array(hit, { maxLength: 3 }),
        (parts, hits) => {
          let stream = parts.join("");
          for (const [where, replacement, insert] of hits) {
            const index = where % stream.length;
            stream = stream.slice(0, index) + replacement + stream.slice(insert ? index : index + 1);
          }
          return compare(stream);
        },
      ),
      { numRuns: 800 },
    );
  });

  it("writes doubles alike", async () => {
    const bits = new Float64Array(1);
    const words = new Uint32Array(bits.buffer);
    const samples: number[] = [
      0,
      3,
      0.1,
      1.5,
      1e15,
      1e16,
      1e17,
      1e21,
      1e-4,
      1e-5,
      5e-324,
      Number.MAX_VALUE,
      Infinity,
      -Infinity,
    ];
    let seed = 12345;
    const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0);
    while (samples.length < 6000) {
      words[0] = random();
      words[1] = random();
      if (Number.isFinite(bits[0]!)) samples.push(bits[0]!);
      samples.push(
        random() / 1000,
        -random() / 7,
        random() * 2 ** (random() % 64) + 0.25,
        10 ** ((random() % 40) - 20),
      );
      // Quarters and eighths beyond 10^15 and 10^14 have 18 digits, the last of them 5.
      samples.push(
        1e15 + (random() % 1e9) + 0.25,
        1e15 + (random() % 1e9) + 0.75,
        2e14 + (random() % 1e9) + 0.125,
      );
    }
    const replies = await ask(
      redis.port,
      samples
        .flatMap((x, i) => [
          encode("ZADD", "z", x === Infinity ? "inf" : x === -Infinity ? "-inf" : String(x), `m${i}`),
        ])
        .concat(samples.map((_, i) => encode("ZSCORE", "z", `m${i}`))),
    );
    const texts = replies.slice(samples.length).map((reply) => plainReply(reply));
    expect(samples.map(formatDouble)).toEqual(texts);
  });

  it("adds long doubles alike", async () => {
    let seed = 98765;
    const random = (bound: number): number =>
      (((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32) * bound) | 0;
    const digits = (count: number): string => Array.from({ length: count }, () => random(10)).join("");
    const number = (): string => {
      const sign = random(3) === 0 ? "-" : "";
      switch (random(9)) {
        case 0:
          return `${sign}${1 + random(9)}${digits(random(25))}`;
        case 1:
          return `${sign}${random(10)}.${digits(1 + random(30))}`;
        case 2:
          return `${sign}${1 + random(9)}.${digits(5)}e${random(2) ? "-" : ""}${random(30)}`;
        case 3:
          return `${sign}0x${(random(1e9) + 1).toString(16)}.${(random(1e6)).toString(16)}p${random(80) - 60}`;
        case 4:
          return `${sign}${1 + random(9)}e${random(5000)}`;
        case 5:
          return `${sign}${1 + random(9)}e-${random(5000)}`;
        case 6:
          return [
            "inf",
            "-Infinity",
            "nan",
            "1e4932",
            "-1.18e4932",
            "0x1p16383",
            "",
            " 1",
            "1x",
            ".5",
            "5.",
            "-0",
            "3.6e-4951",
            "1e-4951",
            "0x1p-16445",
            "0x1p-16446",
          ][random(16)]!;
        default:
          return `${sign}${random(1000)}.${digits(1 + random(6))}`;
      }
    };
    const pairs = Array.from({ length: 4000 }, () => [number(), number()] as const);
    const replies = await ask(
      redis.port,
      pairs.flatMap(([current, increment]) => [
        encode("SET", "k", current),
        encode("INCRBYFLOAT", "k", increment),
      ]),
    );
    const answers = pairs.map((pair, i) => `${pair}: ${String(plainReply(replies[2 * i + 1]!))}`);
    const expected = pairs.map(([current, increment]) => {
      const sum = incrementByFloat(current, increment);
      const text =
        sum === undefined
          ? "ReplyError: ERR value is not a valid float"
          : sum === NOT_FINITE
            ? "ReplyError: ERR increment would produce NaN or Infinity"
            : sum;
      return `${current},${increment}: ${text}`;
    });
    expect(answers).toEqual(expected);
  });
});
