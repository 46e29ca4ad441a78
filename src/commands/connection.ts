/**
 * Commands about the connection itself: AUTH ECHO HELLO PING QUIT RESET SELECT.
 *
 * Invariant: after HELLO and RESET the reply is already in the new protocol, as clients expect.
 *
 * Hot-path file: PING, ECHO and SELECT allocate nothing.
 */
import { databaseOrReply, replyWrongArity, SYNTAX_ERROR } from "./arguments.ts";
import { isCleanName, NAME_ERROR } from "./client-names.ts";
import { argument, block } from "./command-arguments.ts";
import type { Context } from "./context.ts";
import type { CommandSpec } from "./spec.ts";

const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
const NO_PASSWORD_SET =
  "ERR AUTH <password> called without any password configured for the default user. " +
  "Are you sure your configuration is correct?";
const HELLO_NEEDS_AUTH =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> " +
  "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time";

function auth(context: Context): void {
  const argc = context.argc;
  if (argc > 3) {
    context.reply.error(SYNTAX_ERROR);
    return;
  }
  if (argc === 2 && !context.server.auth.required) {
    context.reply.error(NO_PASSWORD_SET);
    return;
  }
  const user = argc === 2 ? "default" : context.text(1);
  if (authenticate(context, user, context.copy(argc - 1))) context.reply.ok();
  else context.reply.error(WRONG_PASSWORD);
}

function authenticate(context: Context, user: string, password: Uint8Array): boolean {
  if (!context.server.auth.verify(user, password)) return false;
  context.session.authenticated = true;
  context.session.user = user;
  return true;
}

function echo(context: Context): void {
  context.reply.bulk(context.bytes, context.offset(1), context.length(1));
}

function ping(context: Context): void {
  const argc = context.argc;
  const { session } = context;
  if (session.resp === 2 && argc <= 2 && session.subscribed) pongAsMessage(context);
  else if (argc === 1) context.reply.pong();
  else if (argc === 2) context.reply.bulk(context.bytes, context.offset(1), context.length(1));
  else replyWrongArity(context, "ping");
}

/** To a subscriber that cannot tell replies from messages in any other way. */
function pongAsMessage(context: Context): void {
  const { reply, argc } = context;
  reply.arrayHeader(2);
  reply.bulkLatin1("pong");
  if (argc === 1) reply.bulkLatin1("");
  else reply.bulk(context.bytes, context.offset(1), context.length(1));
}

function hello(context: Context): void {
  const { reply, session } = context;
  let protocol: 2 | 3 = session.resp;
  let next = 1;
  if (context.argc > 1) {
    const version = context.integer64(1);
    if (version === undefined) {
      reply.error("ERR Protocol version is not an integer or out of range");
      return;
    }
    if (version !== 2n && version !== 3n) {
      reply.error("NOPROTO unsupported protocol version");
      return;
    }
    protocol = version === 2n ? 2 : 3;
    next = 2;
  }
  const options = helloOptions(context, next);
  if (options === undefined) return;
  if (options.user !== undefined && !authenticate(context, options.user, options.password)) {
    reply.error(WRONG_PASSWORD);
    return;
  }
  if (!session.authenticated) {
    reply.error(HELLO_NEEDS_AUTH);
    return;
  }
  if (options.name !== undefined) session.name = options.name;
  session.resp = protocol;
  reply.resp = protocol;
  replyHello(context);
}

interface HelloOptions {
  user?: string;
  password: Uint8Array;
  name?: string;
}

/** Undefined after an error reply. */
function helloOptions(context: Context, first: number): HelloOptions | undefined {
  const options: HelloOptions = { password: new Uint8Array(0) };
  for (let i = first; i < context.argc; i++) {
    const more = context.argc - 1 - i;
    if (context.is(i, "auth") && more >= 2) {
      options.user = context.text(i + 1);
      options.password = context.copy(i + 2);
      i += 2;
    } else if (context.is(i, "setname") && more >= 1) {
      options.name = context.text(i + 1);
      if (!isCleanName(options.name)) {
        context.reply.error(NAME_ERROR);
        return undefined;
      }
      i++;
    } else {
      context.reply.error(`ERR Syntax error in HELLO option '${context.text(i)}'`);
      return undefined;
    }
  }
  return options;
}

