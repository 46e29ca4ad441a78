/**
 * The bounds of one request, one object shared by all connections of a server.
 *
 * Fields may be changed at any time (CONFIG SET proto-max-bulk-len); a change counts from the next length that
 * is read. Every bound is on what a client merely announces as well as on what it sends, so a header alone can
 * never make the server reserve memory.
 */
export interface ProtocolLimits {
  /** Longest bulk string in bytes (Redis: proto-max-bulk-len). */
  bulkBytesMax: number;
  /** Longest inline command, and longest line that holds a count or a length, in bytes without its line end. */
  inlineBytesMax: number;
  /** Most arguments of one command, its name included. */
  argumentCountMax: number;
  /** Longest whole request in bytes, at most REQUEST_BYTES_CEILING (Redis: client-query-buffer-limit). */
  requestBytesMax: number;
  /** The two bounds that hold until the client has authenticated. */
  unauthenticatedArgumentCountMax: number;
  unauthenticatedBulkBytesMax: number;
}

/** Offsets inside a request are kept in 32 signed bits; the rest leaves room for what is pipelined behind it. */
export const REQUEST_BYTES_CEILING = 0x7000_0000;

/** Redis's defaults, but for the argument count: Redis 7 takes 2^31 - 1, earlier versions and this one 2^20. */
export function defaultProtocolLimits(): ProtocolLimits {
  return {
    bulkBytesMax: 512 * 1024 * 1024,
    inlineBytesMax: 64 * 1024,
    argumentCountMax: 1024 * 1024,
    requestBytesMax: 1024 * 1024 * 1024,
    unauthenticatedArgumentCountMax: 10,
    unauthenticatedBulkBytesMax: 16 * 1024,
  };
}
