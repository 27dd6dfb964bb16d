import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, describeCause, exitCodes, UnreachableError } from '../errors.js';
import type { Fetch } from '../server/httpClient.js';

const POLL_MS = 50;
const ANSWER_TIMEOUT_MS = 5_000;
/** A port at which nothing but HTTP is spoken answers the first request already. */
const MAX_STRANGE_ANSWERS = 20;

/**
 * Waits until every plugin of a backend is ready.
 *
 * @param options.limitMs - how long that may take.
 * @throws UnreachableError if it takes longer, or if something else than HTTP is spoken.
 */
export async function waitUntilReady(options: {
  origin: string;
  fetch: Fetch;
  limitMs: number;
  signal: AbortSignal;
}): Promise<void> {
  const { origin, fetch, limitMs, signal } = options;
  const giveUpAtMs = Date.now() + limitMs;
  let strangeAnswers = 0;
  let state = 'nothing listens there';
  while (Date.now() < giveUpAtMs) {
    signal.throwIfAborted();
    try {
      const { status, body } = await fetch(`${origin}/.backstage/health/v1/readiness`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await body?.cancel();
      // A backend without this route listens when it is ready.
      if (status === 200 || status === 404) {
        return;
      }
      state = `it answers with HTTP ${status}`;
    } catch (error) {
      signal.throwIfAborted();
      state = describeCause(error);
      strangeAnswers += state.includes('ECONNREFUSED') ? 0 : 1;
    }
    if (strangeAnswers >= MAX_STRANGE_ANSWERS) {
      throw new UnreachableError(
        `The backend does not speak HTTP at ${origin}: ${state}. Leave out backend.https, or set it to null in a file for --config`,
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new UnreachableError(
    `The backend was not ready at ${origin} within ${limitMs / 1_000} seconds: ${state}. Does the file start a Backstage backend?`,
  );
}

/** @throws CliError if there is no MCP server at the URL, or none that lets the caller in. */
export async function checkServer(options: { url: URL; serverKey?: string; fetch: Fetch }): Promise<void> {
  const { url, serverKey, fetch } = options;
  const { status, body } = await fetch(url, {
    headers: { Accept: 'text/event-stream' },
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  await body?.cancel();
  if (status === 404) {
    throw new CliError(
      serverKey === undefined
        ? `The backend has no MCP server at ${url.pathname}: add @callboard/plugin-mcp-actions-backend to it`
        : `--server: the backend has no MCP server ${JSON.stringify(serverKey)}; they are in mcpActions.servers`,
      { exitCode: serverKey === undefined ? exitCodes.failed : exitCodes.usage },
    );
  }
  if (status === 401 || status === 403) {
    throw new CliError(
      `The backend refuses the token that was made for this run (HTTP ${status}): is backend.auth.externalAccess used?`,
      { exitCode: exitCodes.notAllowed },
    );
  }
}
