/** A host over a real temporary folder, with everything else under the test's control. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeClock } from "../../src/adapters/node/clock.ts";
import { PortableFileSystem } from "../../src/adapters/node/file-system.ts";
import { NodeRandom } from "../../src/adapters/node/random.ts";
import type { AofOutcome, AofTools, RepairWishes, TruncateWishes } from "../../src/cli/aof-tools.ts";
import { createFileReading } from "../../src/cli/file-reading.ts";
import type { Host, StopSignal } from "../../src/cli/host.ts";
import { runProgram } from "../../src/cli/program.ts";
import type { RunningServer } from "../../src/cli/running-server.ts";
import { crc32cPortable } from "../../src/codec/crc32c.ts";
import type { Config } from "../../src/config/config.ts";

const INTACT: AofOutcome = { report: { parts: 1 }, verdict: "intact", summary: "the log is intact" };

export class FakeHost implements Host {
  readonly version = "9.8.7";
  nodeVersion = "24.1.0";
  readonly platform = "linux";
  environment: Record<string, string | undefined> = {};
  readonly workingFolder = realpathSync(mkdtempSync(join(tmpdir(), "ferrite-cli-")));
  outputIsTerminal = false;
  readonly files = new PortableFileSystem();
  output = "";
  errors = "";
  readonly exits: number[] = [];
  readonly signals: ((signal: StopSignal) => void)[] = [];
  readonly systemTexts: Record<string, string> = {};
  readonly listenCodes: Record<string, string> = {};
  addonText = "";
  readonly started: Config[] = [];
  start: (config: Config) => Promise<RunningServer> = async () => ({ banner: {}, stop: async () => {} });
  readonly aofCalls: (string | RepairWishes | TruncateWishes)[][] = [];
  aofOutcome: AofOutcome | Error = INTACT;

  readonly startServer = (config: Config): Promise<RunningServer> => {
    this.started.push(config);
    return this.start(config);
  };
  readonly reading = createFileReading(this.files, crc32cPortable, new NodeClock(), new NodeRandom());
  readonly aof: AofTools = {
    stats: (...parameters) => this.#aof(["stats", ...parameters]),
    check: (...parameters) => this.#aof(["check", ...parameters]),
    repair: (...parameters) => this.#aof(["repair", ...parameters]),
    truncate: (folder, stem, wishes) => this.#aof(["truncate", folder, stem, wishes]),
  };
  #aof(call: (string | RepairWishes | TruncateWishes)[]): AofOutcome {
    this.aofCalls.push(call);
    if (this.aofOutcome instanceof Error) throw this.aofOutcome;
    return this.aofOutcome;
  }

  run(...words: string[]): Promise<number> {
    return runProgram(words, this);
  }
  path(...names: string[]): string {
    return join(this.workingFolder, ...names);
  }
  write(name: string, text: string): void {
    const file = this.files.openSync(this.path(name), "append");
    const bytes = Buffer.from(text, "utf8");
    file.appendSync(bytes, 0, bytes.length);
    file.close();
  }
  text(name: string): string {
    return Buffer.from(this.files.readFileSync(this.path(name))).toString("utf8");
  }
  dispose(): void {
    rmSync(this.workingFolder, { recursive: true, force: true });
  }

  print(text: string): void {
    this.output += text;
  }
  complain(text: string): void {
    this.errors += text;
  }
  onSignal(listener: (signal: StopSignal) => void): void {
    this.signals.push(listener);
  }
  exitNow(code: number): void {
    this.exits.push(code);
  }
  realPath(path: string): string {
    return realpathSync(path);
  }
  copyPermissions(from: string, to: string): void {
    chmodSync(to, statSync(from).mode & 0o777);
  }
  systemText(path: string): string | undefined {
    return this.systemTexts[path];
  }
  addonProblem(): string {
    return this.addonText;
  }
  async tryListen(host: string, port: number): Promise<string | undefined> {
    return this.listenCodes[`${host}:${port}`];
  }
  monotonicMs(): number {
    return performance.now();
  }
  wallMs(): number {
    return 1_700_000_000_000;
  }
}
