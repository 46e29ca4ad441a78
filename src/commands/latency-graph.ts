/**
 * LATENCY GRAPH: the samples of one event as a chart of text, in Redis's form: four rows of bars over the age
 * of each sample, written downwards.
 */
import type { LatencyEvent } from "./server-face.ts";

const ROWS = 4;
/** From low to high within one row; a bar that goes on above the row is drawn as '|'. */
const LEVELS = "_o#";
const COLUMNS = 80;

export function latencyGraph(event: LatencyEvent, nowSeconds: number): string {
  const values = event.latenciesMs;
  const high = Math.max(...values);
  const low = Math.min(...values);
  const heading = `${event.name} - high ${high} ms, low ${low} ms (all time high ${event.maxMs} ms)\n`;
  const steps = values.map((value) => barSteps(value, low, high));
  const labels = event.unixSeconds.map((seconds) => ageLabel(nowSeconds - seconds));
  let text = `${heading}${"-".repeat(COLUMNS)}\n`;
  // Wider than a terminal is allowed: later samples continue in a second chart below the first.
  for (let first = 0; first < values.length; first += COLUMNS) {
    text += chart(steps.slice(first, first + COLUMNS), labels.slice(first, first + COLUMNS));
  }
  return text;
}

/** The height of a bar, from 0 to ROWS × levels - 1. */
function barSteps(value: number, low: number, high: number): number {
  const range = high === low ? 1 : high - low;
  const all = ROWS * LEVELS.length;
  return Math.min(all - 1, Math.floor(((value - low) * all) / range));
}

function chart(steps: readonly number[], labels: readonly string[]): string {
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) {
    lines.push(steps.map((step) => barCharacter(step - row * LEVELS.length)).join(""));
  }
  lines.push(" ".repeat(steps.length));
  const labelRows = Math.max(...labels.map((label) => label.length));
  for (let row = 0; row < labelRows; row++) lines.push(labels.map((label) => label[row] ?? " ").join(""));
  return `${lines.join("\n")}\n`;
}

function barCharacter(stepInRow: number): string {
  if (stepInRow < 0) return " ";
  return LEVELS[stepInRow] ?? "|";
}

function ageLabel(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
