/**
 * A server over in-memory ports under a test's hand: time stands until it is let pass, the disk can be stopped.
 *
 * Invariant: nothing moves but inside `settle`, `pass` and `until`, so a test decides what comes before what.
 */
import { VirtualClock } from "../../src/adapters/memory/clock.ts";
import { type Fault, type FileOperation, MemoryFileSystem } from "../../src/adapters/memory/file-system.ts";
import type { MemoryClient } from "../../src/adapters/memory/pipe.ts";
import { SeededRandom } from "../../src/adapters/memory/random.ts";
import { MemoryTransport, type MemoryTransportOptions } from "../../src/adapters/memory/transport.ts";
import { fromLatin1, latin1 } from "../../src/base/bytes.ts";
import { DATA_FOLDER, KeptLogger, type RunningServer, requestText, startServer } from "./sim-server.ts";

const STEPS_MAX = 100_000;

export interface RigOptions {
  readonly settings?: Readonly<Record<string, string>>;
  readonly transport?: Partial<Pick<MemoryTransportOptions, "split" | "windowBytes" | "arenaBytes">>;
  /** The disk that the server finds; an empty one if absent. */
  readonly fileSystem?: MemoryFileSystem;
  readonly peerAddress?: string;
  readonly partBytesMax?: number;
}

export class Rig {
  readonly clock = new VirtualClock();
  readonly logger = new KeptLogger();
  readonly fileSystem: MemoryFileSystem;
  readonly transport: MemoryTransport;
  /** Asked before every operation of the disk; replace it to inject faults. */
  fault: (operation: FileOperation, path: string) => Fault | undefined = () => undefined;
  #heldDisk: (() => void)[] | undefined;
  #running: RunningServer | undefined;

  private constructor(options: RigOptions) {
    const hooks = {
      random: new SeededRandom(1),
      soon: (run: () => void) => this.#onDisk(run),
      wallMs: () => this.clock.wallMs(),
      fault: (operation: FileOperation, path: string) => this.fault(operation, path),
    };
    this.fileSystem = options.fileSystem?.kill(hooks) ?? new MemoryFileSystem(hooks);
    if (options.fileSystem === undefined) {
      this.fileSystem.makeDirectorySync(DATA_FOLDER);
      this.fileSystem.syncDirectorySync("/");
    }
    this.transport = new MemoryTransport({
      soon: (run) => this.clock.soon(run),
      after: (delayMs, run) => this.clock.after(delayMs, run),
      ...options.transport,
    });
    const { peerAddress } = options;
    if (peerAddress !== undefined) this.transport.peerAddress = () => peerAddress;
  }

  static async open(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    rig.#running = await rig.until(
      startServer({
        clock: rig.clock,
        random: new SeededRandom(2),
        fileSystem: rig.fileSystem,
        transport: rig.transport,
        logger: rig.logger,
        ...(options.settings === undefined ? {} : { settings: options.settings }),
        ...(options.partBytesMax === undefined ? {} : { partBytesMax: options.partBytesMax }),
      }),
    );
    return rig;
  }

  get running(): RunningServer {
    return this.#running!;
  }
  get database(): RunningServer["assembly"]["database"] {
    return this.running.assembly.database;
  }
  get server(): RunningServer["server"] {
    return this.running.server;
  }

  connect(): RigClient {
    return new RigClient(this, this.transport.connect());
  }

  #onDisk(run: () => void): void {
    if (this.#heldDisk === undefined) this.clock.soon(run);
    else this.#heldDisk.push(run);
  }

  /** Asynchronous operations of the disk get no further until `releaseDisk`. */
  holdDisk(): void {
    this.#heldDisk ??= [];
  }

  releaseDisk(): void {
    const held = this.#heldDisk ?? [];
    this.#heldDisk = undefined;
    for (const run of held) this.clock.soon(run);
  }

  /** Everything that can happen without time passing. */
  settle(): Promise<void> {
    return this.clock.drainAsync();
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets everything go on, time as far as needed, until the promise settles. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let step = 0; !settled; step++) {
      if (step > STEPS_MAX) throw new Error("what is waited for does not come");
      await this.clock.drainAsync();
      if (!settled) await this.clock.advanceAsync(10);
    }
    return promise;
  }

  /** The bytes that the server holds for its clients, kernel windows not included. */
  get bufferedBytes(): number {
    return this.server.bufferedBytes;
  }
}

export class RigClient {
  readonly pipe: MemoryClient;
  readonly #rig: Rig;
  #received: string[] = [];
  /** Bytes ever received. */
  receivedBytes = 0;
  closed: "no" | "ended" | "reset" = "no";
  /** Set to count bytes only, for replies too large to keep. */
  keepsNothing = false;

  constructor(rig: Rig, pipe: MemoryClient) {
    this.#rig = rig;
    this.pipe = pipe;
    pipe.onData((bytes) => {
      this.receivedBytes += bytes.length;
      if (!this.keepsNothing) this.#received.push(latin1(bytes));
    });
    pipe.onClosed((how) => {
      this.closed = how;
    });
  }

  /** Sends commands, each a list of words separated by single spaces; nothing moves yet. */
  send(...commands: readonly string[]): void {
    this.raw(commands.map((command) => requestText(command.split(" "))).join(""));
  }

  raw(text: string): void {
    this.pipe.write(fromLatin1(text));
  }

  /** Sends, lets everything happen, answers what arrived. */
  async ask(...commands: readonly string[]): Promise<string> {
    this.send(...commands);
    await this.#rig.settle();
    return this.take();
  }

  /** What has arrived since the last time. */
  take(): string {
    const text = this.#received.join("");
    this.#received = [];
    return text;
  }
}
