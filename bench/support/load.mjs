// Clients of the benchmarks: a pipelined loader and a closed loop that takes the time of every request.
import { connect } from "node:net";
import { percentile } from "./statistics.mjs";

const OK_BYTES = 5;
const BATCH = 1000;
const BATCHES_UNDER_WAY = 4;

function connected(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket)).once("error", reject);
    socket.setNoDelay(true);
  });
}

/** One SET as RESP. */
export function setCommand(key, value) {
  return `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`;
}

/** redis-benchmark's own key names: `key:` and twelve digits, 16 bytes. */
export function keyName(number) {
  return `key:${String(number).padStart(12, "0")}`;
}

/** SETs keys 0 … count-1, pipelined over one connection; every reply must be +OK. */
export async function loadKeys(port, count, valueBytes, onProgress = () => {}) {
  const socket = await connected(port);
  const value = "x".repeat(valueBytes);
  let sent = 0;
  let repliedBytes = 0;
  const sendBatch = () => {
    let text = "";
    for (const end = Math.min(count, sent + BATCH); sent < end; sent++)
      text += setCommand(keyName(sent), value);
    if (text !== "") socket.write(text, "latin1");
  };
  await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed the connection")));
    socket.on("data", (data) => {
      if (data.includes(45)) reject(new Error(`SET was refused: ${data.toString("latin1").slice(0, 200)}`));
      repliedBytes += data.length;
      const replied = Math.floor(repliedBytes / OK_BYTES);
      onProgress(replied);
      if (replied === count) resolve();
      while (sent < count && sent - replied < BATCH * BATCHES_UNDER_WAY) sendBatch();
    });
    sendBatch();
  });
  socket.removeAllListeners("close").destroy();
}

/**
 * `connections` clients, each with one request under way, until `requests` are answered. `command(i)` makes the i-th. A
 * reply is complete when it ends with a line end: good for +OK, integers, and strings without line ends.
 * Answers milliseconds.
 */
export async function closedLoop(port, connections, requests, command) {
  const times = new Float64Array(requests);
  let begun = 0;
  let finished = 0;
  const sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)));
  await new Promise((resolve, reject) => {
    for (const socket of sockets) {
      let startedAt = 0;
      const next = () => {
        if (begun === requests) return;
        const text = command(begun++);
        startedAt = performance.now();
        socket.write(text, "latin1");
      };
      socket.on("error", reject);
      socket.on("data", (data) => {
        if (data[0] === 45) reject(new Error(data.toString("latin1").slice(0, 200)));
        // A string's reply is two lines; both come in one piece at these sizes.
        if (data[data.length - 1] !== 10) return;
        times[finished++] = performance.now() - startedAt;
        if (finished === requests) resolve();
        else next();
      });
      next();
    }
  });
  for (const socket of sockets) socket.destroy();
  times.sort();
  return {
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    p999: percentile(times, 0.999),
    max: times[times.length - 1],
  };
}
