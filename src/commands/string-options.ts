/**
 * The options that SET and GETEX share: which key condition, which expiry, and the argument that holds it.
 *
 * Invariant: at most one of EX, PX, EXAT, PXAT, KEEPTTL and PERSIST is set in an accepted result, and never NX
 * with XX. The result is one number (flag bits, and above them the index of the expiry's argument), because
 * `SET key value EX 10` is too common to allocate for.
 */
import { expiryArgument, MILLISECONDS, SECONDS, SYNTAX_ERROR } from "./arguments.ts";
import type { Context } from "./context.ts";

export const OPTION_NX = 1;
export const OPTION_XX = 2;
export const OPTION_GET = 4;
export const OPTION_KEEP_EXPIRY = 8;
export const OPTION_PERSIST = 16;
const OPTION_EX = 32;
const OPTION_PX = 64;
const OPTION_EXAT = 128;
const OPTION_PXAT = 256;
export const OPTION_ANY_EXPIRY = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;
const EXPIRY_CHOICES = OPTION_ANY_EXPIRY | OPTION_KEEP_EXPIRY | OPTION_PERSIST;
const INDEX_UNIT = 512;

export const SET_OPTIONS = OPTION_NX | OPTION_XX | OPTION_GET | OPTION_KEEP_EXPIRY | OPTION_ANY_EXPIRY;
export const GETEX_OPTIONS = OPTION_PERSIST | OPTION_ANY_EXPIRY;

/** Reads the options from argument `from` on; -1 after the error reply. Test the flags of the result with `&`. */
export function stringOptionsOrReply(context: Context, from: number, allowed: number): number {
  const argc = context.argc;
  let flags = 0;
  let expiryIndex = 0;
  for (let index = from; index < argc; index++) {
    const option = optionAt(context, index) & allowed;
    if (option === 0 || (excludedBy(option) & flags) !== 0) return syntaxError(context);
    if ((option & OPTION_ANY_EXPIRY) !== 0) {
      expiryIndex = ++index;
      if (index === argc) return syntaxError(context);
    }
    flags |= option;
  }
  return flags + expiryIndex * INDEX_UNIT;
}

/** Reads the expiry that `options` (with one of OPTION_ANY_EXPIRY) name into `expiryArgument`; false after the error reply. */
export function optionExpiryOrReply(context: Context, options: number, command: string): boolean {
  const index = Math.floor(options / INDEX_UNIT);
  const unitMs = (options & (OPTION_EX | OPTION_EXAT)) !== 0 ? SECONDS : MILLISECONDS;
  const relative = (options & (OPTION_EX | OPTION_PX)) !== 0;
  return expiryArgument.readPositiveOrReply(context, index, unitMs, relative, command);
}

function optionAt(context: Context, index: number): number {
  switch (context.length(index)) {
    case 2:
      if (context.is(index, "ex")) return OPTION_EX;
      if (context.is(index, "px")) return OPTION_PX;
      if (context.is(index, "nx")) return OPTION_NX;
      return context.is(index, "xx") ? OPTION_XX : 0;
    case 3:
      return context.is(index, "get") ? OPTION_GET : 0;
    case 4:
      if (context.is(index, "pxat")) return OPTION_PXAT;
      return context.is(index, "exat") ? OPTION_EXAT : 0;
    case 7:
      if (context.is(index, "keepttl")) return OPTION_KEEP_EXPIRY;
      return context.is(index, "persist") ? OPTION_PERSIST : 0;
    default:
      return 0;
  }
}

/** What may not stand beside an option. The same expiry option twice is accepted, and the last one counts. */
function excludedBy(option: number): number {
  if (option === OPTION_NX) return OPTION_XX;
  if (option === OPTION_XX) return OPTION_NX;
  return (option & EXPIRY_CHOICES) === 0 ? 0 : EXPIRY_CHOICES & ~option;
}

function syntaxError(context: Context): number {
  context.reply.error(SYNTAX_ERROR);
  return -1;
}
