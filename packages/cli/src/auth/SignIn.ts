import { describeCause, NotAllowedError } from '../errors.js';
import type { Fetch } from '../server/httpClient.js';
import type { Authorization } from './Authorization.js';
import { CallbackServer } from './CallbackServer.js';
import type { CredentialStore } from './CredentialStore.js';
import { notSignedIn, type ShowPage, SignInFlow } from './SignInFlow.js';

/** Tokens are renewed this long before they end. */
const MARGIN_MS = 30_000;
/** As long as the authorization server of Callboard waits for a person. */
const MAX_WAIT_MS = 60 * 60_000;

/**
 * Tokens of a person: kept, renewed, and asked for in the browser (MCP authorization: discovery,
 * dynamic registration, PKCE, loopback redirect). The SDK that does it is loaded when a token does not do.
 */
export class SignIn implements Authorization {
  readonly #url: URL;
  readonly #store: CredentialStore;
  readonly #fetch: Fetch;
  readonly #showPage: ShowPage | undefined;
  readonly #clientId: string | undefined;
  readonly #callbackPort: number | undefined;
  readonly #now: () => number;
  readonly #signal: AbortSignal;
  readonly #underWay = new Map<string, Promise<boolean>>();

  constructor(options: {
    url: URL;
    store: CredentialStore;
    fetch: Fetch;
    showPage?: ShowPage;
    clientId?: string;
    callbackPort?: number;
    now: () => number;
    signal: AbortSignal;
  }) {
    this.#url = options.url;
    this.#store = options.store;
    this.#fetch = options.fetch;
    this.#showPage = options.showPage;
    this.#clientId = options.clientId;
    this.#callbackPort = options.callbackPort;
    this.#now = options.now;
    this.#signal = options.signal;
  }

  async token(): Promise<string | undefined> {
    const kept = await this.#store.find(this.#url.href);
    if (kept?.tokens?.refresh_token && kept.expiresAtMs !== undefined && kept.expiresAtMs - MARGIN_MS < this.#now()) {
      await this.#once({ usedToken: kept.tokens.access_token }).catch(() => {
        // The server says what it thinks of the old one.
      });
      return (await this.#store.find(this.#url.href))?.tokens?.access_token;
    }
    return kept?.tokens?.access_token;
  }

  async renew(refusal: Response, usedToken: string | undefined, isAwaited: boolean): Promise<boolean> {
    const { extractWWWAuthenticateParams } = await import('@modelcontextprotocol/client');
    const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(refusal);
    if (refusal.status === 403 && error !== 'insufficient_scope') {
      return false;
    }
    return this.#once({
      usedToken,
      resourceMetadataUrl,
      scope,
      widens: refusal.status === 403,
      isInteractive: isAwaited,
    });
  }

  /** Signs in afresh, whatever is kept. */
  async signIn(): Promise<void> {
    await this.#store.lock(this.#url.href, this.#signal, () => this.#authorize({ force: true, isInteractive: true }));
  }

  /** Requests that fail together in the same way renew together; the others one after the other. */
  #once(wish: Renewal): Promise<boolean> {
    const way = JSON.stringify([wish.isInteractive === true, wish.widens ? wish.scope : '']);
    let renewal = this.#underWay.get(way);
    if (!renewal) {
      renewal = this.#store
        .lock(this.#url.href, this.#signal, () => this.#renew(wish))
        .then(() => true)
        .finally(() => this.#underWay.delete(way));
      this.#underWay.set(way, renewal);
    }
    return renewal;
  }

  async #renew({ usedToken, widens = false, ...wish }: Renewal): Promise<void> {
    const tokens = (await this.#store.find(this.#url.href))?.tokens;
    const { computeScopeUnion, isStrictScopeSuperset } = await import('@modelcontextprotocol/client');
    const scope = computeScopeUnion(tokens?.scope, wish.scope);
    const lacksScope = widens && isStrictScopeSuperset(scope, tokens?.scope);
    // Another process, or another request, was faster.
    const isRenewed = tokens !== undefined && tokens.access_token !== usedToken && !lacksScope;
    if (!isRenewed) {
      // What the person has left out is asked for where it is needed, not each time that a token ends.
      await this.#authorize({ ...wish, scope: wish.scope && scope, force: lacksScope });
    }
  }

  async #authorize({ resourceMetadataUrl, scope, force = false, isInteractive = false }: Wish): Promise<void> {
    const kept = await this.#store.find(this.#url.href);
    const showPage = isInteractive ? this.#showPage : undefined;
    if (!showPage && !kept?.tokens?.refresh_token) {
      throw notSignedIn(this.#url.href);
    }
    const callback = await CallbackServer.open({
      preferredPort: this.#callbackPort ?? kept?.callbackPort,
      fixed: this.#callbackPort !== undefined,
    });
    try {
      const flow = new SignInFlow({
        store: this.#store,
        kept: kept ?? { url: this.#url.href },
        callback,
        clientId: this.#clientId,
        mayRefresh: !force,
        now: this.#now,
        showPage,
      });
      const { auth } = await import('@modelcontextprotocol/client');
      const request = { serverUrl: this.#url, fetchFn: this.#fetch as typeof fetch };
      const result = await auth(flow, {
        ...request,
        resourceMetadataUrl,
        ...(scope && { scope }),
        forceReauthorization: force,
      });
      if (result === 'REDIRECT') {
        const answer = await callback.waitFor(
          flow.state(),
          AbortSignal.any([this.#signal, AbortSignal.timeout(MAX_WAIT_MS)]),
        );
        await auth(flow, { ...request, ...readAnswer(answer) });
      }
    } catch (error) {
      if (error instanceof NotAllowedError || this.#signal.aborted) {
        throw error;
      }
      throw new NotAllowedError(`Signing in to ${this.#url.host} failed: ${describeCause(error)}`, { cause: error });
    } finally {
      callback.close();
    }
  }
}

interface Wish {
  readonly resourceMetadataUrl?: URL;
  readonly scope?: string;
  /** Not from a refresh token, which cannot give more. */
  readonly force?: boolean;
  readonly isInteractive?: boolean;
}

interface Renewal extends Wish {
  readonly usedToken: string | undefined;
  /** Whether it is a scope that the token lacks. */
  readonly widens?: boolean;
}

function readAnswer(answer: URLSearchParams): { authorizationCode: string; iss?: string } {
  const code = answer.get('code');
  if (!code) {
    const reason = answer.get('error_description') ?? answer.get('error') ?? 'no code came back';
    throw new NotAllowedError(
      answer.get('error') === 'access_denied'
        ? 'The request was denied on the sign-in page'
        : `Signing in failed: ${reason}`,
    );
  }
  const iss = answer.get('iss');
  return { authorizationCode: code, ...(iss && { iss }) };
}
