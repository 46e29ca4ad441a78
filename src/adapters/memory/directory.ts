/**
 * Folders of the crashable file system: the names that readers see, and those that are certain after power loss.
 *
 * Invariants
 *  - `names` is what readers see; `durable` is certain; `changes` lead from one to the other, in order;
 *  - a rename is one change: its two names survive together or not at all, whatever folders they are in. It is
 *    certain when the folder of the new name has been synced;
 *  - after power loss each change survives by itself; what no surviving name reaches is gone.
 */
import type { Random } from "../../ports/random.ts";
import type { FileNode } from "./inode.ts";

export type Node = FileNode | DirectoryNode;

interface NameChange {
  /** Orders changes of different folders. */
  readonly order: number;
  /** Undefined: the name is removed. */
  readonly name: string;
  readonly node: Node | undefined;
  /** Of a rename: the name that goes, from this folder or another. */
  readonly from: { readonly directory: DirectoryNode; readonly name: string } | undefined;
}

export class DirectoryNode {
  readonly kind = "directory";
  readonly sizeBytes = 0;
  modifiedMs = 0;
  readonly names = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
  changes: NameChange[] = [];
  /** The last change of this folder that a sync of it covered. */
  settledOrder = -1;

  add(order: number, name: string, node: Node): void {
    this.names.set(name, node);
    this.changes.push({ order, name, node, from: undefined });
  }

  remove(order: number, name: string): void {
    this.names.delete(name);
    this.changes.push({ order, name, node: undefined, from: undefined });
  }

  renameInto(order: number, name: string, node: Node, from: DirectoryNode, fromName: string): void {
    from.names.delete(fromName);
    this.names.set(name, node);
    this.changes.push({ order, name, node, from: { directory: from, name: fromName } });
  }

  /** A sync of this folder has succeeded. */
  settle(): void {
    for (const change of this.changes) {
      settleChange(this, change);
      // One by one: what a later change overtakes in another folder may have begun here, under a name that is taken again.
      this.settledOrder = change.order;
    }
    this.#forget();
  }

  /** A sync of this folder has failed: each change is on disk or is not. */
  settleByChance(random: Random): void {
    for (const change of this.changes) {
      if (random.below(2) === 1) settleChange(this, change);
    }
    this.#forget();
  }

  #forget(): void {
    this.settledOrder = this.changes.at(-1)?.order ?? this.settledOrder;
    this.changes = [];
  }
}

function settleChange(directory: DirectoryNode, change: NameChange): void {
  const { from } = change;
  // Before it is applied: a file may have come back to the very name that an overtaken change took away.
  if (from !== undefined && from.directory !== directory) overtake(from.directory, from.name, change);
  applyChange(directory, change, (of) => of.durable);
}

/**
 * A change that is certain has removed a name of another folder: that folder's own sync must not bring the name
 * back by its earlier changes. Such a change may have been a rename itself, and then its old name goes too.
 */
function overtake(directory: DirectoryNode, name: string, by: NameChange): void {
  // If that folder has been synced since, the name may be certain for a later file, which stays.
  const isOlder = directory.settledOrder < by.order;
  if (isOlder || directory.durable.get(name) === by.node) directory.durable.delete(name);
  const overtaken = directory.changes.filter((change) => change.order < by.order && change.name === name);
  directory.changes = directory.changes.filter((change) => !overtaken.includes(change));
  for (const change of overtaken) {
    if (change.from !== undefined) overtake(change.from.directory, change.from.name, change);
  }
}

function applyChange(
  directory: DirectoryNode,
  change: NameChange,
  namesOf: (directory: DirectoryNode) => Map<string, Node>,
): void {
  const { name, node, from } = change;
  if (from !== undefined) {
    const names = namesOf(from.directory);
    // Only if it still is this file: a later name of the same spelling may have become certain before.
    if (names.get(from.name) === node) names.delete(from.name);
  }
  if (node === undefined) namesOf(directory).delete(name);
  else namesOf(directory).set(name, node);
}

/** The tree as a machine finds it after power loss; nothing that is passed in is changed. */
export function treeAfterPowerLoss(root: DirectoryNode, random: Random): DirectoryNode {
  const survivors = new Map<DirectoryNode, Map<string, Node>>();
  const changes: { directory: DirectoryNode; change: NameChange }[] = [];
  collect(root, survivors, changes);
  changes.sort((a, b) => a.change.order - b.change.order);
  for (const { directory, change } of changes) {
    if (random.below(2) === 1) applyChange(directory, change, (of) => survivors.get(of)!);
  }
  return rebuild(
    root,
    (directory) => survivors.get(directory)!,
    (file) => file.afterPowerLoss(random),
  );
}

/** The tree as the next process finds it after this one was killed: everything, certain or not. */
export function treeAfterKill(root: DirectoryNode): DirectoryNode {
  const copies = new Map<Node, Node>();
  const copyOf = (node: Node): Node => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    const copy = node.kind === "file" ? node.copy() : new DirectoryNode();
    copies.set(node, copy);
    if (node.kind === "directory") copyDirectory(node, copy as DirectoryNode, copyOf);
    return copy;
  };
  return copyOf(root) as DirectoryNode;
}

function copyDirectory(from: DirectoryNode, to: DirectoryNode, copyOf: (node: Node) => Node): void {
  to.modifiedMs = from.modifiedMs;
  for (const [name, node] of from.names) {
    const copy = copyOf(node);
    to.names.set(name, copy);
    if (copy.kind === "file") copy.users++;
  }
  for (const [name, node] of from.durable) to.durable.set(name, copyOf(node));
  to.settledOrder = from.settledOrder;
  to.changes = from.changes.map((change) => ({
    ...change,
    node: change.node === undefined ? undefined : copyOf(change.node),
    from:
      change.from === undefined
        ? undefined
        : { directory: copyOf(change.from.directory) as DirectoryNode, name: change.from.name },
  }));
}

/** Every folder that a name, certain or not, reaches: its certain names and its changes. */
function collect(
  directory: DirectoryNode,
  survivors: Map<DirectoryNode, Map<string, Node>>,
  changes: { directory: DirectoryNode; change: NameChange }[],
): void {
  if (survivors.has(directory)) return;
  survivors.set(directory, new Map(directory.durable));
  const reached: (Node | undefined)[] = [...directory.names.values(), ...directory.durable.values()];
  for (const change of directory.changes) {
    changes.push({ directory, change });
    reached.push(change.node, change.from?.directory);
  }
  for (const node of reached) if (node?.kind === "directory") collect(node, survivors, changes);
}

/** A tree of new nodes, all certain. A folder that two surviving names reach is kept under the first. */
function rebuild(
  directory: DirectoryNode,
  namesOf: (directory: DirectoryNode) => Map<string, Node>,
  fileOf: (file: FileNode) => FileNode,
  files = new Map<FileNode, FileNode>(),
  seen = new Set<DirectoryNode>(),
): DirectoryNode {
  seen.add(directory);
  const built = new DirectoryNode();
  built.modifiedMs = directory.modifiedMs;
  for (const [name, node] of namesOf(directory)) {
    if (node.kind === "directory") {
      if (!seen.has(node)) built.names.set(name, rebuild(node, namesOf, fileOf, files, seen));
      continue;
    }
    const file = files.get(node) ?? fileOf(node);
    files.set(node, file);
    file.users++;
    built.names.set(name, file);
  }
  for (const [name, node] of built.names) built.durable.set(name, node);
  return built;
}
