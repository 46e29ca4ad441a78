/** Shared by the tests of this folder: drives a RequestReader over pieces and shows requests as plain values. */
import { latin1 } from "../../src/base/bytes.ts";
import { defaultProtocolLimits, type ProtocolLimits } from "../../src/protocol/limits.ts";
import { Request } from "../../src/protocol/request.ts";
import { READ_COMPLETE, READ_MALFORMED, RequestReader } from "../../src/protocol/request-reader.ts";

export interface Outcome {
  commands: string[][];
  verbatim: boolean[];
  error: string;
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function encode(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

export function argumentsOf(request: Request): string[] {
  return Array.from({ length: request.argc }, (_, i) =>
    latin1(request.bytes, request.offsets[i]!, request.lengths[i]!),
  );
}

export function readerWith(limits: Partial<ProtocolLimits> = {}): RequestReader {
  return new RequestReader({ ...defaultProtocolLimits(), ...limits });
}

/** Takes every complete command out of the reader. */
export function drain(reader: RequestReader, into: Outcome): void {
  const request = new Request();
  for (;;) {
    const status = reader.next(request);
    if (status === READ_COMPLETE) {
      into.commands.push(argumentsOf(request));
      into.verbatim.push(request.verbatim);
      continue;
    }
    if (status === READ_MALFORMED) into.error = reader.errorText;
    return;
  }
}

/** Offers the stream in turns, each from an arena that is overwritten when the turn is over. */
export function readInPieces(reader: RequestReader, stream: Uint8Array, cuts: readonly number[]): Outcome {
  const outcome: Outcome = { commands: [], verbatim: [], error: "" };
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort(
    (a, b) => a - b,
  );
  for (let i = 1; i < bounds.length; i++) {
    const piece = stream.slice(bounds[i - 1]!, bounds[i]!);
    const arena = new Uint8Array(piece.length + 14).fill(42);
    arena.set(piece, 7);
    reader.offer(arena, 7, piece.length);
    drain(reader, outcome);
    reader.retain();
    arena.fill(42);
  }
  return outcome;
}

export function read(text: string, limits: Partial<ProtocolLimits> = {}): Outcome {
  return readInPieces(readerWith(limits), bytesOf(text), []);
}
