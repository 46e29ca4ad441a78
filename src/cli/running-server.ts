/** What the command line sees of a server that it has started. */
import type { Config } from "../config/config.ts";

export interface RunningServer {
  /** What a person wants to know at the start, in the order to show it: addresses, folders, transport, keys loaded. */
  readonly banner: Readonly<Record<string, string | number | boolean>>;
  /**
   * Finishes what is acknowledged and releases everything. Called at most once, and also right while the server
   * stops by itself. `reason` is for the log: `SIGTERM`.
   */
  stop(reason: string): Promise<void>;
  /** Resolves when the server has stopped by itself (SHUTDOWN); rejects if it could not go on. */
  readonly ended?: Promise<void>;
}

export type StartServer = (config: Config) => Promise<RunningServer>;
