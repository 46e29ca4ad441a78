/** What a bug put in on purpose is made of, and wrappers to put it in with. */
import type { File, FileSystem } from "../../src/ports/file-system.ts";
import { over } from "./over.ts";
import type { Plant } from "./world.ts";

export interface PlantedBug extends Plant {
  readonly seedsMax: number;
  /** What the simulation says when it finds it. */
  readonly finding: RegExp;
}

/** How lost or mangled data shows, depending on where the crash came. */
export const DATA_DAMAGED =
  /acknowledged effects are lost|is not the model's|cannot be replayed|is missing|is damaged|but no \S+manifest|checkpoints are whole, but|refused although the log|expected \d+/;

/** The file system with some operations replaced; everything else goes to `inner`. */
export function wrapped(
  inner: FileSystem,
  changes: Partial<FileSystem>,
  file?: (inner: File) => Partial<File>,
): FileSystem {
  return over(inner, {
    openSync: (path, mode) => {
      const opened = inner.openSync(path, mode);
      return file === undefined ? opened : over(opened, file(opened));
    },
    ...changes,
  });
}
