/** Which texts may be names of clients and libraries: CLIENT LIST separates its fields by spaces and lines. */

export const NAME_ERROR = "ERR Client names cannot contain spaces, newlines or special characters.";

/** Printable ASCII without the space; the empty name is fine and means none. */
export function isCleanName(text: string): boolean {
  return /^[!-~]*$/.test(text) && !text.endsWith("\n");
}
