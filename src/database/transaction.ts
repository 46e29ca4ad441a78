/** What a session has queued since MULTI. Transactions decides what becomes of it. */
import type { ResolvedCommand } from "../commands/table.ts";
import { RequestQueue } from "./request-queue.ts";

export class Transaction {
  readonly queue = new RequestQueue();
  readonly commands: ResolvedCommand[] = [];
  /** FLAG_… bits of all queued commands together. */
  flags = 0;
  /** A command was refused: EXEC will be, too. */
  failed = false;

  clear(): void {
    this.queue.clear();
    this.commands.length = 0;
    this.flags = 0;
    this.failed = false;
  }
}
