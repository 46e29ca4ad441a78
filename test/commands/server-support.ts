/**
 * A whole server face made of the product's own parts and small fakes, for testing commands about the server
 * without one: requests in, raw replies and logged effects out. Nothing here reads a clock.
 */

import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { allCommands } from "../../src/commands/all.ts";
import type { ClientEntry } from "../../src/commands/client-entry.ts";
import { Context } from "../../src/commands/context.ts";
import type { MemoryReading, ServerFace, ShutdownRequest } from "../../src/commands/server-face.ts";
import type { PushMessage, SessionFace } from "../../src/commands/session-face.ts";
import { CommandTable, type ResolvedCommand } from "../../src/commands/table.ts";
import { ClientRegistry } from "../../src/database/client-registry.ts";
import { InfoReport } from "../../src/database/info.ts";
import type { InfoSources } from "../../src/database/info-sources.ts";
import { LatencyMonitor } from "../../src/database/latency-monitor.ts";
import { Monitors } from "../../src/database/monitors.ts";
import { Pause } from "../../src/database/pause.ts";
import { PubSub } from "../../src/database/pub-sub.ts";
import { SlowLog } from "../../src/database/slow-log.ts";
import { Statistics } from "../../src/database/statistics.ts";
import { SipHasher } from "../../src/engine/index/hash.ts";
import { GrowingOutput } from "../../src/protocol/output-space.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { Request } from "../../src/protocol/request.ts";
import { PieceHeap } from "../../src/value/heap/piece-heap.ts";
import { type Argument, RecordingEffects } from "../support/command-harness.ts";
import { MapKeyspace } from "../support/map-keyspace.ts";

export const NOW_MS = 1_700_000_000_000;

/** A client that keeps what it is sent. */
export class FakeClient implements SessionFace, ClientEntry {
  readonly id: number;
  readonly createdMs = NOW_MS - 10_000;
  readonly lastActiveMs = NOW_MS - 3000;
  readonly localAddress = "127.0.0.1:6379";
  readonly descriptor = 8;
  subscriptions = 0;
  patternSubscriptions = 0;
  shardSubscriptions = 0;
  readonly queuedCommands = -1;
  readonly transactionBytes = 0;
  readonly watchBroken = false;
  readonly lastCommand = "client|list";
  readonly inputBytes = 0;
  readonly outputBytes = 0;
  peerAddress: string;
  db = 0;
  resp: 2 | 3 = 2;
  authenticated = true;
  user = "default";
  name = "";
  libraryName = "";
  libraryVersion = "";
  noEvict = false;
  noTouch = false;
  replyMode: "on" | "off" | "skip" = "on";
  monitoring = false;
  closing = false;
  blocked = false;
  killed = false;
  unblocked: string[] = [];
  resets = 0;
  monitorLines: string[] = [];
  /** Replies that came late, one character per byte. */
  deferredReplies: string[] = [];
  deferrals = 0;
  /** What it was sent without having asked, one character per byte. */
  pushes: string[] = [];

  constructor(id: number, parts: { peerAddress?: string; subscriptions?: number } = {}) {
    this.id = id;
    this.peerAddress = parts.peerAddress ?? `127.0.0.1:${5000 + id}`;
    this.subscriptions = parts.subscriptions ?? 0;
  }

  get subscribed(): boolean {
    return this.subscriptions + this.patternSubscriptions + this.shardSubscriptions > 0;
  }
  setSubscriptions(channels: number, patterns: number, shardChannels: number): void {
    this.subscriptions = channels;
    this.patternSubscriptions = patterns;
    this.shardSubscriptions = shardChannels;
  }
  push({ bytes, length }: PushMessage): void {
    this.pushes.push(Buffer.from(bytes.slice(0, length)).toString("latin1"));
  }
  closeAfterReply(): void {
    this.closing = true;
  }
  defer(): (write: (reply: ReplyWriter) => void) => void {
    this.deferrals++;
    return (write) => {
      const output = new GrowingOutput();
      write(new ReplyWriter(output, this.resp));
      this.deferredReplies.push(Buffer.from(output.written()).toString("latin1"));
    };
  }
  kill(): void {
    this.killed = true;
  }
  unblock(how: "timeout" | "error"): boolean {
    this.unblocked.push(how);
    return this.blocked;
  }
  sendMonitorLine(line: string): void {
    this.monitorLines.push(line);
  }
  reset(): void {
    this.resets++;
  }
}

const MEMORY: MemoryReading = {
  used: 12_000_000,
  peak: 13_000_000,
  startup: 1_000_000,
  rss: 20_000_000,
  dataset: 9_000_000,
  index: 1_000_000,
  clients: 0,
  aofBuffer: 0,
  heapUsed: 5_000_000,
  heapTotal: 6_000_000,
  system: 8_000_000_000,
  limit: 0,
  policy: "noeviction",
};

