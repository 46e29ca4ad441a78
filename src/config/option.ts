/**
 * One option: its kind, default, description and how it may change; and the short words by which the tables
 * beside this file are written.
 *
 * Invariant: the default is a value that the kind would accept.
 */
import {
  booleanKind,
  choiceKind,
  durationKind,
  fileNameKind,
  integerKind,
  type Kind,
  listKind,
  pathKind,
  permissionsKind,
  sizeKind,
  stringKind,
} from "./kinds.ts";

export interface OptionTerms<V> {
  readonly default: V;
  /** One or two sentences for the documentation and the example file. */
  readonly doc: string;
  /** Redis's name for CONFIG GET, SET and REWRITE. */
  readonly redis?: string;
  /** Further names that Redis still knows. */
  readonly redisAliases?: readonly string[];
  /** May change while the server runs. */
  readonly live?: true;
  /**
   * What CONFIG SET answers for an option that is not live. Without it the present value is accepted and another one
   * is refused with the advice to restart: Redis would have changed it, and tools that set what is already so go on.
   */
  readonly fixed?: "immutable" | "protected";
  /** Never shown but by CONFIG GET to an authenticated client. */
  readonly secret?: true;
  /**
   *  reserved   the feature does not exist yet: any value but the default is refused, so that nobody believes in it
   *  accepted   known, stored and answered, without any effect yet (or ever)
   */
  readonly status?: "reserved" | "accepted";
  /** Says what is wrong with a value that its kind accepts; completes "expected …". */
  readonly check?: (value: V) => string | undefined;
}

export class Option<V> {
  readonly kind: Kind<V>;
  readonly terms: OptionTerms<V>;

  constructor(kind: Kind<V>, terms: OptionTerms<V>) {
    this.kind = kind;
    this.terms = terms;
  }
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

const bounds = (range: Range): { min: number; max: number } => ({
  min: range.min ?? 0,
  max: range.max ?? Number.POSITIVE_INFINITY,
});

export const INT32_MAX = 0x7fff_ffff;

export const boolean = (terms: OptionTerms<boolean>): Option<boolean> => new Option(booleanKind, terms);
export const string = (terms: OptionTerms<string>): Option<string> => new Option(stringKind, terms);
export const path = (terms: OptionTerms<string>): Option<string> => new Option(pathKind, terms);
export const fileName = (terms: OptionTerms<string>): Option<string> => new Option(fileNameKind, terms);
export const permissions = (terms: OptionTerms<number>): Option<number> => new Option(permissionsKind, terms);

export const integer = (terms: OptionTerms<number> & Range & { clampForRedis?: true }): Option<number> =>
  new Option(integerKind(bounds(terms), terms.clampForRedis === true), terms);
/** Bytes. */
export const size = (terms: OptionTerms<number> & Range): Option<number> =>
  new Option(sizeKind(bounds(terms)), terms);
/** Milliseconds. */
export const duration = (terms: OptionTerms<number> & Range): Option<number> =>
  new Option(durationKind(bounds(terms)), terms);

export const choice = <const T extends string>(
  words: readonly T[],
  terms: OptionTerms<NoInfer<T>>,
): Option<T> => new Option(choiceKind(words), terms as OptionTerms<T>);
export const list = (expected: string, terms: OptionTerms<readonly string[]>): Option<readonly string[]> =>
  new Option(listKind(expected), terms);
