/**
 * The subcommands of CLIENT that concern the caller's own connection, and those that hold clients up or let
 * them go on (PAUSE UNPAUSE UNBLOCK).
 *
 * CLIENT REPLY OFF and SKIP are the only bodies of the server that write no reply: whoever runs them looks at
 * the session's `replyMode` afterwards.
 */
import { integerOrReply, SYNTAX_ERROR } from "./arguments.ts";
import { isCleanName, NAME_ERROR } from "./client-names.ts";
import { replyHelp } from "./command-help.ts";
import type { Context } from "./context.ts";
import { timeoutOrReply } from "./server-timeout.ts";

export function id(context: Context): void {
  context.reply.integer(context.session.id);
}

export function getName(context: Context): void {
  const name = context.session.name;
  if (name === "") context.reply.nullBulk();
  else context.reply.bulkLatin1(name);
}

export function setName(context: Context): void {
  const name = context.text(2);
  if (!isCleanName(name)) {
    context.reply.error(NAME_ERROR);
    return;
  }
  context.session.name = name;
  context.reply.ok();
}

export function setInfo(context: Context): void {
  const attribute = context.text(2);
  const value = context.text(3);
  const isName = context.is(2, "lib-name");
  if (!isName && !context.is(2, "lib-ver")) {
    context.reply.error(`ERR Unrecognized option '${attribute}'`);
    return;
  }
  if (!isCleanName(value)) {
    context.reply.error(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
    return;
  }
  if (isName) context.session.libraryName = value;
  else context.session.libraryVersion = value;
  context.reply.ok();
}

export function replyMode(context: Context): void {
  const session = context.session;
  if (context.is(2, "on")) {
    session.replyMode = "on";
    context.reply.ok();
  } else if (context.is(2, "off")) {
    session.replyMode = "off";
  } else if (context.is(2, "skip")) {
    if (session.replyMode !== "off") session.replyMode = "skip";
  } else {
    context.reply.error(SYNTAX_ERROR);
  }
}

export function noEvict(context: Context): void {
  const on = onOrOff(context);
  if (on !== undefined) context.session.noEvict = on;
}

export function noTouch(context: Context): void {
  const on = onOrOff(context);
  if (on !== undefined) context.session.noTouch = on;
}

/** Replies in either case. */
function onOrOff(context: Context): boolean | undefined {
  const on = context.is(2, "on");
  if (!on && !context.is(2, "off")) {
    context.reply.error(SYNTAX_ERROR);
    return undefined;
  }
  context.reply.ok();
  return on;
}

/** Tracking cannot be switched on yet, so this is what Redis answers without it. */
export function caching(context: Context): void {
  context.reply.error(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
  );
}

export function getRedirection(context: Context): void {
  context.reply.integer(-1);
}

export function tracking(context: Context): void {
  if (context.is(2, "on"))
    context.reply.error("ERR CLIENT TRACKING is not available in this version of Ferrite");
  else if (context.is(2, "off")) context.reply.ok();
  else context.reply.error(SYNTAX_ERROR);
}

export function trackingInfo(context: Context): void {
  const reply = context.reply;
  reply.mapHeader(3);
  reply.bulkText("flags");
  reply.setHeader(1);
  reply.bulkText("off");
  reply.bulkText("redirect");
  reply.integer(-1);
  reply.bulkText("prefixes");
  reply.arrayHeader(0);
}

export function pause(context: Context): void {
  let mode: "write" | "all" = "all";
  if (context.argc === 4) {
    if (context.is(3, "write")) mode = "write";
    else if (!context.is(3, "all")) {
      context.reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
      return;
    }
  } else if (context.argc > 4) {
    replyMisused(context);
    return;
  }
  const timeoutMs = timeoutOrReply(context, 2);
  if (Number.isNaN(timeoutMs)) return;
  context.server.clients.pause(context.nowMs + timeoutMs, mode);
  context.reply.ok();
}

export function unpause(context: Context): void {
  context.server.clients.unpause();
  context.reply.ok();
}

export function unblock(context: Context): void {
  let how: "timeout" | "error" = "timeout";
  if (context.argc === 4) {
    if (context.is(3, "error")) how = "error";
    else if (!context.is(3, "timeout")) {
      context.reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
      return;
    }
  } else if (context.argc > 4) {
    replyMisused(context);
    return;
  }
  const target = integerOrReply(context, 2);
  if (Number.isNaN(target)) return;
  const client = context.server.clients.find(target);
  context.reply.integer(client?.unblock(how) === true ? 1 : 0);
}

function replyMisused(context: Context): void {
  context.reply.error(
    `ERR unknown subcommand or wrong number of arguments for '${context.text(1)}'. Try CLIENT HELP.`,
  );
}

export function help(context: Context): void {
  replyHelp(context, "CLIENT", HELP);
}

const HELP: readonly string[] = [
  "CACHING (YES|NO)",
  "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
  "GETREDIR",
  "    Return the client ID we are redirecting to when tracking is enabled.",
  "GETNAME",
  "    Return the name of the current connection.",
  "ID",
  "    Return the ID of the current connection.",
  "INFO",
  "    Return information about the current client connection.",
  "KILL <ip:port>",
  "    Kill connection made from <ip:port>.",
  "KILL <option> <value> [<option> <value> [...]]",
  "    Kill connections. Options are:",
  "    * ADDR (<ip:port>|<unixsocket>:0)",
  "      Kill connections made from the specified address",
  "    * LADDR (<ip:port>|<unixsocket>:0)",
  "      Kill connections made to specified local address",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      Kill connections by type.",
  "    * USER <username>",
  "      Kill connections authenticated by <username>.",
  "    * MAXAGE <seconds>",
  "      Kill connections older than the specified age.",
  "    * SKIPME (YES|NO)",
  "      Skip killing current connection (default: yes).",
  "LIST [options ...]",
  "    Return information about client connections. Options:",
  "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
  "      Return clients of specified type.",
  "UNPAUSE",
  "    Stop the current client pause, resuming traffic.",
  "PAUSE <timeout> [WRITE|ALL]",
  "    Suspend all, or just write, clients for <timeout> milliseconds.",
  "REPLY (ON|OFF|SKIP)",
  "    Control the replies sent to the current connection.",
  "SETNAME <name>",
  "    Assign the name <name> to the current connection.",
  "UNBLOCK <clientid> [TIMEOUT|ERROR]",
  "    Unblock the specified blocked client.",
  "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
  "         [OPTIN] [OPTOUT] [NOLOOP]",
  "    Control server assisted client side caching.",
  "TRACKINGINFO",
  "    Report tracking status for the current connection.",
  "NO-EVICT (ON|OFF)",
  "    Protect current client connection from eviction.",
  "NO-TOUCH (ON|OFF)",
  "    Will not touch LRU/LFU stats when this mode is on.",
  "SETINFO <option> <value>",
  "    Set client meta attr. Options are:",
  "    * LIB-NAME: the client lib name.",
  "    * LIB-VER: the client lib version.",
];