/** What a test may set and look at. */
export class Surroundings {
  password: string | undefined;
  memory: MemoryReading = MEMORY;
  mayWait = true;
  aofEnabled = true;
  durable = true;
  debugAccess: "no" | "local" | "yes" = "yes";
  /** What persistence refuses with; undefined: it does as asked. */
  refusal: Error | undefined;
  shutdownError: Error | undefined;
  shuttingDown = false;
  readonly options = new Map([
    ["maxmemory", "0"],
    ["slowlog-log-slower-than", "10000"],
    ["slowlog-max-len", "128"],
  ]);
  readonly calls: string[] = [];
  readonly timers: { delayMs: number; run: () => void }[] = [];
  readonly durabilityWaiters: { timeoutMs: number; answer: (durable: boolean) => void }[] = [];
}

export class ServerBench {
  readonly around = new Surroundings();
  readonly keyspace = new MapKeyspace();
  readonly effects = new RecordingEffects();
  readonly table = new CommandTable(allCommands);
  readonly pause = new Pause();
  readonly clients: ClientRegistry;
  readonly slowLog = new SlowLog(128);
  readonly latency = new LatencyMonitor(0);
  readonly monitors = new Monitors(() => {});
  readonly pubSub = new PubSub(new SeededRandom(1));
  readonly statistics: Statistics;
  readonly context: Context;
  readonly client = new FakeClient(7);
  readonly #output = new GrowingOutput();
  commandsExecuted = 0;

