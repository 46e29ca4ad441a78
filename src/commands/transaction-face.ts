/** What the bodies of MULTI, EXEC, DISCARD, WATCH and UNWATCH need; all of it is about the session of the present command. */
export interface TransactionFace {
  /** MULTI has begun, and neither EXEC nor DISCARD has ended it. */
  readonly isOpen: boolean;
  begin(): void;
  /** Executes what was queued and writes the one reply of EXEC, or says why not; the transaction is over then. */
  execute(): void;
  /** Forgets what was queued and what is watched. Harmless outside a transaction. */
  discard(): void;
  /** Watches the key in argument `index`. False, with an error reply, if the session's watched keys take too much memory. */
  watch(index: number): boolean;
  unwatch(): void;
}

/** For a context whose owner has no sessions that could begin one. */
export const NO_TRANSACTIONS: TransactionFace = {
  isOpen: false,
  begin() {},
  execute() {},
  discard() {},
  watch: () => true,
  unwatch() {},
};
