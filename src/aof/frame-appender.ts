/**
 * Writes a sealed frame to a part, piece after piece, on the loop or on a thread.
 *
 * Invariant: of an asynchronous frame only the last piece syncs, and `done` is called once, after the last piece or
 * the first failure. Almost every frame is one piece; a second one is a large range that was not copied.
 */
import type { File } from "../ports/file-system.ts";
import type { EffectBuffer } from "./effect-buffer.ts";

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

export class FrameAppender {
  #file: File | undefined;
  readonly #appendPiece = (bytes: Uint8Array, offset: number, length: number): void =>
    this.#file!.appendSync(bytes, offset, length);

  /** Throws the system's error; part of the frame may be in the file then. */
  appendSync(file: File, frame: EffectBuffer): void {
    this.#file = file;
    frame.forEachPiece(this.#appendPiece);
  }

  /** The frame must own its bytes and stay as it is until `done`. */
  append(file: File, frame: EffectBuffer, sync: boolean, done: (error: Error | undefined) => void): void {
    const pieces: Piece[] = [];
    frame.forEachPiece((bytes, offset, length) => pieces.push({ bytes, offset, length }));
    const step = (index: number): void => {
      const { bytes, offset, length } = pieces[index]!;
      const last = index === pieces.length - 1;
      file.append(bytes, offset, length, sync && last, (error) => {
        if (error !== undefined || last) done(error);
        else step(index + 1);
      });
    };
    step(0);
  }
}
