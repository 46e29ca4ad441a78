/** What the executor asks the parts around it: pause, memory, monitors, slow log, statistics. Off the common path. */

import { FLAG_FAST } from "../commands/command-flags.ts";
import type { ResolvedCommand } from "../commands/table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Request } from "../protocol/request.ts";
import type { Database } from "./database.ts";
import type { ExecutorPolicy } from "./executor.ts";
import type { HeldSessions } from "./held-sessions.ts";
import type { LatencyMonitor } from "./latency-monitor.ts";
import type { MemoryAccount } from "./memory-account.ts";
import { type Monitors, sourceOf } from "./monitors.ts";
import type { Session } from "./session.ts";
import type { SlowLog } from "./slow-log.ts";
import type { Statistics } from "./statistics.ts";

export interface ExecutionPolicyParts {
  readonly database: () => Database;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly held: HeldSessions;
  readonly memory: MemoryAccount;
  readonly monitors: Monitors;
  readonly statistics: () => Statistics;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
}

export class ExecutionPolicy implements ExecutorPolicy {
  readonly #parts: ExecutionPolicyParts;

  constructor(parts: ExecutionPolicyParts) {
    this.#parts = parts;
  }

  makeRoom(): boolean {
    return this.#parts.memory.makeRoom();
  }

  holdsBack(flags: number, session: Session): boolean {
    return this.#parts.held.holdBack(flags, session);
  }

  logFailure(): string {
    return this.#parts.database().log?.misconfText ?? "MISCONF Errors writing to the AOF file";
  }

  feedMonitors(session: Session, request: Request, command: ResolvedCommand): void {
    const microseconds = this.#parts.database().nowMs * 1000;
    this.#parts.monitors.feed(sourceOf(session), session.db, request, command, microseconds);
  }

  crossProtocol(session: Session): void {
    this.#parts.logger.warning("possible cross-protocol attack: a client sent POST or Host: and was closed", {
      peer: session.peerAddress,
    });
  }

  countError(text: string): void {
    this.#parts.statistics().countError(text);
  }

  observe(command: ResolvedCommand, calls: number, microseconds: number): void {
    command.count(calls, microseconds);
    const { latency } = this.#parts;
    if (latency.thresholdMs === 0) return;
    const name = (command.flags & FLAG_FAST) === 0 ? "command" : "fast-command";
    latency.record(name, microseconds / 1000, Math.floor(this.#parts.clock.wallMs() / 1000));
  }

  slow(session: Session, request: Request, command: ResolvedCommand, microseconds: number): void {
    this.#parts.slowLog.record({
      commandName: command.fullName,
      request,
      microseconds,
      unixSeconds: Math.floor(this.#parts.clock.wallMs() / 1000),
      peerAddress: session.peerAddress,
      clientName: session.name,
    });
  }
}
