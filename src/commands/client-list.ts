/**
 * CLIENT LIST, INFO and KILL: which clients a request means, and what is told of or done to them.
 *
 * Invariant: KILL closes nothing before all its filters were understood.
 */
import { SYNTAX_ERROR } from "./arguments.ts";
import {
  type ClientEntry,
  type ClientType,
  clientType,
  clientTypeNamed,
  describeClient,
} from "./client-entry.ts";
import type { Context } from "./context.ts";

export function list(context: Context): void {
  const argc = context.argc;
  if (argc === 2) {
    replyLines(context, context.server.clients.entries());
  } else if (argc === 4 && context.is(2, "type")) {
    const type = typeOrReply(context, 3);
    if (type === undefined) return;
    replyLines(
      context,
      [...context.server.clients.entries()].filter((client) => clientType(client) === type),
    );
  } else if (argc > 3 && context.is(2, "id")) {
    listById(context);
  } else {
    context.reply.error(SYNTAX_ERROR);
  }
}

function listById(context: Context): void {
  const found: ClientEntry[] = [];
  for (let i = 3; i < context.argc; i++) {
    const id = context.integer64(i);
    if (id === undefined) {
      context.reply.error("ERR Invalid client ID");
      return;
    }
    const client = context.server.clients.find(Number(id));
    if (client !== undefined) found.push(client);
  }
  replyLines(context, found);
}

export function info(context: Context): void {
  const client = context.server.clients.find(context.session.id);
  replyLines(context, client === undefined ? [] : [client]);
}

function replyLines(context: Context, clients: Iterable<ClientEntry>): void {
  const nowMs = context.nowMs;
  let text = "";
  for (const client of clients) text += `${describeClient(client, nowMs)}\n`;
  context.reply.verbatim("txt", text);
}

/** Undefined after an error reply. */
function typeOrReply(context: Context, index: number): ClientType | undefined {
  const type = clientTypeNamed(context.text(index));
  if (type === undefined) context.reply.error(`ERR Unknown client type '${context.text(index)}'`);
  return type;
}

interface KillFilter {
  id?: number;
  peerAddress?: string;
  localAddress?: string;
  type?: ClientType;
  user?: string;
  ageSecondsMin?: number;
  skipSelf: boolean;
}

export function kill(context: Context): void {
  if (context.argc === 3) {
    // The old form: an address, and the caller itself is fair game.
    const killed = killMatching(context, { peerAddress: context.text(2), skipSelf: false });
    if (killed > 0) context.reply.ok();
    else context.reply.error("ERR No such client");
    return;
  }
  const filter = killFilter(context);
  if (filter !== undefined) context.reply.integer(killMatching(context, filter));
}

/** Undefined after an error reply. */
function killFilter(context: Context): KillFilter | undefined {
  const filter: KillFilter = { skipSelf: true };
  for (let i = 2; i < context.argc; i += 2) {
    if (i + 1 >= context.argc) {
      context.reply.error(SYNTAX_ERROR);
      return undefined;
    }
    if (!addFilter(context, filter, i)) return undefined;
  }
  return filter;
}

/** False after an error reply. */
function addFilter(context: Context, filter: KillFilter, at: number): boolean {
  const value = context.text(at + 1);
  switch (context.text(at).toLowerCase()) {
    case "id":
      return positiveInto(context, at + 1, "client-id", (id) => {
        filter.id = id;
      });
    case "maxage":
      return positiveInto(context, at + 1, "maxage", (seconds) => {
        filter.ageSecondsMin = seconds;
      });
    case "type": {
      const type = typeOrReply(context, at + 1);
      if (type === undefined) return false;
      filter.type = type;
      return true;
    }
    case "addr":
      filter.peerAddress = value;
      return true;
    case "laddr":
      filter.localAddress = value;
      return true;
    case "user":
      if (!context.server.auth.userExists(value)) {
        context.reply.error(`ERR No such user '${value}'`);
        return false;
      }
      filter.user = value;
      return true;
    case "skipme":
      if (context.is(at + 1, "yes") || context.is(at + 1, "no")) {
        filter.skipSelf = context.is(at + 1, "yes");
        return true;
      }
  }
  context.reply.error(SYNTAX_ERROR);
  return false;
}

function positiveInto(context: Context, index: number, name: string, set: (value: number) => void): boolean {
  const value = context.integer64(index);
  if (value === undefined || value <= 0n) {
    context.reply.error(`ERR ${name} should be greater than 0`);
    return false;
  }
  set(Number(value));
  return true;
}

function killMatching(context: Context, filter: KillFilter): number {
  let killed = 0;
  // A copy: killing takes entries out of the registry.
  for (const client of [...context.server.clients.entries()]) {
    if (!matches(client, filter, context)) continue;
    client.kill();
    killed++;
  }
  return killed;
}

function matches(client: ClientEntry, filter: KillFilter, context: Context): boolean {
  if (filter.id !== undefined && client.id !== filter.id) return false;
  if (filter.peerAddress !== undefined && client.peerAddress !== filter.peerAddress) return false;
  if (filter.localAddress !== undefined && client.localAddress !== filter.localAddress) return false;
  if (filter.type !== undefined && clientType(client) !== filter.type) return false;
  if (filter.user !== undefined && client.user !== filter.user) return false;
  if (filter.ageSecondsMin !== undefined) {
    if (context.nowMs - client.createdMs < filter.ageSecondsMin * 1000) return false;
  }
  return !(filter.skipSelf && client.id === context.session.id);
}
