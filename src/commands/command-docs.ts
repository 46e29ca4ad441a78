/**
 * What COMMAND DOCS tells of one command: a map whose fields and order are those of Redis 7.
 *
 * A reply needs the number of its fields before the first of them, so each map is collected as a list of
 * (name, writer) and then written; nobody calls this often enough for that to matter.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import { replyStatusSet } from "./command-info.ts";
import type { ArgumentDoc } from "./spec.ts";
import type { ResolvedCommand } from "./table.ts";

type Field = readonly [name: string, write: (reply: ReplyWriter) => void];

/** The command's name and its documentation: two replies, for a caller that writes a map. */
export function replyCommandDocs(reply: ReplyWriter, command: ResolvedCommand): void {
  reply.bulkText(command.fullName);
  replyFields(reply, commandFields(command));
}

function commandFields(command: ResolvedCommand): readonly Field[] {
  const docs = command.spec.docs();
  const fields: Field[] = [
    text("summary", docs.summary),
    text("since", docs.since),
    text("group", command.spec.group),
  ];
  if (docs.complexity !== "") fields.push(text("complexity", docs.complexity));
  const docFlags = [...(docs.deprecated === undefined ? [] : ["deprecated"]), ...(docs.docFlags ?? [])];
  if (docFlags.length > 0) fields.push(["doc_flags", (reply) => replyStatusSet(reply, docFlags)]);
  if (docs.deprecated !== undefined) {
    fields.push(
      text("deprecated_since", docs.deprecated.since),
      text("replaced_by", docs.deprecated.replacedBy),
    );
  }
  const history = docs.history;
  if (history !== undefined) {
    fields.push([
      "history",
      (reply) => {
        reply.setHeader(history.length);
        for (const [version, change] of history) {
          reply.arrayHeader(2);
          reply.bulkText(version);
          reply.bulkText(change);
        }
      },
    ]);
  }
  const parts = docs.arguments;
  if (parts !== undefined) fields.push(["arguments", (reply) => replyArguments(reply, parts)]);
  if (command.subcommands.length > 0) {
    fields.push([
      "subcommands",
      (reply) => {
        reply.mapHeader(command.subcommands.length);
        for (const subcommand of command.subcommands) replyCommandDocs(reply, subcommand);
      },
    ]);
  }
  return fields;
}

function replyArguments(reply: ReplyWriter, parts: readonly ArgumentDoc[]): void {
  reply.arrayHeader(parts.length);
  for (const part of parts) replyFields(reply, argumentFields(part));
}

function argumentFields(part: ArgumentDoc): readonly Field[] {
  const fields: Field[] = [text("name", part.name), text("type", part.type)];
  const { keySpecIndex } = part;
  if (keySpecIndex !== undefined) fields.push(["key_spec_index", (reply) => reply.integer(keySpecIndex)]);
  if (part.token !== undefined) fields.push(text("token", part.token));
  if (part.summary !== undefined) fields.push(text("summary", part.summary));
  if (part.since !== undefined) fields.push(text("since", part.since));
  if (part.deprecatedSince !== undefined) fields.push(text("deprecated_since", part.deprecatedSince));
  const flags: string[] = [];
  if (part.optional === true) flags.push("optional");
  if (part.multiple === true) flags.push("multiple");
  if (part.multipleToken === true) flags.push("multiple_token");
  if (flags.length > 0) fields.push(["flags", (reply) => replyStatusSet(reply, flags)]);
  const inner = part.arguments;
  if (inner !== undefined) fields.push(["arguments", (reply) => replyArguments(reply, inner)]);
  return fields;
}

function text(name: string, value: string): Field {
  return [name, (reply) => reply.bulkText(value)];
}

function replyFields(reply: ReplyWriter, fields: readonly Field[]): void {
  reply.mapHeader(fields.length);
  for (const [name, write] of fields) {
    reply.bulkText(name);
    write(reply);
  }
}
