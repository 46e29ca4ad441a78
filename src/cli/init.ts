/** `ferrite init [DIR]`: a commented configuration file and a data directory. Nothing that exists is changed. */
import { dirname, join, resolve } from "node:path";
import { assert } from "../base/assert.ts";
import { FerriteError, systemCode } from "../base/errors.ts";
import { exampleToml } from "../config/render.ts";
import { EXIT_OK } from "./exit-codes.ts";
import type { Host } from "./host.ts";
import type { ParsedArguments } from "./parse-arguments.ts";

export function initCommand(parsed: ParsedArguments, host: Host): number {
  const shown = parsed.operands[0] ?? ".";
  const folder = resolve(host.workingFolder, shown);
  const configPath = join(folder, "ferrite.toml");
  host.files.makeDirectorySync(folder);
  writeNew(configPath, initialToml(), host);
  host.files.makeDirectorySync(join(folder, "data"));
  host.files.syncDirectorySync(folder);
  host.print(
    `wrote ${configPath}\ncreated ${join(folder, "data")}\nstart with: ferrite --config ${join(shown, "ferrite.toml")}\n`,
  );
  return EXIT_OK;
}

/** The example with the data directory beside the file, wherever the server is started from. */
function initialToml(): string {
  const commented = '# data_dir = "./data"\n';
  const example = exampleToml();
  assert(example.includes(commented), "the example has no line for storage.data_dir");
  return example.replace(commented, 'data_dir = "./data"\n');
}

function writeNew(path: string, text: string, host: Host): void {
  let file: ReturnType<Host["files"]["openSync"]>;
  try {
    file = host.files.openSync(path, "create");
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    throw new FerriteError(
      "conflict",
      `${path} exists and is left as it is; choose another folder, or remove it first`,
      {
        cause: error,
      },
    );
  }
  try {
    const bytes = Buffer.from(text, "utf8");
    file.appendSync(bytes, 0, bytes.length);
    file.syncSync();
  } finally {
    file.close();
  }
  host.files.syncDirectorySync(dirname(path));
}
