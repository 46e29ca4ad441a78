/** What the specs say of string and generic commands is what redis-server 7.0 says of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { categoriesOf, flagBits, flagNames } from "../../src/commands/command-flags.ts";
import { genericCommands } from "../../src/commands/generic.ts";
import type { ArgumentDoc, CommandSpec, KeyDescription } from "../../src/commands/spec.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import { type Decoded, decodeReply, RedisOracle, redisVersion } from "../support/redis-oracle.ts";

const specs = [...stringCommands, ...genericCommands];

type Fields = Record<string, unknown>;

/** A RESP2 map, all of whose keys are texts. */
function fields(flat: Decoded): Fields {
  const list = flat as readonly Decoded[];
  const result: Fields = {};
  for (let i = 0; i < list.length; i += 2) result[String(list[i])] = list[i + 1];
  return result;
}

function compact(record: Fields): Fields {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function theirArgument(raw: Decoded): Fields {
  const { arguments: inner, ...rest } = fields(raw);
  return compact({ ...rest, arguments: (inner as Decoded[] | undefined)?.map(theirArgument) });
}

function ourArgument(doc: ArgumentDoc): Fields {
  const flags = [
    doc.optional && "optional",
    doc.multiple && "multiple",
    doc.multipleToken && "multiple_token",
  ];
  const set = flags.filter((flag) => flag);
  return compact({
    name: doc.name,
    type: doc.type,
    key_spec_index: doc.keySpecIndex,
    token: doc.token,
    since: doc.since,
    flags: set.length > 0 ? set : undefined,
    arguments: doc.arguments?.map(ourArgument),
  });
}

function theirDocs(raw: Decoded): Fields {
  const { arguments: inner, subcommands, ...rest } = fields(raw);
  return compact({
    ...rest,
    arguments: (inner as Decoded[] | undefined)?.map(theirArgument),
    subcommands: undefined,
  });
}

function ourDocs(spec: CommandSpec): Fields {
  const docs = spec.docs();
  return compact({
    summary: docs.summary,
    since: docs.since,
    group: spec.group,
    complexity: docs.complexity,
    doc_flags: docs.deprecated && ["deprecated"],
    deprecated_since: docs.deprecated?.since,
    replaced_by: docs.deprecated?.replacedBy,
    history: docs.history?.map((change) => [...change]),
    arguments: docs.arguments?.map(ourArgument),
  });
}

function theirKeys(raw: Decoded): Fields {
  const { notes, flags, begin_search, find_keys } = fields(raw);
  return compact({
    notes,
    flags,
    begin: fields(fields(begin_search as Decoded)["spec"] as Decoded)["index"],
    find: fields(fields(find_keys as Decoded)["spec"] as Decoded),
  });
}

function ourKeys(spec: CommandSpec): Fields[] {
  const keys = spec.keys;
  if (keys === undefined) return [];
  const derived: KeyDescription = {
    access: keys.access,
    ...(keys.notes === undefined ? {} : { notes: keys.notes }),
    begin: { index: keys.first },
    find: { last: keys.last < 0 ? keys.last : keys.last - keys.first, step: keys.step, limit: 0 },
  };
  return (keys.described ?? [derived]).map(({ access, notes, begin, find }) => {
    if (typeof begin === "string" || !("index" in begin) || typeof find === "string" || !("last" in find)) {
      throw new Error(`${spec.name}: a kind of key description that none of these commands has`);
    }
    return compact({
      notes,
      flags: [...access],
      begin: begin.index,
      find: { lastkey: find.last, keystep: find.step, limit: find.limit },
    });
  });
}

function theirInfo(raw: Decoded): Fields {
  const [name, arity, flags, first, last, step, categories, tips, keys] = raw as readonly Decoded[];
  return {
    name: String(name).replace(/^.*\|/, ""),
    arity,
    flags,
    positions: [first, last, step],
    categories: (categories as string[]).map((category) => category.slice(1)).sort(),
    tips,
    keys: (keys as Decoded[]).map(theirKeys),
  };
}

function ourInfo(spec: CommandSpec): Fields {
  const { first = 0, last = 0, step = 0 } = spec.keys ?? {};
  return {
    name: spec.name,
    arity: spec.arity,
    flags: flagNames(flagBits(spec.flags)),
    positions: [first, last, step],
    categories: [...categoriesOf(spec)].sort(),
    tips: [...(spec.docs().tips ?? [])],
    keys: ourKeys(spec),
  };
}

describe.skipIf(redisVersion() === undefined)(
  "specs against redis-server 7.0 (skipped where it is not installed)",
  () => {
    let oracle: RedisOracle;
    let docs: Fields;
    const infos = new Map<string, Decoded>();
    beforeAll(async () => {
      oracle = await RedisOracle.start();
      const names = specs.map((spec) => spec.name);
      const [docReply, infoReply] = await oracle.ask([
        ["COMMAND", "DOCS", ...names],
        ["COMMAND", "INFO", ...names],
      ]);
      docs = fields(decodeReply(docReply!));
      for (const info of decodeReply(infoReply!) as readonly (readonly Decoded[])[])
        infos.set(String(info[0]), info);
    });
    afterAll(async () => {
      await oracle?.stop();
    });

    for (const spec of specs) {
      it(`COMMAND DOCS and INFO of ${spec.name}`, () => {
        expect(ourDocs(spec)).toEqual(theirDocs(docs[spec.name] as Decoded));
        expect(ourInfo(spec)).toEqual(theirInfo(infos.get(spec.name)!));
        if (spec.subcommands === undefined) return;
        const subDocs = fields(fields(docs[spec.name] as Decoded)["subcommands"] as Decoded);
        const subInfos = (infos.get(spec.name) as readonly Decoded[])[9] as readonly (readonly Decoded[])[];
        expect(spec.subcommands.length).toBe(subInfos.length);
        for (const child of spec.subcommands) {
          const fullName = `${spec.name}|${child.name}`;
          expect(ourDocs(child)).toEqual(theirDocs(subDocs[fullName] as Decoded));
          expect(ourInfo(child)).toEqual(theirInfo(subInfos.find((info) => info[0] === fullName) as Decoded));
        }
      });
    }
  },
);
