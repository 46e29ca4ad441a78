/** DEBUG PROTOCOL: one reply of every type of RESP, with the values that Redis uses, for testing clients. */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Context } from "./context.ts";

const SAMPLES: Readonly<Record<string, (reply: ReplyWriter) => void>> = {
  string: (reply) => reply.bulkText("Hello World"),
  integer: (reply) => reply.integer(12345),
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: the sample is these four digits, not pi.
  double: (reply) => reply.double(3.141),
  bignum: (reply) => reply.bigNumber("1234567999999999999999999999999999999"),
  null: (reply) => reply.nullBulk(),
  array: (reply) => {
    reply.arrayHeader(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.setHeader(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.mapHeader(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib,
  push,
  verbatim: (reply) => reply.verbatim("txt", "This is a verbatim\nstring"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

function attrib(reply: ReplyWriter): void {
  if (reply.attributeHeader(1)) {
    reply.bulkText("key-popularity");
    reply.arrayHeader(2);
    reply.bulkText("key:123");
    reply.integer(90);
  }
  reply.bulkText("Some real reply following the attribute");
}

function push(reply: ReplyWriter): void {
  if (reply.resp === 2) {
    reply.error("ERR RESP2 is not supported by this command");
    return;
  }
  reply.pushHeader(2);
  reply.bulkText("server-cpu-usage");
  reply.integer(42);
  // A push is no answer: the client that asked gets one as well.
  reply.bulkText("Some real reply following the push reply");
}

export function replyProtocolSample(context: Context): void {
  const name = context.text(2).toLowerCase();
  const write = Object.hasOwn(SAMPLES, name) ? SAMPLES[name] : undefined;
  if (write !== undefined) {
    write(context.reply);
    return;
  }
  const names = Object.keys(SAMPLES).join("|");
  context.reply.error(`ERR Wrong protocol type name. Please use one of the following: ${names}`);
}
