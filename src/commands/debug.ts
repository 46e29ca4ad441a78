/**
 * DEBUG: the parts that test suites and people in trouble use. Guarded by enable-debug-command.
 *
 * One command that reads its own subcommands, as in Redis, where COMMAND knows none of them. What only makes
 * sense for Redis's own structures is not there; switches of such structures are taken and do nothing.
 */
import { matchesGlob } from "../base/glob.ts";
import { NO_EXPIRY, TYPE_STRING } from "../engine/keyspace.ts";
import { STRING_PLAIN } from "../value/string.ts";
import { integerOrReply, NO_SUCH_KEY } from "./arguments.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { debugDigest, debugDigestValue } from "./debug-digest.ts";
import { replyProtocolSample } from "./debug-protocol.ts";
import { replyLater } from "./server-refusal.ts";
import type { CommandSpec } from "./spec.ts";
import { encodingName } from "./value-encoding.ts";

interface Subcommand {
  /** Argument counts, DEBUG and the subcommand included. */
  readonly least: number;
  readonly most: number;
  readonly execute: (context: Context) => void;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  "change-repl-id": exactly(2, accept),
  "config-rewrite-force-all": exactly(2, accept),
  "dict-resizing": exactly(3, accept),
  digest: exactly(2, debugDigest),
  "digest-value": { least: 2, most: Number.POSITIVE_INFINITY, execute: debugDigestValue },
  error: exactly(3, error),
  gc: exactly(2, collectGarbage),
  help: exactly(2, help),
  loadaof: exactly(2, loadAof),
  log: exactly(3, log),
  object: { least: 3, most: 4, execute: object },
  "pause-cron": exactly(3, accept),
  populate: { least: 3, most: 5, execute: populate },
  protocol: exactly(3, replyProtocolSample),
  "quicklist-packed-threshold": exactly(3, accept),
  reload: { least: 2, most: Number.POSITIVE_INFINITY, execute: reload },
  replybuffer: exactly(4, accept),
  "set-active-expire": exactly(3, setActiveExpire),
  "set-disable-deny-scripts": exactly(3, accept),
  "set-skip-checksum-validation": exactly(3, accept),
  sleep: exactly(3, sleep),
  "stringmatch-len": exactly(4, stringMatchLength),
};

function exactly(argc: number, execute: (context: Context) => void): Subcommand {
  return { least: argc, most: argc, execute };
}

function debug(context: Context): void {
  if (!isAllowed(context)) {
    context.reply.error(
      'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a ' +
        "local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    );
    return;
  }
  const word = context.text(1);
  const name = word.toLowerCase();
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined || context.argc < subcommand.least || context.argc > subcommand.most) {
    context.reply.error(`ERR unknown subcommand or wrong number of arguments for '${word}'. Try DEBUG HELP.`);
    return;
  }
  subcommand.execute(context);
}

function isAllowed(context: Context): boolean {
  const { access } = context.server.debug;
  if (access !== "local") return access === "yes";
  const address = context.session.peerAddress;
  return address.startsWith("/") || address.startsWith("127.") || address.startsWith("[::1]:");
}

function accept(context: Context): void {
  context.reply.ok();
}

function error(context: Context): void {
  context.reply.error(context.text(2));
}

function log(context: Context): void {
  context.server.debug.log(context.text(2));
  context.reply.ok();
}

function sleep(context: Context): void {
  // As C's strtod: what is not a number sleeps not at all.
  const seconds = Number.parseFloat(context.text(2));
  if (seconds > 0) context.server.debug.sleep(seconds * 1000);
  context.reply.ok();
}

function setActiveExpire(context: Context): void {
  context.server.debug.setActiveExpire(context.text(2) !== "0");
  context.reply.ok();
}

function collectGarbage(context: Context): void {
  const ms = context.server.debug.collectGarbage();
  if (ms === undefined)
    context.reply.error("ERR DEBUG GC needs a process that was started with node --expose-gc");
  else context.reply.double(ms);
}

function loadAof(context: Context): void {
  replyLater(
    context,
    () => context.server.persistence.reload("log"),
    (reply) => reply.ok(),
  );
}

/** NOSAVE, NOFLUSH and MERGE say how Redis treats a file of its own; here the newest checkpoint and the log count. */
function reload(context: Context): void {
  for (let i = 2; i < context.argc; i++) {
    if (context.is(i, "nosave") || context.is(i, "noflush") || context.is(i, "merge")) continue;
    context.reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    return;
  }
  replyLater(
    context,
    () => context.server.persistence.reload("checkpoint"),
    (reply) => reply.ok(),
  );
}

