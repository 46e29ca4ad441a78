/** What simulations rely on: the in-memory transport does nothing by itself, and a seed repeats a run exactly. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryTransport } from "../../src/adapters/memory/transport.ts";
import { connectionSlot } from "../../src/base/ids.ts";
import {
  TURN_CLOSED,
  TURN_DATA,
  TURN_HALF_CLOSED,
  TURN_STRIDE,
  type Turn,
} from "../../src/ports/transport.ts";
import { pattern, sequence } from "./transport-peer.ts";

/** Jobs that run when the test says so, in order. */
class Jobs {
  readonly #jobs: (() => void)[] = [];
  readonly soon = (run: () => void): void => void this.#jobs.push(run);

  get waiting(): number {
    return this.#jobs.length;
  }

  drain(): void {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) job();
  }
}

/** Echoes, closes half-closed connections, and notes every event. */
function echoServer(transport: MemoryTransport): string[] {
  const trace: string[] = [];
  transport.onTurn((turn: Turn) => {
    for (let at = 0; at < turn.count * TURN_STRIDE; at += TURN_STRIDE) {
      const [slot, kind, offset, length] = turn.events.subarray(at, at + TURN_STRIDE) as unknown as [
        number,
        number,
        number,
        number,
      ];
      trace.push(`${slot} ${kind} ${length}`);
      if (kind === TURN_DATA)
        transport.send({ bytes: turn.arena, entries: Int32Array.of(slot, offset, length), count: 1 });
      if (kind === TURN_HALF_CLOSED) transport.close(connectionSlot(slot), true);
      if (kind === TURN_CLOSED) transport.release(connectionSlot(slot));
    }
  });
  return trace;
}

async function run(seed: number): Promise<{ trace: string[]; echoed: boolean }> {
  const jobs = new Jobs();
  const random = sequence(seed);
  const split = (length: number) => Math.floor(random() * (length + 1));
  const transport = new MemoryTransport({ soon: jobs.soon, split, windowBytes: 700, arenaBytes: 500 });
  const trace = echoServer(transport);
  await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 6379 });
  let echoed = true;
  for (let i = 0; i < 5; i++) {
    const client = transport.connect();
    const sent = pattern(Math.floor(random() * 5000), i);
    const received: Uint8Array[] = [];
    client.onData((bytes) => received.push(bytes));
    client.onClosed((how) => {
      if (how !== "ended" || Buffer.compare(Buffer.concat(received), sent) !== 0) echoed = false;
    });
    client.write(sent);
    client.end();
    if (random() < 0.5) jobs.drain();
  }
  jobs.drain();
  return { trace, echoed };
}

describe("in-memory transport", () => {
  it("repeats a run from its seed, and echoes every byte under any splits", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const first = await run(seed);
        const second = await run(seed);
        expect(first.echoed).toBe(true);
        expect(second.trace).toEqual(first.trace);
      }),
      { numRuns: 50 },
    );
  });

  it("does nothing until the scheduler runs, and rests when nothing can move", async () => {
    const jobs = new Jobs();
    const transport = new MemoryTransport({ soon: jobs.soon });
    const trace = echoServer(transport);
    await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const client = transport.connect();
    client.write(Uint8Array.of(1, 2, 3));
    expect(trace).toEqual([]);
    expect(jobs.waiting).toBe(1);
    jobs.drain();
    expect(trace).toEqual(["0 0 0", "0 1 3"]);
    client.stall();
    client.write(new Uint8Array(10));
    jobs.drain();
    expect(jobs.waiting).toBe(0);
  });

  it("fails the server's writes to a client that has closed", async () => {
    const jobs = new Jobs();
    const transport = new MemoryTransport({ soon: jobs.soon });
    const trace = echoServer(transport);
    await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
    const client = transport.connect();
    client.write(Uint8Array.of(1));
    client.close();
    jobs.drain();
    expect(trace.at(-1)).toBe("0 3 0");
    expect(client.isClosed).toBe(true);
  });

  it("refuses connections to listeners that are closed, and addresses that are taken", async () => {
    const transport = new MemoryTransport({ soon: () => {} });
    transport.onTurn(() => {});
    const listener = await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 6379 });
    await expect(transport.listen({ kind: "tcp", host: "127.0.0.1", port: 6379 })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    listener.close();
    expect(() => transport.connect()).toThrow(/not listening/);
    await transport.listen({ kind: "tcp", host: "127.0.0.1", port: 6379 });
    transport.connect(2);
  });
});
