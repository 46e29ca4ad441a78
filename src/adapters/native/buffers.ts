/**
 * The Buffers port on anonymous mappings with large pages.
 *
 * Measured: among 2 M records a random access costs about half as much with pages of 2 MiB as with 4 KiB, because
 * the page table of the smaller ones does not fit into the processor's caches. Redis advises against large pages
 * for its fork; nothing forks here.
 *
 * A large page is taken as a whole when its first byte is touched, and a piece in reserve before anybody wants it. Both are
 * affordable where they are a small part of what is given out; where they are not, a piece that fills up by steps begins
 * with small pages, which a thread gathers into large ones when all of them are in use.
 */
import { constants } from "node:os";
import type { Buffers } from "../../ports/buffers.ts";
import type { MappingAddon } from "./addon-files.ts";

/** Larger pieces are rare, and too large to keep one in reserve. */
const SPARE_BYTES_MAX = 8 * 1024 * 1024;
/** What nobody uses yet is affordable if it is at most this part of what has been given out. */
const AFFORDABLE_SHARE = 64;
/** Smaller pieces would waste most of a large page. */
const LARGE_PAGE_BYTES = 2 * 1024 * 1024;
/**
 * Smaller pieces come from the JavaScript engine, which collects garbage the more often the more it has given, and gives
 * memory back when it has found out that nobody has it. A mapping is gone at once, but costs some microseconds.
 */
const MAPPED_BYTES_MIN = 128 * 1024;

interface Spare {
  readonly array: Uint8Array;
  isReady: boolean;
}

export class NativeBuffers implements Buffers {
  readonly kind: string;
  readonly #addon: MappingAddon;
  readonly #sizes = new Set<number>();
  /** The next piece of a size, by size. */
  readonly #spares = new Map<number, Spare>();
  /** The array that the addon knows each buffer by. */
  readonly #mapped = new WeakMap<ArrayBuffer, Uint8Array>();
  /** Buffers that have small pages until they are filled. */
  readonly #filling = new WeakSet<ArrayBuffer>();
  #givenBytes = 0;
  /** False once the system has turned out to be unable to. */
  #canGather: boolean;

  constructor(addon: MappingAddon) {
    this.#addon = addon;
    this.kind = addon.MADV_HUGEPAGE === undefined ? "mapped" : "mapped, large pages";
    this.#canGather = addon.MADV_HUGEPAGE !== undefined;
  }

  allocate(bytes: number, bySteps = false): ArrayBuffer {
    const isLarge = bytes >= LARGE_PAGE_BYTES;
    const isAffordable = bytes * AFFORDABLE_SHARE <= this.#givenBytes;
    const gathersLater = bySteps && !isAffordable && this.#canGather;
    const spare = this.#spares.get(bytes);
    const array = spare?.isReady === true ? spare.array : this.#map(bytes, isLarge && !gathersLater);
    if (array === undefined) return new ArrayBuffer(bytes);
    if (spare?.isReady === true) this.#spares.delete(bytes);
    else if (isLarge && gathersLater) this.#filling.add(array.buffer as ArrayBuffer);
    const buffer = array.buffer as ArrayBuffer;
    this.#mapped.set(buffer, array);
    this.#givenBytes += bytes;
    // Who has asked for two of a size asks for more; who needs only one pays for no reserve.
    const isGrowing = this.#sizes.has(bytes);
    this.#sizes.add(bytes);
    const mayHaveSpare = isLarge && isAffordable && bytes <= SPARE_BYTES_MAX;
    if (isGrowing && mayHaveSpare && !this.#spares.has(bytes)) this.#prepare(bytes);
    return buffer;
  }

  filled(buffer: ArrayBuffer): void {
    if (!this.#filling.delete(buffer)) return;
    const array = this.#mapped.get(buffer);
    if (array === undefined) return;
    // Where the system cannot gather at once this lets it do so in its own time.
    this.#adviseLarge(array);
    const done = (result: number): void => {
      if (result === -constants.errno.EINVAL) this.#canGather = false;
    };
    if (!this.#addon.populate(array, done, true)) this.#canGather = false;
  }

  /** Has the next piece of a size made present on a thread: zeroing large pages here would hold everybody up. */
  #prepare(bytes: number): void {
    const array = this.#map(bytes, true);
    if (array === undefined) return;
    const spare: Spare = { array, isReady: false };
    const done = (): void => {
      // Pages that could not be made present come when they are touched.
      spare.isReady = true;
    };
    if (this.#addon.populate(array, done)) this.#spares.set(bytes, spare);
    else this.#addon.unmap(array);
  }

  /** undefined where outside memory is not to be had: the engine's own allocation decides then. */
  #map(bytes: number, isLarge: boolean): Uint8Array | undefined {
    const addon = this.#addon;
    if (bytes < MAPPED_BYTES_MIN || bytes > addon.MAPPING_BYTES_MAX) return undefined;
    const array = addon.map(
      bytes,
      addon.PROT_READ | addon.PROT_WRITE,
      addon.MAP_PRIVATE | addon.MAP_ANONYMOUS,
      -1,
    );
    if (typeof array === "number") return undefined;
    if (isLarge) this.#adviseLarge(array);
    return array;
  }

  /** Advice that is refused leaves small pages: slower, not wrong. */
  #adviseLarge(array: Uint8Array): void {
    const { MADV_HUGEPAGE } = this.#addon;
    if (MADV_HUGEPAGE !== undefined) this.#addon.advise(array, 0, array.length, MADV_HUGEPAGE);
  }

  release(buffer: ArrayBuffer): void {
    const array = this.#mapped.get(buffer);
    if (array === undefined) return;
    this.#givenBytes -= array.length;
    this.#addon.unmap(array);
  }
}
