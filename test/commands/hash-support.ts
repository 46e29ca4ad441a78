/** A harness for hash commands on a real engine. */
import { genericCommands } from "../../src/commands/generic.ts";
import { hashCommands } from "../../src/commands/hashes.ts";
import { stringCommands } from "../../src/commands/strings.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { rig } from "../engine/support.ts";
import { CommandHarness, type HarnessOptions } from "../support/command-harness.ts";

export interface HashRig {
  readonly h: CommandHarness;
  readonly engine: Engine;
  /** Moves the time of the turn and of the engine's clock. */
  readonly pass: (ms: number) => void;
}

export function hashRig(options: HarnessOptions = {}): HashRig {
  const { engine, keyspace, clock } = rig({ segmentBytes: 64 * 1024 });
  const h = new CommandHarness([...hashCommands, ...genericCommands, ...stringCommands], {
    keyspace,
    structures: engine,
    nowMs: clock.now,
    ...options,
  });
  const pass = (ms: number): void => {
    clock.now += ms;
    h.nowMs = clock.now;
  };
  return { h, engine, pass };
}

/** A RESP2 array of integers. */
export const integers = (...values: readonly number[]): string =>
  `*${values.length}\r\n${values.map((value) => `:${value}\r\n`).join("")}`;

export const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

/** The texts of a flat RESP2 array of bulk strings. */
export function texts(reply: string): string[] {
  const found: string[] = [];
  let at = reply.indexOf("\r\n") + 2;
  while (at < reply.length) {
    const end = reply.indexOf("\r\n", at);
    const length = Number(reply.slice(at + 1, end));
    found.push(reply.slice(end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return found;
}

/** What HGETALL answers, as an object. */
export function pairsOf(reply: string): Record<string, string> {
  const flat = texts(reply);
  const pairs: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) pairs[flat[i]!] = flat[i + 1]!;
  return pairs;
}
