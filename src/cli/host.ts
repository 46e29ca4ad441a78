/**
 * What the command line needs of the process and the machine around it.
 *
 * Everything that a subcommand does to the outside goes through here, so that a test can run every subcommand
 * in its own process and look at what was written, and at the exit code.
 */
import type { FileSystem } from "../ports/file-system.ts";
import type { AofTools } from "./aof-tools.ts";
import type { FileReading } from "./file-reading.ts";
import type { StartServer } from "./running-server.ts";

export type StopSignal = "SIGTERM" | "SIGINT";

export interface Host {
  readonly version: string;
  /** `20.20.2`. */
  readonly nodeVersion: string;
  /** Node's name: `linux`, `darwin`, … */
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly workingFolder: string;
  readonly outputIsTerminal: boolean;
  readonly files: FileSystem;
  readonly startServer: StartServer;
  readonly aof: AofTools;
  readonly reading: FileReading;

  /** To standard output. */
  print(text: string): void;
  /** To standard error. */
  complain(text: string): void;
  onSignal(listener: (signal: StopSignal) => void): void;
  /** Ends the process at once, whatever is under way. */
  exitNow(code: number): void;
  /** Follows symbolic links; the path must exist. */
  realPath(path: string): string;
  copyPermissions(from: string, to: string): void;
  /** A file of the running system such as /proc/self/limits; undefined where it does not exist. */
  systemText(path: string): string | undefined;
  /** Why the native addon is not in use; empty if it is. */
  addonProblem(): string;
  /** Listens on the address for a moment; answers the system's code if that fails, else undefined. */
  tryListen(host: string, port: number): Promise<string | undefined>;
  monotonicMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
}
