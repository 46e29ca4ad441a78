// What a request costs in each transport: an echo server (+PONG per request) driven by redis-benchmark.
//
//   node bench/micro/transport.mjs [native|portable|all] [pipeline 1|16|…] [requests]     (after `npm run build`)
//   node bench/micro/transport.mjs upload [native|portable]                               bulk input, MB/s
//
// Prints the server's CPU per request (user + system of its process over the run) and requests per second. The server
// runs in a child process of its own, so the driver's time is not counted. Needs redis-benchmark (redis-tools).
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

/** redis-benchmark's ping_mbulk: *1\r\n$4\r\nPING\r\n */
const REQUEST_BYTES = 14;
const CONNECTIONS = 50;
const PONG = Buffer.from("+PONG\r\n");
const UPLOAD_BYTES = 1 << 30;

/** Runs in the child: one reply per 14 bytes received, gathered into one batch per turn. */
async function serve(kind) {
  const { loadAddon } = await import("../../dist/adapters/native/addon.js");
  const { NativeTransport } = await import("../../dist/adapters/native/transport.js");
  const { PortableTransport } = await import("../../dist/adapters/node/transport.js");
  const addon = loadAddon();
  if (kind === "native" && addon === undefined) throw new Error("the addon is not built");
  const transport = kind === "native" ? new NativeTransport(addon) : new PortableTransport();
  const output = new Uint8Array(1 << 20);
  for (let at = 0; at + PONG.length <= output.length; at += PONG.length) output.set(PONG, at);
  const batch = { bytes: output, entries: new Int32Array(3 * 65_536), count: 0 };
  const partial = new Int32Array(65_536);
  let received = 0;
  let turns = 0;
  transport.onTurn((turn) => {
    turns++;
    batch.count = 0;
    for (let i = 0; i < turn.count; i++) {
      const slot = turn.events[i * 4];
      const event = turn.events[i * 4 + 1];
      if (event === 1) {
        received += turn.events[i * 4 + 3];
        const bytes = partial[slot] + turn.events[i * 4 + 3];
        const replies = Math.floor(bytes / REQUEST_BYTES);
        partial[slot] = bytes - replies * REQUEST_BYTES;
        batch.entries[batch.count * 3] = slot;
        batch.entries[batch.count * 3 + 1] = 0;
        batch.entries[batch.count * 3 + 2] = Math.min(replies, 149_000) * PONG.length;
        batch.count++;
      } else if (event === 2) transport.close(slot, true);
      else if (event === 3) {
        partial[slot] = 0;
        transport.release(slot);
      }
    }
    transport.send(batch);
  });
  const listener = await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  process.on("message", (message) => {
    if (message === "usage") process.send({ usage: process.cpuUsage(), turns, received });
    else transport.shutdown(0).then(() => process.disconnect());
  });
  process.send({ port: listener.port });
}

async function withServer(kind, use) {
  const child = fork(fileURLToPath(import.meta.url), ["serve", kind]);
  const [{ port }] = await once(child, "message");
  const ask = async () => {
    child.send("usage");
    const [answer] = await once(child, "message");
    return answer;
  };
  try {
    return await use(port, ask);
  } finally {
    child.send("stop");
    await once(child, "exit");
  }
}

function drive(port, pipeline, requests) {
  const parameters = [
    "-p",
    port,
    "-t",
    "ping_mbulk",
    "-P",
    pipeline,
    "-c",
    CONNECTIONS,
    "-n",
    requests,
    "--threads",
    1,
    "--csv",
  ];
  const result = spawnSync("redis-benchmark", parameters.map(String), { encoding: "utf8" });
  const perSecond = /"PING_MBULK","([\d.]+)"/.exec(result.stdout)?.[1];
  if (perSecond === undefined) throw new Error(`redis-benchmark failed: ${result.error ?? result.stderr}`);
  return Number(perSecond);
}

const cpuUs = (from, to) => to.usage.user - from.usage.user + (to.usage.system - from.usage.system);

export async function run(kind, pipeline, requests) {
  await withServer(kind, async (port, ask) => {
    drive(port, pipeline, Math.ceil(requests / 5));
    const before = await ask();
    const perSecond = drive(port, pipeline, requests);
    const after = await ask();
    const perRequest = cpuUs(before, after) / requests;
    const user = (after.usage.user - before.usage.user) / requests;
    const perTurn = requests / (after.turns - before.turns);
    console.log(
      `${kind.padEnd(8)} pipeline ${String(pipeline).padStart(2)}: ${(perRequest * 1000).toFixed(0)} ns CPU per request ` +
        `(${(user * 1000).toFixed(0)} user), ${Math.round(perSecond)} requests/s, ${perTurn.toFixed(1)} requests per turn`,
    );
  });
}

export async function upload(kind) {
  await withServer(kind, async (port, ask) => {
    const socket = connect(port, "127.0.0.1");
    socket.resume();
    const piece = Buffer.alloc(1 << 20, 120);
    const before = await ask();
    const start = process.hrtime.bigint();
    for (let sent = 0; sent < UPLOAD_BYTES; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, "drain");
    }
    let after = await ask();
    while (after.received - before.received < UPLOAD_BYTES) after = await ask();
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    socket.destroy();
    const nsPerKib = (cpuUs(before, after) * 1000) / (UPLOAD_BYTES / 1024);
    console.log(
      `${kind.padEnd(8)} upload: ${Math.round(UPLOAD_BYTES / 1e6 / seconds)} MB/s, ${nsPerKib.toFixed(0)} ns CPU per KiB`,
    );
  });
}

const [mode = "all", second, third] = process.argv.slice(2);
if (mode === "serve") {
  await serve(second);
} else {
  console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`);
  if (mode === "upload") {
    for (const kind of second === undefined ? ["native", "portable"] : [second]) await upload(kind);
  } else {
    for (const kind of mode === "all" ? ["native", "portable"] : [mode]) {
      for (const pipeline of second === undefined ? [1, 16] : [Number(second)]) {
        await run(kind, pipeline, Number(third ?? (pipeline === 1 ? 500_000 : 3_000_000)));
      }
    }
  }
}
