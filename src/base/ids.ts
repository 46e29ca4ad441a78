/** Branded numbers: mixing two of them is a compile error. They are plain numbers at run time. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Log sequence number: every effect has one, consecutive from 1; below 2^53. */
export type Lsn = Brand<number, "Lsn">;
/** Milliseconds since 1970, wall clock. */
export type EpochMs = Brand<number, "EpochMs">;
/** Milliseconds of a monotonic clock with a fraction; only differences mean something. */
export type MonotonicMs = Brand<number, "MonotonicMs">;
/** A run of records with fixed addresses; at most 65,536 live at once (16 bits of an address). */
export type SegmentId = Brand<number, "SegmentId">;
/** A small integer that names a connection within one transport until it is released. */
export type ConnectionSlot = Brand<number, "ConnectionSlot">;

export const lsn = (value: number): Lsn => value as Lsn;
export const epochMs = (value: number): EpochMs => value as EpochMs;
export const monotonicMs = (value: number): MonotonicMs => value as MonotonicMs;
export const segmentId = (value: number): SegmentId => value as SegmentId;
export const connectionSlot = (value: number): ConnectionSlot => value as ConnectionSlot;
