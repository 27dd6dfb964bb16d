import { randomBytes } from 'node:crypto';
import type { JsonValue } from '@backstage/types';
import type { Asked, Replicas } from '@callboard/actions';
import { inPieces } from './inPieces.js';

/** Of those that are arriving; the oldest is forgotten beyond it, of which a replica has died in between. */
const MAX_ARRIVING = 1_000;

type Piece = { readonly of: string; readonly json: string; readonly isLast: boolean };

/** Like `ask`, for payloads that may be longer than a message. */
export async function askInPieces(
  replicas: Replicas,
  replicaId: string,
  topic: string,
  payload: JsonValue,
  options: { timeoutMs: number },
): Promise<JsonValue> {
  const of = randomBytes(6).toString('base64url');
  const pieces = inPieces(payload);
  // Sent without waiting, so that what is asked next arrives after all of them.
  const answers = pieces.map((json, index) =>
    replicas.ask(replicaId, topic, { of, json, isLast: index === pieces.length - 1 }, options),
  );
  return (await Promise.all(answers)).at(-1) as JsonValue;
}

/** Answers what comes by `askInPieces`. */
export function answerInPieces(
  replicas: Replicas,
  topic: string,
  handler: (payload: JsonValue, asked: Asked) => Promise<JsonValue>,
): () => void {
  const arriving = new Map<string, string[]>();
  return replicas.answer(topic, async (payload, asked) => {
    const { of, json, isLast } = payload as Piece;
    const key = `${asked.from}.${of}`;
    const pieces = arriving.get(key) ?? [];
    pieces.push(json);
    if (!isLast) {
      arriving.set(key, pieces);
      if (arriving.size > MAX_ARRIVING) {
        arriving.delete(arriving.keys().next().value as string);
      }
      return null;
    }
    arriving.delete(key);
    return handler(JSON.parse(pieces.join('')), asked);
  });
}
