/** What `ferrite doctor` found: one finding per check, as text or JSON. */

export type Status = "ok" | "warn" | "fail";

export interface Finding {
  /** Stable name for scripts: `data-directory`. */
  readonly check: string;
  readonly status: Status;
  /** What was found, in one line. */
  readonly found: string;
  /** What to do about it. */
  readonly advice?: string;
}

export const ok = (check: string, found: string): Finding => ({ check, status: "ok", found });
export const warn = (check: string, found: string, advice: string): Finding => ({
  check,
  status: "warn",
  found,
  advice,
});
export const fail = (check: string, found: string, advice: string): Finding => ({
  check,
  status: "fail",
  found,
  advice,
});

const MARKS: Readonly<Record<Status, string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };
const COLORS: Readonly<Record<Status, string>> = { ok: "32", warn: "33", fail: "31" };

export function reportText(findings: readonly Finding[], useColor: boolean): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, status, found, advice }) => {
    const mark = useColor ? `\u001b[${COLORS[status]}m${MARKS[status]}\u001b[0m` : MARKS[status];
    const head = `${mark}  ${check.padEnd(width)}  ${indented(found, width)}`;
    return advice === undefined ? [head] : [head, `${" ".repeat(width + 8)}→ ${indented(advice, width)}`];
  });
  return `${lines.join("\n")}\n${summary(findings)}\n`;
}

const indented = (text: string, width: number): string => text.replaceAll("\n", `\n${" ".repeat(width + 8)}`);

function summary(findings: readonly Finding[]): string {
  const count = (status: Status): number => findings.filter((finding) => finding.status === status).length;
  return `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} failed`;
}

export function reportJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: findings.every(({ status }) => status !== "fail"), checks: findings }, null, 2)}\n`;
}
