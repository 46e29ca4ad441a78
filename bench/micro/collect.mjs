// What a full garbage collection of a running server takes: the server is started, every command is used once, and a full
// collection is forced several times. Prints the heap in use after it, the pauses as the server measured them, and the
// processor time of one collection with all its threads, which is the figure to compare on a machine that does other
// things, too. Usage: node bench/micro/collect.mjs [keys] [collections]; FERRITE_MAIN=… measures another build.
import { connect } from "node:net";
import { loadKeys } from "../support/load.mjs";
import { startServer } from "../support/servers.mjs";

const KEYS_DEFAULT = 100_000;
const COLLECTIONS_DEFAULT = 50;
/** Enough for COMMAND DOCS of everything. */
const REPLY_IDLE_MS = 200;

/** One of each family, and what tools ask for: code that a server has really run is part of what is marked. */
const MIX = [
  "SET a 1 EX 100\r\nGET a\r\nINCR a\r\nAPPEND a 2\r\nGETRANGE a 0 1\r\nMSET b 1 c 2\r\nMGET a b c\r\nSETBIT bits 7 1\r\nBITCOUNT bits\r\n",
  "HSET h f 1 g 2\r\nHGETALL h\r\nHINCRBY h f 2\r\nHSCAN h 0\r\nRPUSH l a b c\r\nLRANGE l 0 -1\r\nLPOP l\r\nLMOVE l m LEFT RIGHT\r\n",
  "SADD s a b c\r\nSADD t b c d\r\nSINTER s t\r\nSMEMBERS s\r\nSPOP t\r\nZADD z 1 a 2 b\r\nZRANGE z 0 -1 WITHSCORES\r\nZINCRBY z 2 a\r\nZUNIONSTORE y 1 z\r\n",
  "SORT l ALPHA\r\nSCAN 0\r\nTTL a\r\nEXPIRE a 50\r\nTYPE a\r\nOBJECT ENCODING a\r\nDEL a b c\r\nMULTI\r\nSET a 1\r\nEXEC\r\nPUBLISH p x\r\n",
  "INFO\r\nCONFIG GET *\r\nCLIENT LIST\r\nSLOWLOG GET\r\nMEMORY STATS\r\nCOMMAND\r\nCOMMAND DOCS\r\n",
];

const [keys = KEYS_DEFAULT, collections = COLLECTIONS_DEFAULT] = process.argv.slice(2).map(Number);
const server = await startServer("ferrite", { nodeFlags: ["--expose-gc"] });
await loadKeys(server.port, keys, 64);
for (const commands of MIX) await ask(commands);
// What was used but once is let go of with time; a server that has run for a day has had these collections.
for (let i = 0; i < 8; i++) await collect();
const before = server.cpuSeconds();
const times = [];
for (let i = 0; i < collections; i++) times.push(await collect());
const cpuMs = ((server.cpuSeconds() - before) * 1000) / collections;
const heap = Number(/heap_used:(\d+)/.exec(await ask("INFO memory\r\n"))[1]);
await server.stop();
times.sort((a, b) => a - b);
const [min, median, max] = [0, times.length >> 1, times.length - 1].map((i) => times[i].toFixed(1));
console.log(
  `${keys} keys: heap ${(heap / 1e6).toFixed(2)} MB, full collection min ${min} median ${median} max ${max} ms, processor ${cpuMs.toFixed(1)} ms`,
);

async function collect() {
  // A bulk string: its length, then the milliseconds.
  return Number((await ask("DEBUG GC\r\n", 0)).split("\r\n")[1]);
}

/** Sends the text and answers what comes back until nothing more comes for a while. */
function ask(text, idleMs = REPLY_IDLE_MS) {
  return new Promise((resolve, reject) => {
    const parts = [];
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text)).once("error", reject);
    let timer;
    socket.on("data", (data) => {
      parts.push(data);
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.destroy();
        resolve(Buffer.concat(parts).toString("latin1"));
      }, idleMs);
    });
  });
}
