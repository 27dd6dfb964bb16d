import { NotFoundError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import type { Replicas } from '@callboard/actions';
import { isGone } from '../replicas/isGone.js';
import type { FoundOutput, KeptOutput } from './OutputStore.js';
import { hasPartAt, type OutputPart, type Position, partAt } from './outputParts.js';

const TOPIC = 'mcp-actions.outputs.read';
const TIMEOUT_MS = 10_000;
/** Of text that travels at once: the whole of an output may be longer than a message. */
const PIECE_CHARACTERS = 100_000;

/** What one replica wants of an output that another one keeps. */
type Wanted = { readonly id: string; readonly owner: string } & (
  | { readonly what: 'place'; readonly position?: Position }
  | { readonly what: 'part'; readonly position: Position; readonly budget: number }
  | { readonly what: 'json' | 'content'; readonly from: number }
);

interface Place {
  readonly actionId: string;
}

interface Piece {
  readonly text: string;
  readonly of: number;
}

/**
 * Lets the other replicas read what is kept here.
 *
 * @param find - undefined for what is not kept, and for what is not this owner's.
 * @returns what ends it.
 */
export function answerReaders(
  replicas: Replicas,
  find: (id: string, owner: string) => KeptOutput | undefined,
): () => void {
  return replicas.answer(TOPIC, async payload => {
    const wanted = payload as unknown as Wanted;
    const kept = find(wanted.id, wanted.owner);
    return (kept ? (read(kept, wanted) ?? null) : null) as JsonValue;
  });
}

/** @returns undefined if there is nothing, it is somebody else's, or the replica that kept it is gone. */
export async function findElsewhere(
  replicas: Replicas,
  replicaId: string,
  output: { id: string; owner: string },
  position: Position | undefined,
): Promise<FoundOutput | undefined> {
  const ask = async <T>(wanted: Wanted): Promise<T | undefined> => {
    try {
      const answer = await replicas.ask(replicaId, TOPIC, wanted as unknown as JsonValue, { timeoutMs: TIMEOUT_MS });
      return (answer as unknown as T | null) ?? undefined;
    } catch (error) {
      if (isGone(error)) {
        return undefined;
      }
      throw error;
    }
  };
  const readText = async (what: 'json' | 'content') => {
    let text = '';
    let of: number;
    do {
      const piece = stillThere(await ask<Piece>({ ...output, what, from: text.length }));
      text += piece.text;
      of = piece.of;
    } while (text.length < of);
    return text;
  };

  const place = await ask<Place>({ ...output, what: 'place', ...(position && { position }) });
  return (
    place && {
      ...place,
      part: async (at, budget) => stillThere(await ask<OutputPart>({ ...output, what: 'part', position: at, budget })),
      whole: async () => ({ json: await readText('json'), content: JSON.parse(await readText('content')) }),
    }
  );
}

function read(kept: KeptOutput, wanted: Wanted): Place | OutputPart | Piece | undefined {
  switch (wanted.what) {
    case 'place':
      return wanted.position && !hasPartAt(kept, wanted.position) ? undefined : { actionId: kept.actionId };
    case 'part':
      return partAt(kept, wanted.position, wanted.budget);
    case 'json':
      return pieceOf(kept.json, wanted.from);
    case 'content':
      return pieceOf(JSON.stringify(kept.content), wanted.from);
  }
}

function pieceOf(text: string, from: number): Piece {
  return { text: text.slice(from, from + PIECE_CHARACTERS), of: text.length };
}

function stillThere<T>(found: T | undefined): T {
  if (found === undefined) {
    throw new NotFoundError('This output is not kept any more');
  }
  return found;
}
