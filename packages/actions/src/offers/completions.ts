import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import { unlessAborted } from '../unlessAborted.js';

const TIMEOUT_MS = 5_000;

/** What is typed so far. */
export interface CompletionRequest {
  /** The argument of a prompt, or the variable of a template, that is being filled in. */
  readonly argument: string;
  readonly value: string;
  /** The others, as far as they are filled in. */
  readonly given: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What every function of an offer is given besides. */
export interface OfferContext {
  readonly credentials: BackstageCredentials;
  readonly logger: LoggerService;
}

type Completer = (value: string, context: never) => string[] | Promise<string[]>;

/** @returns all that keeps functions from completing these names. */
export function findCompleteProblems(complete: unknown, names: readonly string[]): string[] {
  if (complete === undefined) {
    return [];
  }
  if (complete === null || typeof complete !== 'object') {
    return [`complete: expected an object of functions, got ${complete === null ? 'null' : typeof complete}`];
  }
  return Object.entries(complete).flatMap(([name, completer]) => [
    ...(names.includes(name)
      ? []
      : [`complete.${name}: expected one of ${names.join(', ') || 'no names, as there are none'}`]),
    ...(typeof completer === 'function' ? [] : [`complete.${name}: expected a function, got ${typeof completer}`]),
  ]);
}

/**
 * Makes one function of those of an offer. It returns undefined for a name that the offer does not
 * have, and throws for an author's function that takes too long or returns anything but texts.
 *
 * @param options.id - of the offer.
 * @param options.givenAs - how the functions call what is filled in already.
 */
export function createCompletion(options: {
  id: string;
  names: readonly string[];
  complete: Readonly<Record<string, Completer>> | undefined;
  givenAs: 'arguments' | 'variables';
}) {
  const { id, names, complete = {}, givenAs } = options;
  return async (
    { argument, value, given, signal }: CompletionRequest,
    context: OfferContext,
  ): Promise<readonly string[] | undefined> => {
    if (!names.includes(argument)) {
      return undefined;
    }
    const completer = Object.hasOwn(complete, argument) ? complete[argument] : undefined;
    if (!completer) {
      return [];
    }
    const known = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
    const values: unknown = await withTimeout(`The completion of "${argument}" of "${id}"`, signal, limited =>
      completer(value, { [givenAs]: known, signal: limited, ...context } as never),
    );
    if (!Array.isArray(values) || !values.every(one => typeof one === 'string')) {
      throw new Error(`The completion of "${argument}" of "${id}" returned anything but a list of texts`);
    }
    return values;
  };
}

/** @throws Error that names what took too long; what `work` throws; the signal's reason. */
export async function withTimeout<T>(
  subject: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => T | Promise<T>,
  timeoutMs: number = TIMEOUT_MS,
): Promise<T> {
  signal.throwIfAborted();
  const tooLate = AbortSignal.timeout(timeoutMs);
  const limited = AbortSignal.any([signal, tooLate]);
  try {
    return await unlessAborted((async () => work(limited))(), limited);
  } catch (error) {
    throw tooLate.aborted && error === tooLate.reason
      ? new Error(`${subject} took longer than ${timeoutMs} ms`)
      : error;
  }
}