function replyHello(context: Context): void {
  const { reply, session } = context;
  reply.mapHeader(7);
  reply.bulkText("server");
  // Client libraries look for this very word to know whom they talk to.
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(context.server.identity.redisVersion);
  reply.bulkText("proto");
  reply.integer(session.resp);
  reply.bulkText("id");
  reply.integer(session.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText("master");
  reply.bulkText("modules");
  reply.arrayHeader(0);
}

function quit(context: Context): void {
  context.reply.ok();
  context.session.closeAfterReply();
}

function reset(context: Context): void {
  const session = context.session;
  const authenticated = !context.server.auth.required;
  context.transactions.discard();
  context.server.pubSub.forget(session);
  const client = context.server.clients.find(session.id);
  if (client !== undefined) {
    context.server.monitors.remove(client);
    client.reset(authenticated);
  }
  session.db = 0;
  context.db = 0;
  session.resp = 2;
  session.authenticated = authenticated;
  session.user = "default";
  session.name = "";
  session.noEvict = false;
  session.noTouch = false;
  session.replyMode = "on";
  session.monitoring = false;
  context.reply.resp = 2;
  context.reply.simple("RESET");
}

function select(context: Context): void {
  const db = databaseOrReply(context, 1);
  if (db < 0) return;
  context.session.db = db;
  context.db = db;
  context.reply.ok();
}

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: "auth",
    arity: -2,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    group: "connection",
    docs: () => ({
      since: "1.0.0",
      summary: "Authenticate to the server",
      complexity: "O(N) where N is the number of passwords defined for the user",
      history: [["6.0.0", "Added ACL style (username and password)."]],
      arguments: [
        argument("username", "string", { optional: true, since: "6.0.0" }),
        argument("password", "string"),
      ],
    }),
    execute: auth,
  },
  {
    name: "echo",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    group: "connection",
    docs: () => ({
      since: "1.0.0",
      summary: "Echo the given string",
      complexity: "O(1)",
      arguments: [argument("message", "string")],
    }),
    execute: echo,
  },
  {
    name: "hello",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    group: "connection",
    docs: () => ({
      since: "6.0.0",
      summary: "Handshake with Redis",
      complexity: "O(1)",
      history: [
        [
          "6.2.0",
          "`protover` made optional; when called without arguments the command reports the current connection's context.",
        ],
      ],
      arguments: [
        block(
          "arguments",
          [
            argument("protover", "integer"),
            block("username_password", [argument("username", "string"), argument("password", "string")], {
              token: "AUTH",
              optional: true,
            }),
            argument("clientname", "string", { token: "SETNAME", optional: true }),
          ],
          { optional: true },
        ),
      ],
    }),
    execute: hello,
  },
  {
    name: "ping",
    arity: -1,
    flags: ["fast"],
    group: "connection",
    docs: () => ({
      since: "1.0.0",
      summary: "Ping the server",
      complexity: "O(1)",
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      arguments: [argument("message", "string", { optional: true })],
    }),
    execute: ping,
  },
  {
    name: "quit",
    arity: -1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    group: "connection",
    docs: () => ({
      since: "1.0.0",
      summary: "Close the connection",
      complexity: "O(1)",
    }),
    execute: quit,
  },
  {
    name: "reset",
    arity: 1,
    flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
    group: "connection",
    docs: () => ({
      since: "6.2.0",
      summary: "Reset the connection",
      complexity: "O(1)",
    }),
    execute: reset,
  },
  {
    name: "select",
    arity: 2,
    flags: ["loading", "stale", "fast"],
    group: "connection",
    docs: () => ({
      since: "1.0.0",
      summary: "Change the selected database for the current connection",
      complexity: "O(1)",
      arguments: [argument("index", "integer")],
    }),
    execute: select,
  },
];
