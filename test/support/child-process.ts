/**
 * A server as a child process: its log, its end, and signals to it by process id.
 *
 * Invariants: no child outlives its test file, also after a failure or a timeout; the log is complete when `exited`
 * settles; a child is ended only by its own process id, so that other servers on the machine are left alone.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { afterAll } from "vitest";
import "./temp.ts";

export interface Exit {
  /** null if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Lines kept; a server that logs without end must not fill the memory of the test. */
const LOG_CHARACTERS_MAX = 4 * 1024 * 1024;

const running = new Set<RunningProcess>();

// Registered after the hook of temp.ts, which is imported above, and therefore run before it.
afterAll(async () => {
  await Promise.allSettled([...running].map((server) => server.kill9()));
});

export class RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #log = "";
  #exit: Exit | undefined;

  constructor(
    command: string,
    words: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
  ) {
    const env = options.env ?? withoutTestSettings(process.env);
    const child = spawn(command, words, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    running.add(this);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        if (this.#log.length < LOG_CHARACTERS_MAX) this.#log += text;
      });
    }
    this.exited = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        running.delete(this);
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    // Whoever waits for the start sees the failure there; nobody else has to.
    this.exited.catch(() => running.delete(this));
    this.pid = child.pid ?? -1;
  }

  /** Standard output and standard error so far. */
  get log(): string {
    return this.#log;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** Ends it at once, as a crash would, and waits until it is gone. */
  async kill9(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.exited;
  }

  /** Asks it to end by itself and waits for that. */
  async terminate(): Promise<Exit> {
    this.signal("SIGTERM");
    return this.exited;
  }
}

/** Polls until `attempt` answers true, the process ends, or `timeoutMs` pass; the error carries the log. */
export async function untilReady(
  server: RunningProcess,
  name: string,
  attempt: () => Promise<boolean>,
  timeoutMs = 40_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await attempt())) {
    if (server.exit !== undefined) {
      throw new Error(`${name} ended while starting: ${JSON.stringify(server.exit)}\n${server.log}`);
    }
    if (performance.now() > deadline) {
      await server.kill9();
      throw new Error(`${name} was not ready within ${timeoutMs} ms\n${server.log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Ferrite takes every variable with its prefix for an option, and refuses those that set up the tests. */
function withoutTestSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = (name: string): boolean => !name.startsWith("FERRITE_") || name === "FERRITE_NO_NATIVE";
  return Object.fromEntries(Object.entries(environment).filter(([name]) => passed(name)));
}
