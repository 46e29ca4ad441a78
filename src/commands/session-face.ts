import type { ReplyWriter } from "../protocol/reply-writer.ts";

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
  readonly peerAddress: string;
  readonly localAddress: string;
  /** Closes the connection once this command's reply has been handed to the transport. */
  closeAfterReply(): void;
  defer(): (write: (reply: ReplyWriter) => void) => void;
}
