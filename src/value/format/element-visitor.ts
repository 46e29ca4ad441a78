/** Takes the elements of a collection one by one. Ranges are valid during the call. */
export interface ElementVisitor {
  listElement(bytes: Uint8Array, offset: number, length: number): void;
  setMember(bytes: Uint8Array, offset: number, length: number): void;
  sortedSetMember(bytes: Uint8Array, offset: number, length: number, score: number): void;
  /** `expiryMs` of the field, or NO_EXPIRY. */
  hashField(
    fieldBytes: Uint8Array,
    fieldOffset: number,
    fieldLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiryMs: number,
  ): void;
}
