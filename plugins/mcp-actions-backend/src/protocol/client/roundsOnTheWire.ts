import type { JsonObject, JsonValue } from '@backstage/types';
import { ApprovalQuestion } from '@callboard/actions';
import type { Approval } from '@callboard/actions-api';
import { ProtocolError } from '@modelcontextprotocol/server';
import type { ClientRequests } from './McpCallClient.js';
import type { Round } from './RoundTripCall.js';

/** A round of a call on its way from the replica where the call runs to the one that the request came to. */
type WrittenRound =
  /** No call waits for these answers. */
  | { readonly kind: 'late' }
  | { readonly kind: 'asked'; readonly requests: ClientRequests; readonly round: number }
  | { readonly kind: 'ended'; readonly outcome: unknown }
  /** It ended with the question whether it may run. */
  | { readonly kind: 'approval'; readonly approval: Approval; readonly question: string }
  | { readonly kind: 'failed'; readonly code: number; readonly message: string; readonly data?: unknown };

export function writeRound(round: Round<unknown> | undefined): JsonValue {
  return toJson(round === undefined ? { kind: 'late' } : round.kind === 'asked' ? round : writeOutcome(round.outcome));
}

/** @param error - a ProtocolError, which is what requests fail with. */
export function writeFailure({ code, message, data }: ProtocolError): JsonValue {
  return toJson({ kind: 'failed', code, message, data });
}

/**
 * @returns undefined where no call waits for the answers.
 * @throws ProtocolError as the client would have got it from the other replica.
 */
export function readRound<TOutcome>(json: string): Round<TOutcome> | undefined {
  const written = JSON.parse(json) as WrittenRound;
  switch (written.kind) {
    case 'late':
      return undefined;
    case 'asked':
      return written;
    case 'ended':
      return { kind: 'ended', outcome: written.outcome as TOutcome };
    case 'approval':
      return { kind: 'ended', outcome: new ApprovalQuestion(written.approval, written.question) as TOutcome };
    case 'failed':
      throw new ProtocolError(written.code, written.message, written.data);
  }
}

function writeOutcome(outcome: unknown): WrittenRound {
  return outcome instanceof ApprovalQuestion
    ? { kind: 'approval', approval: outcome.approval, question: outcome.question }
    : { kind: 'ended', outcome };
}

/** What cannot be JSON fails in the answer to the client, too. */
function toJson(written: WrittenRound): JsonObject {
  return written as unknown as JsonObject;
}
