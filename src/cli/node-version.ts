/** Which Node serves. Imports nothing and uses only old syntax: it has to run on the Node that it refuses. */

export const NODE_MIN_TEXT = "20.19";

/** `version` as `20.20.2`. */
export function isNodeSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}
