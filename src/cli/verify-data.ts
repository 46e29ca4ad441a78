/**
 * Reads everything that a data directory holds and says what is right and what is wrong.
 *
 * Invariants
 *  - nothing is changed and no lock is taken: a server may run. What it removed or replaced meanwhile is no damage, so what
 *    looks damaged is looked at again if the directory changed while it was read;
 *  - damage in one place does not keep the others from being read; every finding says what to do.
 */
import { join } from "node:path";
import { readManifest } from "../aof/manifest-file.ts";
import { isBackup, readBackup } from "../backup/read-backup.ts";
import { latin1 } from "../base/bytes.ts";
import { messageOf } from "../base/errors.ts";
import { CheckpointFolder } from "../checkpoint/checkpoint-folder.ts";
import { filesOf } from "../checkpoint/choose-checkpoint.ts";
import { decodeManifest } from "../checkpoint/manifest-format.ts";
import { type VerifyReport, verifyCheckpoints } from "../checkpoint/verify-checkpoint.ts";
import { type FileFinding, findingOf } from "../engine/warm/file-finding.ts";
import { type Identity, parseIdentity } from "../recovery/data-directory.ts";
import { logLacksAfter } from "../recovery/log-coverage.ts";
import type { Host } from "./host.ts";

export interface DataFinding extends FileFinding {
  /** What to do about it. */
  readonly advice: string;
}

export interface Verified {
  /** One line per thing that is right. */
  readonly whole: readonly string[];
  readonly findings: readonly DataFinding[];
  readonly filesRead: number;
  readonly bytesRead: number;
}

export interface DataPlaces {
  readonly dataDir: string;
  /** Beginning of the names of the log's parts. */
  readonly stem: string;
  readonly backups: string;
}

export type OnProgress = (done: number, total: number) => void;

const ATTEMPTS_MAX = 5;

export async function verifyDirectory(
  host: Host,
  places: DataPlaces,
  onProgress: OnProgress,
): Promise<Verified> {
  for (let attempt = 1; ; attempt++) {
    const before = namesIn(host, places);
    const verified = await new Verification(host, places, onProgress).run();
    if (verified.findings.length === 0 || attempt === ATTEMPTS_MAX) return verified;
    if (namesIn(host, places) === before) return verified;
  }
}

/** A backup file by itself. */
export async function verifyBackup(host: Host, path: string, onProgress: OnProgress): Promise<Verified> {
  const report = new Report();
  await report.backup(host, path, onProgress);
  return report;
}

/** Sizes are left out: a log grows while it is read. */
function namesIn({ files }: Host, { dataDir }: DataPlaces): string {
  const names = ["aof", "checkpoints", "checkpoints/segments"].map((name) => {
    const path = join(dataDir, name);
    return files.statSync(path) === undefined ? "" : files.listSync(path).join(" ");
  });
  return names.join("\n");
}

class Report implements Verified {
  readonly whole: string[] = [];
  readonly findings: DataFinding[] = [];
  filesRead = 0;
  bytesRead = 0;

  find(file: string, error: unknown, advice: string): void {
    const finding = findingOf(error) ?? { file, what: messageOf(error) };
    this.findings.push({ ...finding, advice });
  }

  async backup(host: Host, path: string, onProgress: OnProgress): Promise<void> {
    this.filesRead++;
    try {
      const { manifest, bytes } = await readBackup(host.reading, path, {}, onProgress);
      this.bytesRead += bytes;
      this.whole.push(
        `backup ${path}: checkpoint ${manifest.id} at LSN ${manifest.lsn}, ${manifest.keys} keys, ${bytes} bytes`,
      );
    } catch (error) {
      this.find(path, error, "it cannot be restored: use another backup, and write a new one with BACKUP");
    }
  }
}

class Verification extends Report {
  readonly #host: Host;
  readonly #places: DataPlaces;
  readonly #onProgress: OnProgress;

  constructor(host: Host, places: DataPlaces, onProgress: OnProgress) {
    super();
    this.#host = host;
    this.#places = places;
    this.#onProgress = onProgress;
  }

  async run(): Promise<Verified> {
    this.#identity();
    await this.#checkpointsAndLog();
    await this.#backups();
    return this;
  }

