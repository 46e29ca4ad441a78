// The command lines of the benchmarks: flags with their defaults, and a message that names an unknown one.
import { parseArgs } from "node:util";

/** `spec` as util.parseArgs takes it, each with `help`; prints help or an error and ends the process if need be. */
export function readOptions(usage, spec) {
  const options = { ...spec, help: { type: "boolean", short: "h", help: "show this" } };
  const lines = Object.entries(options).map(
    ([name, { type, help }]) => `  --${name}${type === "string" ? " …" : ""}`.padEnd(18) + help,
  );
  try {
    const { values } = parseArgs({ options });
    if (!values.help) return values;
    console.log(`${usage}\n\n${lines.join("\n")}`);
    process.exit(0);
  } catch (error) {
    console.error(`${error.message}\n\n${usage}\n\n${lines.join("\n")}`);
    process.exit(2);
  }
}
