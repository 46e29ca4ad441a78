/**
 * Completion scripts for bash, zsh and fish, from the command table.
 *
 * The scripts hold the words themselves rather than asking the program at each key press: starting Node costs
 * a noticeable moment, and the words change only with the version.
 */
import { OPTION_LIST } from "../config/options.ts";
import { COMMANDS, type CommandSpec, DEFAULT_COMMAND, type FlagSpec } from "./command-table.ts";

export type Shell = "bash" | "zsh" | "fish";

export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return bashScript();
    case "zsh":
      return zshScript();
    case "fish":
      return fishScript();
  }
}

const optionSettings = OPTION_LIST.map((entry) => `${entry.key}=`).join(" ");

const spellings = (flag: FlagSpec): string[] => [
  `--${flag.name}`,
  ...(flag.short === undefined ? [] : [`-${flag.short}`]),
];

const firstWords = (command: CommandSpec): string =>
  [...(command.words ?? []), ...command.flags.map(({ name }) => `--${name}`)].join(" ");

/** Flags of all commands, each name once; the same name always takes the same argument. */
function allFlags(): readonly FlagSpec[] {
  const byName = new Map<string, FlagSpec>();
  for (const command of COMMANDS) for (const flag of command.flags) byName.set(flag.name, flag);
  return [...byName.values()];
}

function bashArgument(flag: FlagSpec): string {
  if (flag.name === "set")
    return `COMPREPLY=($(compgen -W "${optionSettings}" -- "$word")); compopt -o nospace`;
  if (flag.completes === "file") return 'COMPREPLY=($(compgen -f -- "$word"))';
  if (flag.completes === "folder") return 'COMPREPLY=($(compgen -d -- "$word"))';
  if (flag.completes === undefined) return "COMPREPLY=()";
  return `COMPREPLY=($(compgen -W "${flag.completes.join(" ")}" -- "$word"))`;
}

function bashScript(): string {
  const withArgument = allFlags().filter((flag) => flag.argument !== undefined);
  return `# bash completion for ferrite:  source <(ferrite completions bash)
_ferrite() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  case "$before" in
${withArgument.map((flag) => `    ${spellings(flag).join("|")}) ${bashArgument(flag)}; return ;;`).join("\n")}
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${COMMANDS.map(({ name }) => name).join(" ")} ${firstWords(DEFAULT_COMMAND)}" -- "$word"))
    return
  fi
  case "$command" in
${COMMANDS.slice(1)
  .map((command) => `    ${command.name}) COMPREPLY=($(compgen -W "${firstWords(command)}" -- "$word")) ;;`)
  .join("\n")}
    *) COMPREPLY=($(compgen -W "${firstWords(DEFAULT_COMMAND)}" -- "$word")) ;;
  esac
}
complete -F _ferrite ferrite
`;
}

/** For single quotes in zsh and fish; brackets and colons mean something in zsh's specs. */
const zshText = (text: string): string => text.replaceAll("'", "’").replace(/[[\]:]/g, "\\$&");

function zshFlag(flag: FlagSpec): string {
  const action =
    flag.name === "set"
      ? `option:(${optionSettings})`
      : flag.completes === "file"
        ? "file:_files"
        : flag.completes === "folder"
          ? "folder:_files -/"
          : flag.completes === undefined
            ? "value:"
            : `value:(${flag.completes.join(" ")})`;
  const argument = flag.argument === undefined ? "" : `:${action}`;
  return spellings(flag)
    .map((spelling) => `'${flag.name === "set" ? "*" : ""}${spelling}[${zshText(flag.doc)}]${argument}'`)
    .join(" ");
}

function zshScript(): string {
  const cases = COMMANDS.map((command) => {
    const words = command.words === undefined ? "" : ` '1:word:(${command.words.join(" ")})'`;
    return `    ${command.name}) _arguments${words} ${command.flags.map(zshFlag).join(" ")} ;;`;
  });
  return `#compdef ferrite
# zsh completion for ferrite:  ferrite completions zsh > "\${fpath[1]}/_ferrite"
_ferrite() {
  local -a commands
  commands=(${COMMANDS.map(({ name, summary }) => `'${name}:${zshText(summary)}'`).join(" ")})
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  local command=$words[2]
  [[ $command == -* ]] && command=run
  [[ $command == $words[2] ]] && { shift words; (( CURRENT-- )); }
  case $command in
${cases.join("\n")}
  esac
}
compdef _ferrite ferrite
`;
}

function fishScript(): string {
  const others = COMMANDS.slice(1).map(({ name }) => name);
  const lines = [
    "# fish completion for ferrite:  ferrite completions fish > ~/.config/fish/completions/ferrite.fish",
    "complete -c ferrite -f",
  ];
  for (const command of COMMANDS) {
    lines.push(
      `complete -c ferrite -n __fish_use_subcommand -a ${command.name} -d '${fishText(command.summary)}'`,
    );
    const condition =
      command === DEFAULT_COMMAND
        ? `'not __fish_seen_subcommand_from ${others.join(" ")}'`
        : `'__fish_seen_subcommand_from ${command.name}'`;
    for (const word of command.words ?? []) lines.push(`complete -c ferrite -n ${condition} -a ${word}`);
    for (const flag of command.flags) lines.push(`complete -c ferrite -n ${condition} ${fishFlag(flag)}`);
  }
  return `${lines.join("\n")}\n`;
}

const fishText = (text: string): string => text.replaceAll("'", "\\'");

function fishFlag(flag: FlagSpec): string {
  const parts = [`-l ${flag.name}`];
  if (flag.short !== undefined) parts.push(`-s ${flag.short}`);
  if (flag.argument !== undefined)
    parts.push(flag.completes === "file" || flag.completes === "folder" ? "-r -F" : "-x");
  if (flag.name === "set") parts.push(`-a '${optionSettings}'`);
  else if (Array.isArray(flag.completes)) parts.push(`-a '${flag.completes.join(" ")}'`);
  parts.push(`-d '${fishText(flag.doc)}'`);
  return parts.join(" ");
}