  #identity(): void {
    const file = join(this.#places.dataDir, "IDENTITY");
    const { files } = this.#host;
    if (files.statSync(file) === undefined) {
      this.whole.push("no IDENTITY: a start takes the one that the newest checkpoint carries");
      return;
    }
    this.filesRead++;
    try {
      const bytes = files.readFileSync(file);
      this.bytesRead += bytes.length;
      const identity: Identity = parseIdentity(latin1(bytes), file);
      this.whole.push(`IDENTITY: database ${identity.databaseId}`);
    } catch (error) {
      const advice =
        "restore it from a copy; without it a start takes the one that the newest checkpoint carries";
      this.find(file, error, advice);
    }
  }

  async #checkpointsAndLog(): Promise<void> {
    const { reading, files } = this.#host;
    const folder = new CheckpointFolder(files, join(this.#places.dataDir, "checkpoints"));
    const report = await verifyCheckpoints({ ...reading, folder, onProgress: this.#onProgress });
    this.filesRead += report.filesRead;
    this.bytesRead += report.bytesRead;
    for (const { id, whole, lsn, keys, bytes } of report.checkpoints)
      if (whole) this.whole.push(`checkpoint ${id}: LSN ${lsn}, ${keys} keys, ${bytes} bytes`);
    const advice = checkpointAdvice(report);
    for (const finding of report.findings)
      if (isStillNeeded(folder, finding.file)) this.findings.push({ ...finding, advice });
    this.#log(report);
  }

  #log(checkpoints: VerifyReport): void {
    const { dataDir, stem } = this.#places;
    const { files, aof } = this.#host;
    const folder = join(dataDir, "aof");
    if (files.statSync(folder) === undefined) {
      this.whole.push("no append-only file");
      return;
    }
    const advice = `see \`ferrite aof check --data-dir ${dataDir}\`, then \`ferrite aof repair\`; or restore the folder from a copy`;
    try {
      const names = files.listSync(folder);
      this.filesRead += names.length;
      for (const name of names) this.bytesRead += files.statSync(join(folder, name))?.sizeBytes ?? 0;
      const { verdict, summary } = aof.check(folder, stem);
      if (verdict === "damaged") this.findings.push({ file: folder, what: summary, advice });
      else this.whole.push(summary);
      const newest = checkpoints.checkpoints.find(({ whole }) => whole);
      const manifest = readManifest(files, folder, stem);
      const lacking = manifest === undefined ? undefined : logLacksAfter(manifest, newest?.lsn ?? 0);
      if (lacking === undefined) return;
      const base =
        newest === undefined
          ? "there is no whole checkpoint"
          : `checkpoint ${newest.id} ends at LSN ${newest.lsn}`;
      this.findings.push({ file: folder, what: `${base}, and ${lacking}`, advice });
    } catch (error) {
      this.find(folder, error, advice);
    }
  }

  /** Those that BACKUP wrote here; other files in the folder are nobody's business. */
  async #backups(): Promise<void> {
    const { files } = this.#host;
    const folder = this.#places.backups;
    if (files.statSync(folder)?.kind !== "directory") return;
    for (const name of files.listSync(folder)) {
      const path = join(folder, name);
      if (files.statSync(path)?.kind === "file" && isBackupFile(this.#host, path) && !name.endsWith(".new"))
        await this.backup(this.#host, path, this.#onProgress);
    }
  }
}

/** False for what a running server has removed meanwhile, because no checkpoint that is kept reaches it any more. */
function isStillNeeded(folder: CheckpointFolder, file: string): boolean {
  const { fs } = folder;
  if (fs.statSync(file) !== undefined) return true;
  return folder.list().manifests.some((id) => {
    try {
      const manifest = decodeManifest(fs.readFileSync(folder.manifestPath(id)), file);
      return [...filesOf(folder, manifest)].some(({ path }) => path === file);
    } catch {
      // Removed just now, or damaged, which has a finding of its own.
      return false;
    }
  });
}

export function isBackupFile({ files }: Host, path: string): boolean {
  const file = files.openSync(path, "read");
  try {
    const first = new Uint8Array(8);
    return file.readSync(0, first, 0, 8) === 8 && isBackup(first);
  } finally {
    file.close();
  }
}

function checkpointAdvice({ checkpoints }: VerifyReport): string {
  const [newest] = checkpoints;
  const whole = checkpoints.find((each) => each.whole);
  if (whole === undefined)
    return "no checkpoint is whole: a running server writes a new one with BGSAVE; else restore the file from a copy, or a backup";
  if (whole === newest)
    return `the newest checkpoint, ${whole.id}, is whole and is what a start uses; BGSAVE writes another`;
  return `checkpoint ${whole.id} is whole, and a start uses it if the log holds everything after LSN ${whole.lsn}; a running server writes a new one with BGSAVE`;
}
