/** The Runtime port on Node's `process`, `os` and `v8`. */
import { totalmem } from "node:os";
import { performance } from "node:perf_hooks";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import type { Runtime, RuntimeMemory } from "../../ports/runtime.ts";

/**
 * Young collections on one thread. What survives one here is some hundred KiB, copied in a tenth of a millisecond; several
 * threads save nothing, and when the cores are busy the collection stands still until the system has run the last of its
 * helpers. V8 reads the flag at each collection, so it may be set in a running process. (It has no such flag for full
 * collections that Node 20 survives: without parallel marking its collector breaks an assertion.)
 */
export function collectYoungOnOneThread(): void {
  setFlagsFromString("--no-parallel-scavenge");
}

export class NodeRuntime implements Runtime {
  readonly processId = process.pid;
  readonly nodeVersion = process.version;

  get systemMemoryBytes(): number {
    const constrained = process.constrainedMemory();
    const total = totalmem();
    return constrained !== undefined && constrained > 0 && constrained < total ? constrained : total;
  }

  memory(): RuntimeMemory {
    const usage = process.memoryUsage();
    return {
      residentBytes: usage.rss,
      heapUsedBytes: usage.heapUsed,
      heapTotalBytes: usage.heapTotal,
      arrayBuffersBytes: usage.arrayBuffers,
    };
  }

  heapUsedBytes(): number {
    return getHeapStatistics().used_heap_size;
  }

  processorTime(): { userMicroseconds: number; systemMicroseconds: number } {
    const { user, system } = process.cpuUsage();
    return { userMicroseconds: user, systemMicroseconds: system };
  }

  collectGarbage(): number | undefined {
    const collect = (globalThis as { gc?: () => void }).gc;
    if (collect === undefined) return undefined;
    const startMs = performance.now();
    collect();
    return performance.now() - startMs;
  }

  blockMs(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
}
