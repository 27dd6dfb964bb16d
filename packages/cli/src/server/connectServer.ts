import type { Authorization } from '../auth/Authorization.js';
import { GivenToken } from '../auth/Authorization.js';
import { authorizedFetch } from '../auth/authorizedFetch.js';
import { CredentialStore } from '../auth/CredentialStore.js';
import { openBrowser } from '../auth/openBrowser.js';
import { SignIn } from '../auth/SignIn.js';
import { stateFolder } from '../auth/stateFolder.js';
import type { Surroundings } from '../Surroundings.js';
import { createHttpClient, type Fetch } from './httpClient.js';
import type { ServerOptions } from './serverOptions.js';

/** A way to a server, with what it takes to be let in. */
export interface ServerAccess {
  readonly fetch: Fetch;
  readonly authorization: Authorization;
  close(): Promise<void>;
}

export function openCredentialStore(surroundings: Surroundings): CredentialStore {
  return new CredentialStore({ folder: stateFolder(surroundings) });
}

/**
 * @param options.say - told where the sign-in page is.
 * @param options.isInteractive - whether a person can be sent to a page.
 */
export function accessServer(
  server: ServerOptions,
  surroundings: Surroundings,
  options: { say: (text: string) => void; isInteractive: boolean; signal: AbortSignal },
): ServerAccess {
  const http = createHttpClient();
  const authorization = server.token
    ? new GivenToken(server.token)
    : createSignIn(server, surroundings, { ...options, fetch: http.fetch });
  return {
    fetch: authorizedFetch(http.fetch, authorization),
    authorization,
    close: () => http.close(),
  };
}

export function createSignIn(
  server: ServerOptions,
  surroundings: Surroundings,
  options: { say: (text: string) => void; isInteractive: boolean; signal: AbortSignal; fetch: Fetch },
): SignIn {
  const { say, isInteractive, signal, fetch } = options;
  const showPage = async (page: URL) => {
    const isOpen = server.browser && (await openBrowser(page, surroundings));
    say(
      `${isOpen ? 'Sign in and approve in the browser. If no page has opened, go to' : 'To sign in and approve, go to'}:\n${page.href}`,
    );
  };
  return new SignIn({
    url: server.urls.mcp,
    store: openCredentialStore(surroundings),
    fetch,
    ...(isInteractive && { showPage }),
    ...(server.clientId && { clientId: server.clientId }),
    ...(server.callbackPort && { callbackPort: server.callbackPort }),
    now: surroundings.now,
    signal,
  });
}
