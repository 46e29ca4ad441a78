/**
 * Kinds of values with a grammar of Redis's own: save rules, client output buffer limits, classes of keyspace events.
 *
 * Each is one line in redis.conf and in CONFIG SET, and is read and written in exactly that form,
 * with Redis's texts for what is wrong.
 */
import { type Kind, Refused, tomlString } from "./kinds.ts";
import { formatSize, parseSize } from "./units.ts";

/** Save after `seconds` if at least `changes` were made. */
export interface SaveRule {
  readonly seconds: number;
  readonly changes: number;
}

const SAVE_EXPECTED =
  'a list of rules such as ["3600 1", "300 100"] or [{ seconds = 3600, changes = 1 }, { seconds = 300, changes = 100 }]';

function parseSaveRules(text: string): readonly SaveRule[] | undefined {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length % 2 !== 0) return undefined;
  const rules: SaveRule[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const seconds = Number(words[i]);
    const changes = Number(words[i + 1]);
    if (!/^\d{1,15}$/.test(words[i]!) || !/^\d{1,15}$/.test(words[i + 1]!) || seconds < 1) return undefined;
    rules.push({ seconds, changes });
  }
  return rules;
}

/** A rule written as a table, in the form of the other one; a text that is no rule if it is none. */
function ruleText(entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return "-";
  const { seconds, changes, ...others } = entry as Record<string, unknown>;
  return Object.keys(others).length > 0 ? "-" : `${seconds} ${changes}`;
}

export const saveRulesKind: Kind<readonly SaveRule[]> = {
  name: "list of rules",
  expected: SAVE_EXPECTED,
  fromToml(value) {
    if (typeof value === "string") return saveRulesKind.fromText(value);
    if (!Array.isArray(value)) return new Refused(SAVE_EXPECTED);
    const rules: SaveRule[] = [];
    for (const entry of value) {
      const parsed = parseSaveRules(typeof entry === "string" ? entry : ruleText(entry));
      if (parsed?.length !== 1) return new Refused(SAVE_EXPECTED);
      rules.push(parsed[0]!);
    }
    return rules;
  },
  fromText: (text) => parseSaveRules(text.replaceAll(",", " ")) ?? new Refused(SAVE_EXPECTED),
  fromRedis: (text) => parseSaveRules(text) ?? new Refused("Invalid save parameters"),
  toRedis: (rules) => rules.map((rule) => `${rule.seconds} ${rule.changes}`).join(" "),
  toToml: (rules) => `[${rules.map((rule) => tomlString(`${rule.seconds} ${rule.changes}`)).join(", ")}]`,
};

const EVENT_CLASSES = "g$lshzxetd";
const EVENT_LETTERS = `A${EVENT_CLASSES}KEmn`;
const EVENTS_EXPECTED = `letters of "${EVENT_LETTERS}", such as "KEA", or nothing`;

/** In Redis's order, each letter once, A in place of all that it stands for; undefined for a letter that means nothing. */
function orderedEvents(text: string): string | undefined {
  for (const letter of text) if (!EVENT_LETTERS.includes(letter)) return undefined;
  const has = (letter: string): boolean => text.includes(letter);
  const isAll = has("A") || [...EVENT_CLASSES].every(has);
  const order = isAll ? "AKEmn" : `${EVENT_CLASSES}nKEm`;
  return [...order].filter((letter) => letter === "A" || has(letter)).join("");
}

/** Which keyspace events are published, as `notify-keyspace-events` has it. */
export const keyspaceEventsKind: Kind<string> = {
  name: "event classes",
  expected: EVENTS_EXPECTED,
  fromToml: (value) =>
    typeof value === "string" ? keyspaceEventsKind.fromText(value) : new Refused(EVENTS_EXPECTED),
  fromText: (text) => orderedEvents(text.trim()) ?? new Refused(EVENTS_EXPECTED),
  fromRedis: (text) =>
    orderedEvents(text) ?? new Refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
  // Redis does not tell of n beside A, although it goes by it.
  toRedis: (letters) => (letters.startsWith("A") ? letters.replace("n", "") : letters),
  toToml: tomlString,
};

/** A client is closed above `hardBytes` at once, and above `softBytes` for `softSeconds`; 0 means no limit. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

export interface OutputLimits {
  readonly normal: OutputLimit;
  readonly replica: OutputLimit;
  readonly pubsub: OutputLimit;
}

const CLASSES: Readonly<Record<string, keyof OutputLimits>> = {
  normal: "normal",
  slave: "replica",
  replica: "replica",
  pubsub: "pubsub",
};

/** Redis's defaults. */
export const DEFAULT_OUTPUT_LIMITS: OutputLimits = {
  normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
  replica: { hardBytes: 256 * 1024 ** 2, softBytes: 64 * 1024 ** 2, softSeconds: 60 },
  pubsub: { hardBytes: 32 * 1024 ** 2, softBytes: 8 * 1024 ** 2, softSeconds: 60 },
};

/** Groups of four words, each changing one class of `current`. */
function parseOutputLimits(text: string, current: OutputLimits): OutputLimits | Refused {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0 || words.length % 4 !== 0) {
    return new Refused("Wrong number of arguments in buffer limit configuration.");
  }
  const limits = { ...current };
  for (let i = 0; i < words.length; i += 4) {
    const name = CLASSES[words[i]!.toLowerCase()];
    if (name === undefined)
      return new Refused("Invalid client class specified in buffer limit configuration.");
    const hardBytes = parseSize(words[i + 1]!);
    const softBytes = parseSize(words[i + 2]!);
    if (hardBytes === undefined || softBytes === undefined || !/^\d{1,9}$/.test(words[i + 3]!)) {
      return new Refused("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits[name] = { hardBytes, softBytes, softSeconds: Number(words[i + 3]) };
  }
  return limits;
}

const LIMITS_EXPECTED =
  'groups of "<class> <hard> <soft> <seconds>" with class normal, replica or pubsub, such as "pubsub 32mb 8mb 60"';

const orExplained = (limits: OutputLimits | Refused): OutputLimits | Refused =>
  limits instanceof Refused ? new Refused(LIMITS_EXPECTED) : limits;

const formatLimits = (
  limits: OutputLimits,
  replicaName: string,
  formatBytes: (bytes: number) => string,
): string =>
  [
    ["normal", limits.normal] as const,
    [replicaName, limits.replica] as const,
    ["pubsub", limits.pubsub] as const,
  ]
    .map(([name, { hardBytes, softBytes, softSeconds }]) =>
      [name, formatBytes(hardBytes), formatBytes(softBytes), softSeconds].join(" "),
    )
    .join(" ");

export const outputLimitsKind: Kind<OutputLimits> = {
  name: "limits",
  expected: LIMITS_EXPECTED,
  fromToml: (value) =>
    typeof value === "string" ? outputLimitsKind.fromText(value) : new Refused(LIMITS_EXPECTED),
  fromText: (text) => orExplained(parseOutputLimits(text, DEFAULT_OUTPUT_LIMITS)),
  fromRedis: parseOutputLimits,
  // Redis answers with the word `slave` here, whatever was asked for; monitoring tools match on it.
  toRedis: (limits) => formatLimits(limits, "slave", String),
  toToml: (limits) => tomlString(formatLimits(limits, "replica", formatSize)),
};
