/** A rewrite of the test log: the state is the model's, one SET per key. */

import type { AppendOnlyLog } from "../../src/aof/append-only-log.ts";
import { type BaseSource, LogRewrite, type RewriteSummary } from "../../src/aof/log-rewrite.ts";
import { append, FOLDER, silent, type World } from "./support.ts";

/** Keys and values of `SET` effects; the log's state. */
export class Data {
  readonly values = new Map<string, string>();
  /** How many steps the source of a rewrite has been asked for. */
  steps = 0;

  set(log: AppendOnlyLog, key: string, value: string): void {
    this.values.set(key, value);
    append(log, 0, "SET", key, value);
  }

  /** What is kept for a base is a copy, as the engine's capture is. */
  source(): BaseSource {
    const entries = [...this.values];
    let next = 0;
    return {
      step: (out) => {
        this.steps++;
        const entry = entries[next++];
        if (entry === undefined) return false;
        out.begin(0, 3);
        for (const word of ["SET", ...entry]) out.argumentText(word);
        out.end();
        return true;
      },
      release: () => undefined,
    };
  }
}

export interface Rewriting {
  readonly rewrite: LogRewrite;
  result: { error: unknown; summary: RewriteSummary | undefined } | undefined;
}

export function rewrite(world: World, log: AppendOnlyLog, data: Data, frameBytes = 200): Rewriting {
  const rewriting: { rewrite?: LogRewrite; result: Rewriting["result"] } = { result: undefined };
  rewriting.rewrite = new LogRewrite(
    {
      log,
      fs: world.fs,
      folder: FOLDER,
      clock: world.clock,
      logger: silent,
      frameBytes,
      capture: (lsn) => {
        if (lsn !== log.nextLsn - 1) throw new Error(`the state is at ${log.nextLsn - 1}, not ${lsn}`);
        return data.source();
      },
    },
    (error, summary) => {
      rewriting.result = { error, summary };
    },
  );
  return rewriting as Rewriting;
}

/** The state that lines of `readBack` make. */
export function stateOf(lines: readonly string[]): Record<string, string> {
  const state: Record<string, string> = {};
  for (const line of lines) {
    const [, name, key, value] = line.split(" ");
    if (name === "SET") state[key!] = value!;
  }
  return state;
}
