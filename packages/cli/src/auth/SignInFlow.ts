import { randomBytes } from 'node:crypto';
import type {
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import { NotAllowedError } from '../errors.js';
import { isLoopback } from '../server/serverUrl.js';
import type { CallbackServer } from './CallbackServer.js';
import type { CredentialStore, Credentials } from './CredentialStore.js';

/** How a person is shown the page to sign in and approve on. */
export type ShowPage = (url: URL) => void | Promise<void>;

/** One time of asking for tokens, as the SDK sees it. */
export class SignInFlow implements OAuthClientProvider {
  readonly #store: CredentialStore;
  readonly #callback: CallbackServer;
  readonly #clientId: string | undefined;
  readonly #mayRefresh: boolean;
  readonly #now: () => number;
  readonly #showPage: ShowPage | undefined;
  readonly #state = randomBytes(24).toString('base64url');
  #kept: Credentials;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  constructor(options: {
    store: CredentialStore;
    kept: Credentials;
    callback: CallbackServer;
    clientId: string | undefined;
    mayRefresh: boolean;
    now: () => number;
    showPage: ShowPage | undefined;
  }) {
    this.#store = options.store;
    this.#kept = options.kept;
    this.#callback = options.callback;
    this.#clientId = options.clientId;
    this.#mayRefresh = options.mayRefresh;
    this.#now = options.now;
    this.#showPage = options.showPage;
  }

  get redirectUrl(): string {
    return this.#callback.redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: 'Callboard CLI',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    return this.#state;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    if (this.#clientId) {
      return { client_id: this.#clientId };
    }
    // A registration is for the address that it was made with; refreshing does not go by it.
    const isForHere =
      this.#kept.callbackPort === this.#callback.port || (this.#mayRefresh && this.#kept.tokens?.refresh_token);
    return isForHere ? this.#kept.client : undefined;
  }

  async saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    if (!this.#clientId) {
      await this.#keep({ client, callbackPort: this.#callback.port });
    }
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#kept.tokens;
  }

  async saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    const { revocation_endpoint: revocationEndpoint } = (this.#discovery?.authorizationServerMetadata ?? {}) as {
      revocation_endpoint?: unknown;
    };
    await this.#keep({
      // A server that gives no new refresh token lets the old one stand (RFC 6749 §6).
      tokens: {
        ...(this.#kept.tokens?.refresh_token && { refresh_token: this.#kept.tokens.refresh_token }),
        ...tokens,
      },
      expiresAtMs: tokens.expires_in === undefined ? undefined : this.#now() + tokens.expires_in * 1000,
      ...(typeof revocationEndpoint === 'string' && { revocationEndpoint }),
    });
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    if (!this.#showPage) {
      throw notSignedIn(this.#kept.url);
    }
    // The server has named it, and programs of the person open whatever they are given.
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
      throw new NotAllowedError(
        `The server wants to have ${url.protocol}//${url.host} opened to sign in: expected https`,
      );
    }
    await this.#showPage(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#discovery = discovery;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  async invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): Promise<void> {
    if (scope === 'all' || scope === 'client') {
      await this.#keep({ client: undefined });
    }
    if (scope === 'all' || scope === 'tokens') {
      await this.#keep({ tokens: undefined, expiresAtMs: undefined });
    }
  }

  async #keep(changes: Partial<Credentials>): Promise<void> {
    this.#kept = { ...this.#kept, ...changes };
    await this.#store.save(this.#kept);
  }
}

export function notSignedIn(url: string): NotAllowedError {
  return new NotAllowedError(
    `Not signed in to ${url}: run "callboard login --url ${url}", or give a token in CALLBOARD_TOKEN`,
  );
}
