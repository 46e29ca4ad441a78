import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/command-table.ts";
import { completionScript, type Shell } from "../../src/cli/completions.ts";

const hasShell = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

describe.each(["bash", "zsh", "fish"] as const)("completions for %s", (shell: Shell) => {
  it("name every command and flag", () => {
    const script = completionScript(shell);
    for (const command of COMMANDS) {
      expect(script).toContain(command.name);
      for (const flag of command.flags) expect(script).toMatch(new RegExp(`(--|-l )${flag.name}\\b`));
    }
  });

  // Skipped only where the shell is not installed: nothing else can read its script.
  it.skipIf(!hasShell(shell))("are a script that the shell accepts", () => {
    const result = spawnSync(shell, ["-n"], { input: completionScript(shell), encoding: "utf8" });
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
  });
});

describe("completion in bash", () => {
  const complete = (...words: string[]): string[] => {
    const script = `${completionScript("bash")}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _ferrite 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync("bash", ["-c", script], { encoding: "utf8" })
      .stdout.split("\n")
      .filter((line) => line !== "");
  };

  // Skipped only where bash is not installed.
  it.skipIf(!hasShell("bash"))("offers commands, words, flags, levels and option keys", () => {
    expect(complete("ferrite", "do")).toEqual(["doctor"]);
    expect(complete("ferrite", "aof", "c")).toEqual(["check"]);
    expect(complete("ferrite", "doctor", "--j")).toEqual(["--json"]);
    expect(complete("ferrite", "--log-level", "")).toEqual(["debug", "verbose", "notice", "warning"]);
    expect(complete("ferrite", "run", "--set", "storage.max_m")).toEqual([
      "storage.max_memory=",
      "storage.max_memory_policy=",
      "storage.max_memory_samples=",
    ]);
  });
});
