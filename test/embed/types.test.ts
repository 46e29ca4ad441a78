/** The public types, as a program uses them: what compiles, and what must not. Checked by the type checker. */
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Argument,
  type Bytes,
  type ClientOptions,
  type ConfigOptions,
  type ErrorKind,
  type FerriteClient,
  type FerriteDatabase,
  FerriteError,
  type Lifetime,
  type OpenOptions,
  type OptionKey,
  type OptionValue,
  open,
  type PlainReply,
  ReplyError,
  type SetOptions,
} from "../../src/index.ts";

/** Never called: its body is for the type checker. */
async function program(db: FerriteDatabase): Promise<void> {
  expectTypeOf(open("./data")).resolves.toEqualTypeOf<FerriteDatabase>();
  expectTypeOf(open({ memory: true })).resolves.toEqualTypeOf<FerriteDatabase>();
  // @ts-expect-error a directory, or memory
  await open({});
  // @ts-expect-error a misspelt option
  await open("./data", { config: { "persistence.aof_sink": "always" } });
  // @ts-expect-error a word that is not among the choices
  await open("./data", { config: { "persistence.aof_sync": "sometimes" } });
  // @ts-expect-error the server's option
  await open("./data", { config: { "server.port": 6379 } });
  // @ts-expect-error the server's group of options
  await open("./data", { config: { "server.tls.port": 6379 } });

  expectTypeOf(db.get("k")).resolves.toEqualTypeOf<Uint8Array | null>();
  expectTypeOf(db.getText(new Uint8Array())).resolves.toEqualTypeOf<string | null>();
  expectTypeOf(db.set("k", 5n, { ttlMs: 5, onlyIf: "absent" })).resolves.toBeBoolean();
  expectTypeOf(db.mget("a", "b")).resolves.toEqualTypeOf<(Uint8Array | null)[]>();
  expectTypeOf(db.mset({ a: 1, b: "x" })).resolves.toBeVoid();
  expectTypeOf(db.mset(new Map([["a", 1]]))).resolves.toBeVoid();
  expectTypeOf(db.incr("n")).resolves.toEqualTypeOf<number | bigint>();
  expectTypeOf(db.ttlMs("k")).resolves.toEqualTypeOf<number | null>();
  expectTypeOf(db.call("PING")).resolves.toEqualTypeOf<PlainReply>();
  expectTypeOf(db.pipeline([["GET", "k"]])).resolves.toEqualTypeOf<PlainReply[]>();
  expectTypeOf(db.client({ database: 1 })).toEqualTypeOf<FerriteClient>();
  for await (const key of db.scan()) expectTypeOf(key).toEqualTypeOf<Uint8Array>();
  for await (const key of db.scanText()) expectTypeOf(key).toBeString();
  // @ts-expect-error a key is bytes or text
  await db.get(5);
  // @ts-expect-error a condition has two words
  await db.set("k", 1, { onlyIf: "sometimes" });
  // @ts-expect-error a lifetime says its unit
  await db.expire("k", 5);
  // @ts-expect-error an argument is no object
  await db.call("SET", "k", {});
}

describe("the public types", () => {
  it("allow and refuse what `program` says", () => {
    expect(program).toBeTypeOf("function");
  });

  it("follow from the table of options", () => {
    expectTypeOf<OptionValue<"persistence.aof_sync">>().toEqualTypeOf<"always" | "everysec" | "no">();
    expectTypeOf<OptionValue<"storage.max_memory">>().toEqualTypeOf<number | string>();
    expectTypeOf<OptionValue<"persistence.aof_enabled">>().toEqualTypeOf<boolean>();
    expectTypeOf<
      Extract<OptionKey, `server.tls.${string}` | "server.bind" | "storage.data_dir">
    >().toBeNever();
    expectTypeOf<ConfigOptions>().toExtend<OpenOptions["config"]>();
    expectTypeOf<Bytes>().toExtend<Argument>();
    expectTypeOf<{ ttlMs: number }>().toExtend<Lifetime>();
    expectTypeOf<{ ttlMs: number }>().toExtend<SetOptions>();
    expectTypeOf<ClientOptions["onPush"]>().toEqualTypeOf<((push: PlainReply) => void) | undefined>();
    expectTypeOf<FerriteError["kind"]>().toEqualTypeOf<ErrorKind>();
  });

  it("have the errors as values, to be told apart", () => {
    expect(new FerriteError("usage", "x")).toBeInstanceOf(Error);
    expect(new ReplyError("WRONGTYPE x").code).toBe("WRONGTYPE");
  });
});
