// How long the machine itself stops a program that only reads the clock: what a stall measured here cannot be below.
//
// On shared hardware a virtual processor is taken away now and then, and with as many busy threads as processors nobody
// else can step in. Every worker spins on the clock and notes the gaps; they do nothing that could make them wait.
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

if (!isMainThread && workerData?.pausesOfMs !== undefined) {
  parentPort.postMessage(spin(workerData.pausesOfMs));
}

function spin(milliseconds) {
  const end = performance.now() + milliseconds;
  let longest = 0;
  let over5 = 0;
  let before = performance.now();
  while (before < end) {
    const now = performance.now();
    const gap = now - before;
    if (gap > longest) longest = gap;
    if (gap > 5) over5++;
    before = now;
  }
  return { longest, over5 };
}

/** With one spinning thread per core for `milliseconds`: the longest gap in ms, and gaps over 5 ms per second. */
export async function pausesOfMachine(milliseconds) {
  const workers = Array.from({ length: availableParallelism() }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { pausesOfMs: milliseconds } });
    return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  });
  const found = await Promise.all(workers);
  return {
    longestMs: Math.max(...found.map(({ longest }) => longest)),
    over5PerSecond: (found.reduce((sum, { over5 }) => sum + over5, 0) / milliseconds) * 1000,
  };
}
