/**
 * What a program may say when it opens a database, and what that means as a configuration.
 *
 * Invariants: the option types follow from the one table of options, so a misspelt key or a value of a wrong type
 * does not compile; a program without types gets the same refusals as a configuration file. Neither a
 * configuration file nor the environment is read: a program says what it wants.
 */
import { FerriteError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import type { ConfigKey, ConfigValue } from "../config/options.ts";
import type { FlagSetting } from "../config/settings.ts";
import type { Logger } from "../ports/logger.ts";

/** Options that only a server has, and the data directory, which `open` takes by itself. */
type NotForPrograms =
  | "storage.data_dir"
  | "server.bind"
  | "server.port"
  | "server.unix_socket"
  | "server.unix_socket_permissions"
  | "server.tcp_backlog"
  | "server.tcp_keepalive"
  | "server.protected_mode"
  | "server.max_clients"
  | "server.timeout"
  | "server.shutdown_timeout"
  | "server.client_output_buffer_limit"
  | `server.tls.${string}`
  | `metrics.${string}`;

const NOT_FOR_PROGRAMS =
  /^(storage\.data_dir|server\.(bind|port|unix_socket|unix_socket_permissions|tcp_backlog|tcp_keepalive|protected_mode|max_clients|timeout|shutdown_timeout|client_output_buffer_limit|tls\..*)|metrics\..*)$/;

/** Keys of the configuration, as in `docs/configuration.md`, that mean something without a server. */
export type OptionKey = Exclude<ConfigKey, NotForPrograms>;

type Given<Value> = Value extends boolean
  ? Value
  : Value extends string
    ? Value
    : Value extends number
      ? number | string
      : Value extends readonly string[]
        ? Value | string
        : string;

/**
 * A value in the form of the configuration file: sizes in bytes or as a text ("64MB"), durations in seconds or as
 * a text ("100ms"), choices as their word.
 */
export type OptionValue<Key extends OptionKey> = Given<ConfigValue<Key>>;

export type ConfigOptions = { readonly [Key in OptionKey]?: OptionValue<Key> };

export interface OpenOptions {
  readonly config?: ConfigOptions;
  /**
   * Where events go: nowhere ("silent"), or to an object of the program. By default warnings go to standard error;
   * `logging.level`, `logging.format` and `logging.file` change that.
   */
  readonly logger?: "silent" | Logger;
}

export interface MemoryOptions extends OpenOptions {
  /** Keeps everything in memory and touches no file. */
  readonly memory: true;
}

/** Throws FerriteError("usage") that names every wrong option. `directory` undefined: nothing is kept. */
export function configFor(directory: string | undefined, options: OpenOptions): Config {
  const flags: FlagSetting[] = [{ key: "logging.level", text: "warning", flag: "open" }];
  for (const [key, value] of Object.entries(options.config ?? {})) {
    if (value === undefined) continue;
    if (NOT_FOR_PROGRAMS.test(key)) {
      throw new FerriteError(
        "usage",
        key === "storage.data_dir"
          ? "storage.data_dir is the first argument of open"
          : `${key} belongs to the server: a database that is opened in a program listens nowhere; leave it out`,
      );
    }
    if (directory === undefined && key.startsWith("persistence.")) {
      throw new FerriteError(
        "usage",
        `${key} has no meaning for a database that is kept nowhere; leave it out`,
      );
    }
    flags.push({ key, text: textOf(value), flag: "the options of open" });
  }
  if (directory === undefined) {
    flags.push({ key: "persistence.aof_enabled", text: "false", flag: "memory" });
    flags.push({ key: "persistence.checkpoint_enabled", text: "false", flag: "memory" });
  } else flags.push({ key: "storage.data_dir", text: directory, flag: "open" });
  return loadConfig({ flags, workingFolder: process.cwd() });
}

const textOf = (value: unknown): string => (Array.isArray(value) ? value.join(" ") : String(value));