  constructor(resp: 2 | 3 = 2) {
    this.clients = new ClientRegistry({ pause: this.pause, nowMs: () => NOW_MS, onPauseChanged: () => {} });
    this.clients.add(this.client);
    this.client.resp = resp;
    this.statistics = new Statistics({
      table: this.table,
      keyspace: this.keyspace,
      commandsExecuted: () => this.commandsExecuted,
    });
    this.context = new Context({
      keyspace: this.keyspace,
      structures: { heap: new PieceHeap(), hasher: new SipHasher(1, 2), random: new SeededRandom(1) },
      reply: new ReplyWriter(this.#output, resp),
      effects: this.effects,
      server: this.#face(),
      request: new Request(),
      session: this.client,
    });
    this.effects.bind(this.context);
    this.context.nowMs = NOW_MS;
    this.keyspace.nowMs = NOW_MS;
  }

  /** Runs one command as the session of `client`; answers the raw reply, one character per byte. */
  run(...args: readonly Argument[]): string {
    const request = Request.of(args.map((arg) => (typeof arg === "number" ? String(arg) : arg)));
    const { context, table } = this;
    context.request = request;
    context.db = this.client.db;
    context.reply.resp = this.client.resp;
    this.#output.clear();
    const command = table.lookup(request);
    if (command === undefined) context.reply.error(table.unknownText(request));
    else if (!command.accepts(request.argc) || command.execute === undefined) {
      context.reply.error(table.arityText(command));
    } else {
      this.commandsExecuted++;
      command.execute(context);
    }
    return Buffer.from(this.#output.written()).toString("latin1");
  }

  command(name: string): ResolvedCommand {
    const command = this.table.named(name);
    if (command === undefined) throw new Error(`no command ${name}`);
    return command;
  }

  /** Runs INFO and answers its text. */
  info(...sections: string[]): string {
    return this.#info().render(sections);
  }

  #info(): InfoReport {
    return new InfoReport(infoSources(this));
  }

  #face(): ServerFace {
    const { around } = this;
    return {
      identity: IDENTITY,
      commands: this.table,
      clients: this.clients,
      slowLog: this.slowLog,
      latency: this.latency,
      monitors: this.monitors,
      pubSub: this.pubSub,
      statistics: this.statistics,
      info: { render: (sections) => this.#info().render(sections) },
      memory: { read: () => around.memory, purge: () => void around.calls.push("purge") },
      execution: {
        get mayWait() {
          return around.mayWait;
        },
        wallMicroseconds: () => NOW_MS * 1000 + 42,
        after: (delayMs, run) => void around.timers.push({ delayMs, run }),
      },
      auth: {
        get required() {
          return around.password !== undefined;
        },
        verify: (user, password) =>
          user === "default" &&
          (around.password === undefined || around.password === Buffer.from(password).toString("latin1")),
        userExists: (user) => user === "default",
      },
      config: fakeConfig(around),
      persistence: fakePersistence(around),
      lifecycle: {
        shutdown: (request: ShutdownRequest) => {
          around.calls.push(`shutdown ${JSON.stringify(request)}`);
          return around.shutdownError === undefined
            ? new Promise(() => {})
            : Promise.reject(around.shutdownError);
        },
        abortShutdown: () => around.shuttingDown,
      },
      debug: {
        get access() {
          return around.debugAccess;
        },
        sleep: (ms) => void around.calls.push(`sleep ${ms}`),
        setActiveExpire: (on) => void around.calls.push(`active-expire ${on}`),
        log: (message) => void around.calls.push(`log ${message}`),
        collectGarbage: () => undefined,
      },
    };
  }
}

export const IDENTITY = {
  redisVersion: "7.0.15",
  ferriteVersion: "0.1.0",
  runId: "0123456789abcdef0123456789abcdef01234567",
};

function fakeConfig(around: Surroundings): ServerFace["config"] {
  return {
    get: (patterns) => {
      const tests = patterns.map((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "i"));
      return [...around.options].filter(([name]) => tests.some((test) => test.test(name)));
    },
    set: (pairs) => {
      for (const [name] of pairs) {
        if (!around.options.has(name.toLowerCase())) {
          return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
        }
      }
      for (const [name, value] of pairs) around.options.set(name.toLowerCase(), value);
      return undefined;
    },
    rewrite: () => (around.refusal === undefined ? Promise.resolve() : Promise.reject(around.refusal)),
  };
}

function fakePersistence(around: Surroundings): ServerFace["persistence"] {
  const asked = (call: string): Promise<void> => {
    around.calls.push(call);
    return around.refusal === undefined ? Promise.resolve() : Promise.reject(around.refusal);
  };
  const start = (call: string, text: string): string => {
    around.calls.push(call);
    if (around.refusal !== undefined) throw around.refusal;
    return text;
  };
  return {
    lastSaveSeconds: 1_699_999_000,
    saveInProgress: false,
    get aofEnabled() {
      return around.aofEnabled;
    },
    get durable() {
      return around.durable;
    },
    save: () => asked("save"),
    startSave: (schedule) => start(`bgsave ${schedule}`, "Background saving started"),
    startAofRewrite: () => start("bgrewriteaof", "Background append only file rewriting started"),
    backup: (path) => asked(`backup ${path}`),
    syncAof: () => asked("sync"),
    whenDurable: (timeoutMs, answer) => void around.durabilityWaiters.push({ timeoutMs, answer }),
    reload: (source) => asked(`reload ${source}`),
  };
}

function infoSources(bench: ServerBench): InfoSources {
  return {
    identity: IDENTITY,
    clients: bench.clients,
    pubSub: bench.pubSub,
    memory: { read: () => bench.around.memory, purge: () => {} },
    statistics: bench.statistics,
    table: bench.table,
    keyspace: bench.keyspace,
    nowMs: () => NOW_MS,
    server: () => ({
      startedMs: NOW_MS - 90_000_000,
      processId: 4242,
      operatingSystem: "Linux 6.1.0 x86_64",
      nodeVersion: "v20.20.2",
      executable: "/usr/bin/node",
      configFile: "",
      tcpPort: 6379,
      hz: 10,
      maxClients: 10_000,
      transport: "native",
      fileSystem: "portable",
      replicationId: "f".repeat(40),
      lastLsn: 77,
    }),
    persistence: () => ({
      loading: undefined,
      changesSinceSave: 3,
      saveInProgress: false,
      lastSaveSeconds: 1_699_999_000,
      lastSaveSucceeded: true,
      lastSaveDurationSeconds: -1,
      currentSaveDurationSeconds: -1,
      saves: 0,
      lastSaveBytes: 0,
      savePhase: "idle",
      saveRetainedBytes: 0,
      saveRetainedPeakBytes: 0,
      lastSaveRetainedBytes: 0,
      aofEnabled: bench.around.aofEnabled,
      aofRewriteInProgress: false,
      aofRewriteScheduled: false,
      aofLastRewriteDurationSeconds: -1,
      aofCurrentRewriteDurationSeconds: -1,
      aofLastRewriteSucceeded: true,
      aofRewrites: 0,
      aofLastWriteSucceeded: true,
      aofCurrentSizeBytes: 1234,
      aofBaseSizeBytes: 1000,
      aofBufferBytes: 0,
      aofSyncsPending: 0,
      aofSyncsDelayed: 0,
      aofDurableLsn: 76,
    }),
    tiers: () => ({ hotKeys: 2, hotBytes: 200, warmKeys: 0, warmBytes: 0, coldKeys: 0, coldBytes: 0 }),
    processor: () => ({ userMicroseconds: 1_500_000, systemMicroseconds: 250_000 }),
  };
}
