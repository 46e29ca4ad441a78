/** COMMAND GETKEYS and GETKEYSANDFLAGS: which arguments of a whole command are its keys. */
import { Request } from "../protocol/request.ts";
import { FLAG_NO_MANDATORY_KEYS } from "./command-flags.ts";
import { keyDescriptions, replyStatusSet } from "./command-info.ts";
import type { Context } from "./context.ts";
import { findKeys, type ResolvedCommand, tableOf } from "./table.ts";

interface FoundKeys {
  readonly command: ResolvedCommand;
  readonly request: Request;
  /** Argument indexes in `request`. */
  readonly positions: Int32Array;
  /** What the request does to all of its keys, if the command's specification can tell. */
  readonly accessNow: readonly string[] | undefined;
}

export function getKeys(context: Context): void {
  const found = keysOrReply(context);
  if (found === undefined) return;
  context.reply.arrayHeader(found.positions.length);
  for (const position of found.positions) replyKey(context, found.request, position);
}

export function getKeysAndFlags(context: Context): void {
  const found = keysOrReply(context);
  if (found === undefined) return;
  context.reply.arrayHeader(found.positions.length);
  for (const position of found.positions) {
    context.reply.arrayHeader(2);
    replyKey(context, found.request, position);
    replyStatusSet(context.reply, accessOf(found, position));
  }
}

/** Undefined after an error reply. */
function keysOrReply(context: Context): FoundKeys | undefined {
  const request = requestBehind(context.request, 2);
  const command = tableOf(context).lookup(request);
  const problem = problemWith(command, request);
  if (command === undefined || problem !== undefined) {
    context.reply.error(`ERR ${problem}`);
    return undefined;
  }
  const positions = new Int32Array(request.argc);
  const count = within(context, request, () => findKeys(command, context, positions));
  if (count < 0 || (count === 0 && (command.flags & FLAG_NO_MANDATORY_KEYS) === 0)) {
    context.reply.error("ERR Invalid arguments specified for command");
    return undefined;
  }
  const accessNow = within(context, request, () => command.spec.keys?.accessNow?.(context));
  return { command, request, positions: positions.subarray(0, count), accessNow };
}

function problemWith(command: ResolvedCommand | undefined, request: Request): string | undefined {
  if (command === undefined) return "Invalid command specified";
  if (!command.hasKeys) return "The command has no key arguments";
  return command.accepts(request.argc) ? undefined : "Invalid number of arguments specified for command";
}

/** What specifications ask is asked of the context's request, so the inner command takes its place meanwhile. */
function within<T>(context: Context, request: Request, ask: () => T): T {
  const own = context.request;
  context.request = request;
  try {
    return ask();
  } finally {
    context.request = own;
  }
}

/** The same request without its first `skipped` arguments; it shares the bytes. */
function requestBehind(request: Request, skipped: number): Request {
  const inner = new Request();
  inner.bytes = request.bytes;
  inner.argc = request.argc - skipped;
  inner.offsets = request.offsets.subarray(skipped);
  inner.lengths = request.lengths.subarray(skipped);
  return inner;
}

/** The access words of the first key specification that covers the position. */
function accessOf(found: FoundKeys, position: number): readonly string[] {
  if (found.accessNow !== undefined) return found.accessNow;
  const keys = found.command.spec.keys!;
  for (const { begin, find, access } of keyDescriptions(keys)) {
    if (begin === "unknown" || find === "unknown" || !("index" in begin)) continue;
    if (!("limit" in find)) return access;
    const last = find.last < 0 ? found.request.argc + find.last : begin.index + find.last;
    if (position >= begin.index && position <= last && (position - begin.index) % find.step === 0)
      return access;
  }
  return keys.access;
}

function replyKey(context: Context, request: Request, position: number): void {
  context.reply.bulk(request.bytes, request.offsets[position]!, request.lengths[position]!);
}
