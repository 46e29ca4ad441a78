import type { ReplyWriter } from "../protocol/reply-writer.ts";

/** A push on its way to any number of sessions; copied by each that keeps it. */
export interface PushMessage {
  /** One whole push in RESP3's form, from 0 to `length`; RESP2's differs in its first byte. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Of the message: the next one has another. */
  readonly serial: number;
}

/** What command bodies see and change of the connection that sent the command. */
export interface SessionFace {
  readonly id: number;
  db: number;
  /** 2 or 3. */
  resp: 2 | 3;
  authenticated: boolean;
  user: string;
  name: string;
  libraryName: string;
  libraryVersion: string;
  /** CLIENT NO-EVICT, CLIENT NO-TOUCH. */
  noEvict: boolean;
  noTouch: boolean;
  /** CLIENT REPLY: "skip" silences the next command's reply. */
  replyMode: "on" | "off" | "skip";
  monitoring: boolean;
  /** Channels, patterns and shard channels that it has subscribed to. */
  readonly subscriptions: number;
  readonly patternSubscriptions: number;
  readonly shardSubscriptions: number;
  /** Any of the three is not 0. */
  readonly subscribed: boolean;
  readonly peerAddress: string;
  readonly localAddress: string;
  /** Closes the connection once this command's reply has been handed to the transport. */
  closeAfterReply(): void;
  /** For the registry of subscriptions: the three counts. */
  setSubscriptions(channels: number, patterns: number, shardChannels: number): void;
  /**
   * Sends a message in the session's protocol. It never comes inside a reply: if the session's own command has begun to
   * answer, it follows its reply.
   */
  push(message: PushMessage): void;
  defer(): (write: (reply: ReplyWriter) => void) => void;
}
