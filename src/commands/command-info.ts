/**
 * What COMMAND and COMMAND INFO tell of one command: ten elements, as Redis 7 lays them out.
 *
 * Invariant: a command's reply depends on its spec alone, so two servers of one version answer the same.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { categoriesOf, flagNames } from "./command-flags.ts";
import type { KeyDescription, KeySpec } from "./spec.ts";
import type { ResolvedCommand } from "./table.ts";

export function replyCommandInfo(reply: ReplyWriter, command: ResolvedCommand): void {
  const { spec } = command;
  const { keys } = spec;
  reply.arrayHeader(10);
  reply.bulkText(command.fullName);
  reply.integer(command.arity);
  replyStatusSet(reply, flagNames(command.flags));
  reply.integer(keys?.first ?? 0);
  reply.integer(keys?.last ?? 0);
  reply.integer(keys?.step ?? 0);
  replyStatusSet(
    reply,
    categoriesOf(spec).map((category) => `@${category}`),
  );
  const tips = spec.docs().tips ?? [];
  reply.setHeader(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  const descriptions = keys === undefined ? [] : keyDescriptions(keys);
  reply.setHeader(descriptions.length);
  for (const description of descriptions) replyKeyDescription(reply, description);
  if (command.subcommands.length === 0) {
    reply.setHeader(0);
    return;
  }
  reply.arrayHeader(command.subcommands.length);
  for (const subcommand of command.subcommands) replyCommandInfo(reply, subcommand);
}

export function replyStatusSet(reply: ReplyWriter, words: readonly string[]): void {
  reply.setHeader(words.length);
  for (const word of words) reply.simple(word);
}

/** The key specifications that clients are told: those written out, or the one that the range makes. */
export function keyDescriptions(keys: KeySpec): readonly KeyDescription[] {
  if (keys.described !== undefined) return keys.described;
  const last = keys.last < 0 ? keys.last : keys.last - keys.first;
  return [
    {
      access: keys.access,
      ...(keys.notes === undefined ? {} : { notes: keys.notes }),
      begin: { index: keys.first },
      find: { last, step: keys.step, limit: 0 },
    },
  ];
}

function replyKeyDescription(reply: ReplyWriter, description: KeyDescription): void {
  reply.mapHeader(description.notes === undefined ? 3 : 4);
  if (description.notes !== undefined) {
    reply.bulkText("notes");
    reply.bulkText(description.notes);
  }
  reply.bulkText("flags");
  replyStatusSet(reply, description.access);
  reply.bulkText("begin_search");
  replyBegin(reply, description.begin);
  reply.bulkText("find_keys");
  replyFind(reply, description.find);
}

function replyBegin(reply: ReplyWriter, begin: KeyDescription["begin"]): void {
  if (begin === "unknown") replyTyped(reply, "unknown", []);
  else if ("index" in begin) replyTyped(reply, "index", [["index", begin.index]]);
  else {
    replyTyped(reply, "keyword", [
      ["keyword", begin.keyword],
      ["startfrom", begin.startFrom],
    ]);
  }
}

function replyFind(reply: ReplyWriter, find: KeyDescription["find"]): void {
  if (find === "unknown") replyTyped(reply, "unknown", []);
  else if ("limit" in find) {
    replyTyped(reply, "range", [
      ["lastkey", find.last],
      ["keystep", find.step],
      ["limit", find.limit],
    ]);
  } else {
    replyTyped(reply, "keynum", [
      ["keynumidx", find.countIndex],
      ["firstkey", find.first],
      ["keystep", find.step],
    ]);
  }
}

/** `{type, spec: {…}}`. */
function replyTyped(
  reply: ReplyWriter,
  type: string,
  fields: readonly (readonly [name: string, value: string | number])[],
): void {
  reply.mapHeader(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
  reply.mapHeader(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulkText(value);
  }
}
