/** What makes the executor look twice at every command: bits of `Executor.attention`, 0 while nothing is unusual. */

/** The log cannot take effects: writes are refused. */
export const ATTENTION_LOG_FAILED: number = 1 << 0;
/** There is a memory cap. */
export const ATTENTION_MEMORY: number = 1 << 1;
/** CLIENT PAUSE is on. */
export const ATTENTION_PAUSE: number = 1 << 2;
/** Somebody monitors. */
export const ATTENTION_MONITORS: number = 1 << 3;
/** Somebody watches a key. */
export const ATTENTION_WATCHES: number = 1 << 4;
/** Somebody waits for a key. */
export const ATTENTION_WAITERS: number = 1 << 5;
/** Data is being loaded: only commands that need none are executed. */
export const ATTENTION_LOADING: number = 1 << 6;
