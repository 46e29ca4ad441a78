/**
 * Writes a sealed frame to a part, piece after piece, on the loop or on a thread: over prepared space, or at the end.
 *
 * Invariants: of an asynchronous frame only the last piece syncs, and `done` is called once, after the last piece or
 * the first failure; a frame over prepared space is made even first. Almost every frame is one piece; a second one
 * is a large range that was not copied.
 */
import type { EffectBuffer } from "./effect-buffer.ts";
import type { LogPart } from "./log-part.ts";

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

export class FrameAppender {
  #part: LogPart | undefined;
  #position = 0;
  readonly #appendPiece = (bytes: Uint8Array, offset: number, length: number): void =>
    this.#part!.file.appendSync(bytes, offset, length);
  readonly #overwritePiece = (bytes: Uint8Array, offset: number, length: number): void => {
    this.#part!.space.writer.overwriteSync(this.#position, bytes, offset, length);
    this.#position += length;
  };

  /** Throws the system's error; part of the frame may be in the file then. */
  writeSync(part: LogPart, frame: EffectBuffer): void {
    this.#part = part;
    if (part.space.covers(part.sizeBytes)) {
      this.#position = part.sizeBytes;
      frame.pad();
      frame.forEachPiece(this.#overwritePiece);
    } else {
      frame.forEachPiece(this.#appendPiece);
    }
  }

  /** The frame must own its bytes and stay as it is until `done`. */
  write(part: LogPart, frame: EffectBuffer, sync: boolean, done: (error: Error | undefined) => void): void {
    const over = part.space.covers(part.sizeBytes);
    if (over) frame.pad();
    const pieces: Piece[] = [];
    frame.forEachPiece((bytes, offset, length) => pieces.push({ bytes, offset, length }));
    const step = (index: number, position: number): void => {
      const { bytes, offset, length } = pieces[index]!;
      const last = index === pieces.length - 1;
      const written = (error: Error | undefined): void => {
        if (error !== undefined || last) done(error);
        else step(index + 1, position + length);
      };
      if (over) part.space.writer.overwrite(position, bytes, offset, length, sync && last, written);
      else part.file.append(bytes, offset, length, sync && last, written);
    };
    step(0, part.sizeBytes);
  }
}
