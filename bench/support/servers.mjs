// The servers that are measured: each in a process and a folder of its own, on a free port, seen from outside.
//
// All of them get the same task: append-only file on, the same sync policy, no snapshots unless they are asked for. The append-only file is not
// rewritten during a run (Redis would fork for it), because a rewrite in one run and not in the next decides more than
// what is measured.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const FERRITE_MAIN = process.env.FERRITE_MAIN ?? join(ROOT, "dist", "cli", "main.js");
const CLOCK_TICKS_PER_SECOND = 100;
const START_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 5;

const running = new Set();
process.once("exit", () => {
  for (const server of running) server.destroy();
});

export function versionOf(program) {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  if (status !== 0) return undefined;
  return /v=(\S+)/.exec(stdout)?.[1] ?? stdout.trim();
}

/** The kinds that can be measured here, Ferrite last. */
export function availableKinds() {
  return [...["redis", "valkey"].filter((kind) => versionOf(`${kind}-server`) !== undefined), "ferrite"];
}

/**
 * Starts a server. `sync` is "everysec", "always", "no" or "off" (no append-only file); `nodeFlags` go to Ferrite's node.
 * Answers when it serves.
 */
export async function startServer(kind, { sync = "everysec", nodeFlags = [] } = {}) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), `bench-${kind}-`));
  const words =
    kind === "ferrite" ? ferriteWords(port, folder, sync, nodeFlags) : redisWords(kind, port, folder, sync);
  const server = new MeasuredServer(kind, port, folder, words);
  running.add(server);
  await server.untilReady();
  return server;
}

function redisWords(kind, port, folder, sync) {
  const log = sync === "off" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", sync];
  return [
    `${kind}-server`,
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...log],
    ...["--auto-aof-rewrite-percentage", "0", "--logfile", ""],
  ];
}

function ferriteWords(port, folder, sync, nodeFlags) {
  const log = sync === "off" ? ["persistence.aof_enabled=false"] : [`persistence.aof_sync=${sync}`];
  const settings = [
    ...log,
    "persistence.aof_rewrite_percentage=0",
    "persistence.checkpoint_enabled=false",
    "server.enable_debug_command=local",
  ];
  return [
    process.execPath,
    ...nodeFlags,
    ...[FERRITE_MAIN, "run", "--data-dir", join(folder, "data"), "--port", String(port)],
    ...settings.flatMap((setting) => ["--set", setting]),
  ];
}

/** Ferrite reads its options from the environment, too: none of the caller's may change what is measured. */
function cleanEnvironment() {
  const passed = (name) => !name.startsWith("FERRITE_") || name === "FERRITE_NO_NATIVE";
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => passed(name)));
}

class MeasuredServer {
  #words;
  #child;
  #startedAt = 0;
  #log = "";

  constructor(kind, port, folder, words) {
    this.kind = kind;
    this.port = port;
    this.folder = folder;
    this.commandLine = words.map((word) => (word === "" ? '""' : word)).join(" ");
    this.#words = words;
    this.#begin();
  }

  #begin() {
    this.#startedAt = performance.now();
    this.#child = spawn(this.#words[0], this.#words.slice(1), {
      cwd: this.folder,
      env: cleanEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#log += text;
      });
    }
  }

  /** Stops it and starts it again on the same folder; answers the milliseconds from the start to the first PONG. */
  async restart(signal = "SIGTERM") {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill(signal);
    await ended;
    this.#begin();
    await this.untilReady();
    return performance.now() - this.#startedAt;
  }

  get pid() {
    return this.#child.pid;
  }
  get log() {
    return this.#log;
  }

  /** User and system time of the process with all its threads, in seconds; the kernel counts in hundredths. */
  cpuSeconds() {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    // The name in parentheses may hold spaces; after it the state is field 3, utime 14 and stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  residentBytes() {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, "latin1"))[1]) * 1024;
  }

  async untilReady() {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await answersPing(this.port))) {
      if (this.#child.exitCode !== null) throw new Error(`${this.kind} ended while starting\n${this.#log}`);
      if (performance.now() > deadline) throw new Error(`${this.kind} did not start\n${this.#log}`);
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  /** What its children (of a fork) do not share with it, in bytes. */
  privateBytesOfChildren() {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "latin1").trim();
    let bytes = 0;
    for (const pid of children === "" ? [] : children.split(" ")) {
      try {
        const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
        for (const [, kib] of rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm))
          bytes += Number(kib) * 1024;
      } catch {
        // It has just ended.
      }
    }
    return bytes;
  }

  /** The largest resident set since it was started, in bytes. */
  peakResidentBytes() {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, "latin1"))[1]) * 1024;
  }

  /** Ends it at once and removes its folder. */
  async stop() {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.destroy();
    await ended;
  }

  destroy() {
    running.delete(this);
    this.#child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function answersPing(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", (data) => settle(data.toString() === "+PONG\r\n"));
    socket.once("error", () => settle(false));
    socket.setTimeout(1000, () => settle(false));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
