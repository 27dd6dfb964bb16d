import {
  type AnsweredSecrets,
  type ApprovalQuestion,
  type SecretsDesk,
  SecretsQuestion,
  toAbortSignal,
} from '@callboard/actions';
import type { ServerContext } from '@modelcontextprotocol/server';
import type { ClientSide } from '../protocol/ClientSide.js';
import { MAX_WAIT_MS } from '../protocol/client/limits.js';

/** Of the question among the input requests of an answer. */
const QUESTION_KEY = 'secrets';
/** A client of the 2026 era is answered after so long, before anything in between gives its request up. */
const ROUND_MS = 25_000;
/** After so many answers it is told the page otherwise: the SDK's clients give a call up after 10, of which an approval may need one. */
const MAX_ROUNDS = 8;

type Attempt<TOutcome> = (side: ClientSide) => Promise<TOutcome>;
type Answer = AnsweredSecrets['answer'];

/**
 * Has the client show a person the page on which the secrets of a call are entered, and makes the next
 * attempt when they are there (MCP 2025-11-25 and 2026-07-28, elicitation in URL mode).
 */
export function askingForSecrets<TResult extends object>(options: {
  desk: SecretsDesk;
  ctx: ServerContext;
  attempt: Attempt<TResult | ApprovalQuestion | SecretsQuestion>;
}): Attempt<TResult | ApprovalQuestion> {
  const { desk, ctx, attempt } = options;
  return async side => {
    const outcome = await attempt(side);
    if (!(outcome instanceof SecretsQuestion)) {
      return outcome;
    }
    const asking = side.era === 'modern' ? askInRounds(outcome, side, desk) : askInSession(outcome, ctx, desk);
    const answer = await asking.catch((error): Answer => {
      if (side.signal.aborted) {
        throw error;
      }
      // It said that it could show the page, and cannot: the person has to be told of it otherwise.
      return 'unavailable';
    });
    const next = await attempt({ ...side, answeredSecrets: { id: outcome.id, answer } });
    if (next instanceof SecretsQuestion) {
      throw new Error('A call whose question was answered asks again');
    }
    return next;
  };
}

/** The 2025 era: a request of the server's own, and a notice when the person is done with the page. */
async function askInSession(
  { id, question, secrets }: SecretsQuestion,
  { mcpReq }: ServerContext,
  desk: SecretsDesk,
): Promise<Answer> {
  const waitMs = Math.max(1, Math.min(Date.parse(secrets.expiresAt) - Date.now(), MAX_WAIT_MS));
  const done = new AbortController();
  const signal = AbortSignal.any([mcpReq.signal, done.signal]);
  const entered = desk.whenEntered(id, { signal, timeoutMs: waitMs });
  const answered = mcpReq
    .send(
      {
        method: 'elicitation/create',
        params: { mode: 'url', message: question, url: secrets.url, elicitationId: id },
      },
      { signal, timeout: waitMs },
    )
    .then(({ action }) => action);
  // Whichever of them comes too late is of no interest.
  entered.catch(() => {});
  answered.catch(() => {});
  try {
    // Some clients answer when the person is done, some when the page is open.
    const first = await Promise.race([entered, answered]);
    if (first === 'decline' || first === 'cancel') {
      return first;
    }
    if (await entered) {
      const params = { elicitationId: id };
      await mcpReq.notify({ method: 'notifications/elicitation/complete', params }).catch(() => {});
    }
    return 'accept';
  } finally {
    done.abort();
  }
}

/** The 2026 era: the client is shown the same page with every answer until the secrets are there, or it has been often enough. */
async function askInRounds(
  { id, question, secrets }: SecretsQuestion,
  { client, signal }: ClientSide,
  desk: SecretsDesk,
): Promise<Answer> {
  if (!client) {
    return 'unavailable';
  }
  const params = { mode: 'url', message: question, url: secrets.url } as const;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    const answers = await client.ask({ [QUESTION_KEY]: { method: 'elicitation/create', params } });
    const { action } = answers[QUESTION_KEY] as { action: Answer };
    if (action !== 'accept') {
      return action;
    }
    const isEntered = await desk.whenEntered(id, { signal: toAbortSignal(signal), timeoutMs: ROUND_MS });
    if (isEntered || !(await desk.find(id))) {
      break;
    }
  }
  return 'accept';
}
