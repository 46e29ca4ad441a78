// Connections that send batches of commands and wait for the end of each: for commands that redis-benchmark cannot make.
import { connect } from "node:net";

/** Ends each batch: the replies are complete when its answer is the last that came. */
const MARK = "*2\r\n$4\r\nECHO\r\n$13\r\n-- the mark -\r\n";
const MARK_REPLY = Buffer.from("$13\r\n-- the mark -\r\n");

/** RESP of one command. */
export function respOf(...words) {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`;
  return text;
}

/** Numbers below `count` that do not repeat for long and have no order; the same in every run. */
export function scattered(i, count) {
  return Number((BigInt(i) * 2654435761n) % BigInt(count));
}

/**
 * Sends `requests` commands, `command(i)` the i-th, over `connections` connections in batches of `pipeline`; resolves when
 * all are answered; `onData` sees what comes. Rejects if the first reply of a batch is an error.
 */
export async function pipelined(port, { connections, pipeline, requests, command, onData = () => {} }) {
  let begun = 0;
  const one = () =>
    new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.setNoDelay(true);
      let tail = Buffer.alloc(0);
      let fresh = true;
      const next = () => {
        if (begun >= requests) {
          socket.destroy();
          resolve();
          return;
        }
        let text = "";
        for (let i = 0; i < pipeline && begun < requests; i++) text += command(begun++);
        fresh = true;
        socket.write(text + MARK, "latin1");
      };
      socket.once("connect", next);
      socket.on("error", reject);
      socket.on("data", (data) => {
        onData(data);
        if (fresh && data[0] === 45) reject(new Error(data.toString("latin1").slice(0, 200)));
        fresh = false;
        // The mark may come in two pieces.
        const end = data.length >= MARK_REPLY.length ? data : Buffer.concat([tail, data]);
        if (end.subarray(-MARK_REPLY.length).equals(MARK_REPLY)) {
          tail = Buffer.alloc(0);
          next();
        } else {
          tail = Buffer.from(end.subarray(-MARK_REPLY.length));
        }
      });
    });
  await Promise.all(Array.from({ length: connections }, one));
}
