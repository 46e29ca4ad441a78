/**
 * Reads every file of every checkpoint and reports what is wrong: `ferrite verify`.
 *
 * Invariants
 *  - nothing is changed, and nothing is kept in memory but the segment and the blocks that are being looked at;
 *  - one damaged file does not keep the others from being read; of a file the first damage is reported;
 *  - what an error of the system keeps from being read is a finding too: unreadable is not right.
 */
import { messageOf } from "../base/errors.ts";
import type { StructureEntry } from "../engine/capture/capture-face.ts";
import { type FileFinding, findingOf } from "../engine/warm/file-finding.ts";
import { readSegmentFile } from "../engine/warm/segment-file-reader.ts";
import { filesOf } from "./choose-checkpoint.ts";
import { readIndexFile } from "./index-reader.ts";
import { entriesIn, type LoadParts, type StructureBuilder } from "./load-checkpoint.ts";
import { type CheckpointManifest, decodeManifest, totalBytes } from "./manifest-format.ts";
import { readValuesFile, type StructuresReceiver } from "./values-reader.ts";

export interface VerifyOptions extends LoadParts {
  /** Decodes structures too; without it their checksums alone are looked at. */
  readonly newBuilder?: () => StructureBuilder;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

export interface VerifiedCheckpoint {
  readonly id: number;
  /** Of the manifest; absent if it cannot be read. */
  readonly lsn?: number;
  readonly wallMs?: number;
  readonly keys?: number;
  readonly structures?: number;
  readonly bytes?: number;
  readonly whole: boolean;
}

export interface VerifyReport {
  /** Newest first. */
  readonly checkpoints: readonly VerifiedCheckpoint[];
  readonly findings: readonly FileFinding[];
  readonly filesRead: number;
  readonly bytesRead: number;
}

export async function verifyCheckpoints(options: VerifyOptions): Promise<VerifyReport> {
  const verifier = new Verifier(options);
  const checkpoints: VerifiedCheckpoint[] = [];
  const manifests = verifier.readManifests();
  for (const { id, manifest } of manifests) checkpoints.push(await verifier.verify(id, manifest));
  const { findings, filesRead, bytesRead } = verifier;
  return { checkpoints, findings, filesRead, bytesRead };
}

/** What is wrong with the files that a manifest names; empty if all is right. */
export async function verifyCheckpoint(
  options: VerifyOptions,
  manifest: CheckpointManifest,
): Promise<readonly FileFinding[]> {
  const verifier = new Verifier(options);
  await verifier.verify(manifest.id, manifest);
  return verifier.findings;
}

interface ReadManifest {
  readonly id: number;
  readonly manifest: CheckpointManifest | undefined;
}

class Verifier {
  readonly findings: FileFinding[] = [];
  filesRead = 0;
  bytesRead = 0;
  readonly #options: VerifyOptions;
  /** Paths of files that several checkpoints name, and whether they are right by one of them. */
  readonly #segments = new Map<string, boolean>();
  #bytesTotal = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  readManifests(): ReadManifest[] {
    const { folder } = this.#options;
    const counted = new Map<string, number>();
    const manifests = folder
      .list()
      .manifests.toReversed()
      .map((id): ReadManifest => {
        const path = folder.manifestPath(id);
        this.filesRead++;
        try {
          const manifest = decodeManifest(folder.fs.readFileSync(path), path);
          if (manifest.id === id) return { id, manifest };
          this.findings.push({
            file: path,
            what: `it is the manifest of checkpoint ${manifest.id}, expected ${id}`,
          });
        } catch (error) {
          this.#find(error, path);
        }
        return { id, manifest: undefined };
      });
    for (const { manifest } of manifests)
      for (const { path, bytes } of manifest ? filesOf(folder, manifest) : []) counted.set(path, bytes);
    for (const bytes of counted.values()) this.#bytesTotal += bytes;
    return manifests;
  }

  async verify(id: number, manifest: CheckpointManifest | undefined): Promise<VerifiedCheckpoint> {
    if (manifest === undefined) return { id, whole: false };
    const { folder } = this.#options;
    let whole = true;
    for (const segment of manifest.segments) {
      const path = folder.segmentPath(segment.birth);
      // The same bytes by the same checksum are right, or wrong, for every manifest that names them.
      const key = `${path} ${segment.checksum} ${segment.usedUnits} ${segment.id}`;
      const known = this.#segments.get(key);
      const right =
        known ?? (await this.#read(path, segment.bytes, () => this.#segment(path, manifest, segment)));
      this.#segments.set(key, right);
      whole &&= right;
    }
    const structures = await this.#indexAndValues(manifest);
    const { lsn, wallMs, keys } = manifest;
    const found = { id, lsn, wallMs, keys, bytes: totalBytes(manifest), whole: whole && structures.whole };
    return structures.count === undefined ? found : { ...found, structures: structures.count };
  }

  async #segment(
    path: string,
    { identity }: CheckpointManifest,
    segment: CheckpointManifest["segments"][number],
  ): Promise<void> {
    const { folder, crc32c, breathe } = this.#options;
    const expected = { ...segment, databaseId: identity.databaseId };
    await readSegmentFile(
      { fs: folder.fs, crc32c, breathe },
      path,
      expected,
      (bytes) => new ArrayBuffer(bytes),
    );
  }

  async #indexAndValues(manifest: CheckpointManifest): Promise<{ whole: boolean; count?: number }> {
    const { folder, crc32c, codec, breathe } = this.#options;
    const parts = { fs: folder.fs, crc32c, codec, breathe };
    const path = folder.indexPath(manifest.id);
    let entries: StructureEntry[] | undefined;
    let whole = await this.#read(path, manifest.index.bytes, async () => {
      entries = await readIndexFile(parts, path, manifest, { addRows() {} }, () => {});
    });
    for (const file of manifest.values) {
      const values = folder.valuesPath(file.id);
      // Without the table the blocks are looked at all the same.
      const inFile = entriesIn(entries ?? [], file.id);
      const { databaseId } = manifest.identity;
      const receiver = this.#receiver();
      const right = await this.#read(values, file.bytes, () =>
        readValuesFile(parts, values, databaseId, file, inFile, receiver, () => {}),
      );
      whole &&= right;
    }
    return entries === undefined ? { whole } : { whole, count: entries.length };
  }

  #receiver(): StructuresReceiver {
    const { newBuilder } = this.#options;
    let builder: StructureBuilder | undefined;
    return {
      begin() {
        builder = newBuilder?.();
        return builder ?? { addPiece() {} };
      },
      end() {
        const value = builder?.finish();
        builder = undefined;
        while (value !== undefined && !value.release(1024));
      },
      abandon() {
        builder?.abandon();
      },
    };
  }

  /** True if the file was read to its end. */
  async #read(path: string, bytes: number, read: () => Promise<void>): Promise<boolean> {
    this.filesRead++;
    let right = true;
    try {
      await read();
    } catch (error) {
      this.#find(error, path);
      right = false;
    }
    this.bytesRead += bytes;
    this.#options.onProgress?.(Math.min(this.bytesRead, this.#bytesTotal), this.#bytesTotal);
    return right;
  }

  #find(error: unknown, path: string): void {
    const finding = findingOf(error) ?? { file: path, what: messageOf(error) };
    // A values file is read once for each manifest that names it.
    const known = this.findings.some(({ file, offset, what }) => {
      return file === finding.file && offset === finding.offset && what === finding.what;
    });
    if (!known) this.findings.push(finding);
  }
}
