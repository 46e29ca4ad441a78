/**
 * From the layers to one configuration: defaults, then the file, then the environment, then flags; later wins.
 *
 * Invariants: every setting is checked, also one that a later layer overrides, so that a wrong line in a file does not
 * lie in wait; all problems are reported together; a configuration that was returned is valid as a whole.
 */
import { resolve } from "node:path";
import { FerriteError } from "../base/errors.ts";
import { isDefault, notAvailable } from "./availability.ts";
import { Config, type Effective } from "./config.ts";
import { Refused } from "./kinds.ts";
import { type ConfigKey, OPTION_LIST, type OptionEntry } from "./options.ts";
import {
  describe,
  type FlagSetting,
  type Setting,
  settingsFromEnvironment,
  settingsFromFile,
  settingsFromFlags,
} from "./settings.ts";

export interface ConfigLayers {
  /** The file's path, as shown in messages, its text and its folder, to which its paths are relative. */
  readonly file?: { readonly path: string; readonly text: string; readonly folder: string };
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly FlagSetting[];
  /** Absolute; paths from the defaults, the environment and flags are relative to it. */
  readonly workingFolder: string;
}

/** Throws one FerriteError of kind `usage` whose message has a line per problem. */
export function loadConfig(layers: ConfigLayers): Config {
  const problems: string[] = [];
  const settings = [
    ...(layers.file === undefined ? [] : settingsFromFile(layers.file, problems)),
    ...settingsFromEnvironment(layers.environment ?? {}, layers.workingFolder, problems),
    ...settingsFromFlags(layers.flags ?? [], layers.workingFolder, problems),
  ];
  const effective = new Map<ConfigKey, Effective>();
  for (const entry of OPTION_LIST) effective.set(entry.key, defaultOf(entry, layers.workingFolder));
  for (const setting of settings) {
    const value = typedValue(setting, problems);
    if (!(value instanceof Refused)) effective.set(setting.entry.key, { value, source: setting.source });
  }
  const config = new Config(effective);
  if (problems.length === 0) problems.push(...contradictions(config));
  if (problems.length > 0) throw new FerriteError("usage", problemList(problems));
  return config;
}

function defaultOf(entry: OptionEntry, folder: string): Effective {
  return { value: placed(entry, entry.option.terms.default, folder), source: "default" };
}

/** Relative paths become absolute, so that they mean the same wherever they are used and shown. */
function placed(entry: OptionEntry, value: unknown, folder: string): unknown {
  return entry.option.kind.isPath === true && value !== "" ? resolve(folder, value as string) : value;
}

function typedValue(setting: Setting, problems: string[]): unknown {
  const { entry, given } = setting;
  const { kind, terms } = entry.option;
  const parsed = given.form === "text" ? kind.fromText(given.text) : kind.fromToml(given.value);
  const reason = parsed instanceof Refused ? parsed.reason : terms.check?.(parsed);
  if (reason !== undefined) {
    const raw = given.form === "text" ? given.text : given.value;
    const found = terms.secret === true ? "something else (not shown)" : describe(raw);
    problems.push(`${entry.key} in ${setting.source}: expected ${reason}, found ${found}`);
    return new Refused(reason);
  }
  if (terms.status === "reserved" && !isDefault(entry, parsed)) {
    problems.push(`${notAvailable(entry)} (set in ${setting.source})`);
    return new Refused("reserved");
  }
  return placed(entry, parsed, setting.folder);
}

/** What is wrong with values that are fine each by itself. */
function contradictions(config: Config): string[] {
  const { server } = config.values;
  const found: string[] = [];
  const tcp = server.bind.length > 0 && server.port !== 0;
  const tls = server.bind.length > 0 && server.tls.port !== 0;
  if (!tcp && !tls && server.unix_socket === "") {
    found.push(
      "server.port, server.tls.port and server.unix_socket are all off: the server would listen nowhere",
    );
  }
  if (tcp && tls && server.port === server.tls.port) {
    found.push(`server.port and server.tls.port are both ${server.port}; choose different ports`);
  }
  if (server.tls.port !== 0) {
    if (server.tls.cert_file === "") found.push("server.tls.port is set, but server.tls.cert_file is not");
    if (server.tls.key_file === "") found.push("server.tls.port is set, but server.tls.key_file is not");
    if (server.tls.auth_clients !== "no" && server.tls.ca_file === "") {
      found.push(
        `server.tls.auth_clients is "${server.tls.auth_clients}", but server.tls.ca_file, which says whom to trust, is not set`,
      );
    }
  }
  return found;
}

function problemList(problems: readonly string[]): string {
  if (problems.length === 1) return problems[0]!;
  return `${problems.length} problems in the configuration:\n${problems.map((problem) => `  ${problem}`).join("\n")}`;
}
