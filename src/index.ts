/** The library: `import { open } from "ferrite"`. Everything a program may use is named here; see docs/library.md. */
export { type ErrorKind, FerriteError } from "./base/errors.ts";
export type {
  Bytes,
  FerriteClient,
  Lifetime,
  PipelineOptions,
  ScanOptions,
  SetOptions,
} from "./embed/client.ts";
export type { ClientOptions, FerriteDatabase, TextListener } from "./embed/database.ts";
export { open } from "./embed/open.ts";
export type { ConfigOptions, MemoryOptions, OpenOptions, OptionKey, OptionValue } from "./embed/options.ts";
export type { Argument } from "./embed/request-arena.ts";
export type { MessageListener, Subscription } from "./embed/subscription.ts";
export type { LogFields, Logger, LogLevel } from "./ports/logger.ts";
export { type PlainReply, ReplyError } from "./protocol/reply.ts";
