/** What whoever waited for a checkpoint is told when it failed. */
import { FerriteError, messageOf } from "../base/errors.ts";
import type { CheckpointResult } from "../checkpoint/checkpoint-writer.ts";

/** Throws what a client is told of a checkpoint that it waited for. */
export function failUnlessPublished(
  result: CheckpointResult,
): asserts result is Extract<CheckpointResult, { kind: "published" }> {
  if (result.kind === "published") return;
  throw new FerriteError(
    "unavailable",
    `ERR the checkpoint failed: ${messageOf(result.error)}; the one before it stays valid`,
    { cause: result.error },
  );
}
