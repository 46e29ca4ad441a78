/**
 * Assertions stay on in production: before a write and after a read. A broken one means that the program's
 * own idea of its state is wrong, so the process has to stop; it is never turned into a reply.
 */
export class AssertionBroken extends Error {
  override readonly name = "AssertionBroken";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionBroken(message);
}

/** Closes a switch over a union: the compiler proves that the call cannot happen. */
export function unreachable(value: never): never {
  throw new AssertionBroken(`unreachable value: ${String(value)}`);
}
