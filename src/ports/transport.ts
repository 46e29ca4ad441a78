import type { ConnectionSlot } from "../base/ids.ts";

/**
 * Batched connections. Whatever is ready is read into one arena and handed over in one call per turn of the
 * event loop; replies go out in batches that the server builds. Reading and writing may happen on other
 * threads behind this face: it never shows a socket, only slots, ranges and counts.
 *
 * A slot is a small integer, unique among the connections of one transport from `opened` until `release`.
 *
 * Order: for one slot `opened` comes first, `closed` last and exactly once; after `closed` no event names
 * the slot until the server has called `release` and it is given to a new connection.
 */
export interface Transport {
  /** "native" | "portable" | "tls" | "memory"; shown in INFO and in the start banner. */
  readonly kind: string;

  /** Resolves when accepting. Rejects with the system's `code` (EADDRINUSE, EACCES, …). `port` 0 picks one. */
  listen(address: ListenAddress): Promise<Listener>;
  /** Where turns go; set once, before `listen`. */
  onTurn(handler: (turn: Turn) => void): void;

  /**
   * Takes over a batch. Every byte is, on return, either accepted by the kernel or copied to the connection's
   * queue, so the batch's buffer may be reused at once. Entries of one slot leave in order. Entries of slots
   * that are closed or closing are dropped silently.
   */
  send(batch: OutputBatch): void;
  /** Bytes queued for the slot and not yet accepted by the kernel. Cheap: the server asks once per command. */
  queuedBytes(slot: ConnectionSlot): number;
  /** Stops / resumes reading from the slot; while stopped at most one arena's worth of its bytes may still arrive. */
  pauseReading(slot: ConnectionSlot): void;
  resumeReading(slot: ConnectionSlot): void;
  /** Asks for a `drained` event once `queuedBytes(slot)` is at most `belowBytes` (at once, on a later turn, if it is now). */
  notifyDrained(slot: ConnectionSlot, belowBytes: number): void;
  /** Closes after the queue has left if `flush`, else at once. A `closed` event follows in either case. */
  close(slot: ConnectionSlot, flush: boolean): void;
  /** The server is done with a closed slot; it may be reused. */
  release(slot: ConnectionSlot): void;
  /** `host:port`, `[v6]:port` or `path:0` as Redis prints them. */
  peerAddress(slot: ConnectionSlot): string;
  localAddress(slot: ConnectionSlot): string;
  /** The file descriptor where there is one, else -1; for CLIENT LIST only. */
  descriptor(slot: ConnectionSlot): number;

  /** Idle seconds after which the system probes whether the peers of new connections are still there; 0 for never. */
  setKeepAlive(seconds: number): void;

  /** Stops accepting, drops every connection after at most `graceMs` of flushing, frees everything. */
  shutdown(graceMs: number): Promise<void>;
}

export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly backlog?: number }
  | { readonly kind: "unix"; readonly path: string; readonly permissions?: number };

export interface Listener {
  /** The port in use (also when 0 was asked for); 0 for a unix socket. */
  readonly port: number;
  close(): void;
}

export const KEEP_ALIVE_SECONDS_DEFAULT = 300;

export const TURN_OPENED = 0;
export const TURN_DATA = 1;
/** The peer has finished sending; it may still read. */
export const TURN_HALF_CLOSED = 2;
export const TURN_CLOSED = 3;
export const TURN_DRAINED = 4;

/**
 * What became ready. `events` holds `count` entries of TURN_STRIDE words: slot, kind, offset, length. For
 * TURN_DATA the range lies in `arena`; arena and events are valid until the handler returns. For TURN_OPENED
 * offset is the index of the listener in order of `listen` calls. A slot may have several entries.
 */
export interface Turn {
  arena: Uint8Array;
  events: Int32Array;
  count: number;
}
export const TURN_STRIDE = 4;

/**
 * Output ranges: `count` entries of OUTPUT_STRIDE words (slot, offset, length) into `bytes`. The server owns
 * both arrays; the transport does not keep them.
 */
export interface OutputBatch {
  bytes: Uint8Array;
  entries: Int32Array;
  count: number;
}
export const OUTPUT_STRIDE = 3;