function object(context: Context): void {
  if (!context.peek(2)) {
    context.reply.error(NO_SUCH_KEY);
    return;
  }
  const { keyspace } = context;
  const { valueLength, idleSeconds } = keyspace;
  const lru = Math.floor(context.nowMs / 1000 - idleSeconds) % 2 ** 24;
  context.reply.simple(
    `Value at:0x0 refcount:1 encoding:${encodingName(keyspace)} serializedlength:${valueLength} lru:${lru} ` +
      `lru_seconds_idle:${idleSeconds} version:${keyspace.version}`,
  );
}

/** More would hold everybody up for too long. */
const POPULATE_MAX = 10_000_000;
const POPULATE_VALUE_BYTES_MAX = 1024 * 1024;

/** Keys `prefix:0` … with values `value:N`, cut or filled with zero bytes to the size asked for; logged like any write. */
function populate(context: Context): void {
  const count = integerOrReply(context, 2);
  if (Number.isNaN(count)) return;
  const prefix = context.argc > 3 ? context.text(3) : "key";
  const size = context.argc > 4 ? integerOrReply(context, 4) : 0;
  if (Number.isNaN(size)) return;
  if (count < 0 || count > POPULATE_MAX || size < 0 || size > POPULATE_VALUE_BYTES_MAX) {
    context.reply.error("ERR value is out of range");
    return;
  }
  for (let i = 0; i < count; i++) populateOne(context, `${prefix}:${i}`, `value:${i}`, size);
  context.reply.ok();
}

function populateOne(context: Context, name: string, text: string, size: number): void {
  const { keyspace, effects, db } = context;
  const key = Buffer.from(name, "latin1");
  if (keyspace.peek(db, key, 0, key.length)) return;
  const value = Buffer.alloc(size === 0 ? text.length : size);
  value.write(text, "latin1");
  keyspace.put(db, key, 0, key.length, TYPE_STRING, STRING_PLAIN, value, 0, value.length, NO_EXPIRY);
  effects.begin(db, 3);
  effects.argumentText("SET");
  effects.argument(key, 0, key.length);
  effects.argument(value, 0, value.length);
  effects.end();
}

/** Matches the pattern against that many letters 'a': how long a hostile pattern takes. */
function stringMatchLength(context: Context): void {
  const length = integerOrReply(context, 2);
  if (Number.isNaN(length)) return;
  if (length < 0 || length > 512 * 1024 * 1024) {
    context.reply.error("ERR value is out of range");
    return;
  }
  const text = new Uint8Array(length).fill(97);
  const matched = matchesGlob(context.bytes, context.offset(3), context.length(3), text, 0, length);
  context.reply.integer(matched ? 1 : 0);
}

function help(context: Context): void {
  replyHelp(context, "DEBUG", HELP);
}

const HELP: readonly string[] = [
  "DIGEST",
  "    Output a hex signature representing the current DB content.",
  "DIGEST-VALUE <key> [<key> ...]",
  "    Output a hex signature of the values of all the specified keys.",
  "ERROR <string>",
  "    Return a protocol error with <string> as message.",
  "GC",
  "    Force a full garbage collection and return how many milliseconds it took.",
  "LOADAOF",
  "    Make the append-only file durable, empty memory and load the file again.",
  "LOG <message>",
  "    Write <message> to the server log.",
  "OBJECT <key>",
  "    Show low level info about <key> and its value.",
  "POPULATE <count> [<prefix>] [<size>]",
  "    Create <count> string keys named key:<num>, or <prefix>:<num>, with values of <size> bytes.",
  "PROTOCOL <type>",
  "    Reply with a test value of the specified type. <type> can be: string,",
  "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
  "    true, false.",
  "RELOAD [option ...]",
  "    Take a checkpoint, empty memory and load it again.",
  "SET-ACTIVE-EXPIRE <0|1>",
  "    0 stops the removal of expired keys that nobody accesses; 1 starts it again.",
  "SLEEP <seconds>",
  "    Stop the server for <seconds>. Decimals allowed.",
  "STRINGMATCH-LEN <length> <pattern>",
  "    Match <pattern> against <length> letters 'a'.",
  "CHANGE-REPL-ID, CONFIG-REWRITE-FORCE-ALL, DICT-RESIZING, PAUSE-CRON, QUICKLIST-PACKED-THRESHOLD,",
  "REPLYBUFFER, SET-DISABLE-DENY-SCRIPTS, SET-SKIP-CHECKSUM-VALIDATION",
  "    Accepted for test suites; without effect.",
];

export const debugCommands: readonly CommandSpec[] = [
  {
    name: "debug",
    arity: -2,
    flags: ["admin", "noscript", "loading", "stale"],
    group: "server",
    docs: () => ({
      since: "1.0.0",
      summary: "A container for debugging commands",
      complexity: "Depends on subcommand.",
      docFlags: ["syscmd"],
    }),
    execute: debug,
  },
];
