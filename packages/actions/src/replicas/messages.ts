import { InputError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import type { CarriedError } from './carriedErrors.js';

/** Of one message between replicas, as JSON. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** What comes of a request, in the order of its numbers; the last one is no `told`. */
export type Outcome = Result & { readonly ask: number; readonly number: number };

export type Result =
  | { readonly kind: 'told'; readonly payload: JsonValue }
  | { readonly kind: 'answer'; readonly payload: JsonValue }
  | { readonly kind: 'error'; readonly error: CarriedError };

export interface AskMessage {
  readonly kind: 'ask';
  /** Counted by the replica that asks. A request that comes again is the same one, and not run again. */
  readonly ask: number;
  readonly topic: string;
  readonly payload: JsonValue;
  readonly timeoutMs: number;
  /** How many outcomes have arrived. */
  readonly seen: number;
}

/** What one replica sends to another. */
export type Message =
  | { readonly kind: 'notice'; readonly topic: string; readonly payload: JsonValue }
  | AskMessage
  /** The answer is there, or nobody waits for it any more. */
  | { readonly kind: 'done'; readonly ask: number }
  | Outcome;

/** @throws InputError if it is too long. */
export function writeMessage(message: Message): string {
  const text = JSON.stringify(message);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new InputError(
      `A message to another replica of this server would have ${bytes} bytes, and may have ${MAX_MESSAGE_BYTES}`,
    );
  }
  return text;
}
