/**
 * Detaches an ArrayBuffer that JavaScript owns, so that every view of it has length 0 from now on.
 *
 * By transferring it into a clone that is dropped: Node 20 has no `ArrayBuffer.prototype.transfer`.
 */
export function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] });
}
