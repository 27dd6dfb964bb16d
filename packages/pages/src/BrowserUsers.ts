import type { AuthService, BackstageCredentials, DiscoveryService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import type { Request } from 'express';
import { getText } from './getText.js';
import { readSessionId, sessionCookieOf } from './sessionCookie.js';

const TIMEOUT_MS = 10_000;

/** Who sits at a browser, as far as the auth plugin can say. */
export type BrowserUser =
  | {
      readonly state: 'signed-in';
      readonly credentials: BackstageCredentials;
      /** Known to this browser and to nobody else: what its forms carry is derived from it. */
      readonly secret: string;
    }
  | { readonly state: 'signed-out' }
  /** There is no auth plugin with sign-in pages here. */
  | { readonly state: 'no-sign-in' };

/** Asks the auth plugin who is signed in in a browser. */
export class BrowserUsers {
  readonly #auth: AuthService;
  readonly #discovery: DiscoveryService;
  readonly #baseUrl: string;
  readonly #fetch: typeof fetch;

  /** @param options.baseUrl - External URL under which the pages are served. */
  constructor(options: { auth: AuthService; discovery: DiscoveryService; baseUrl: string; fetch?: typeof fetch }) {
    this.#auth = options.auth;
    this.#discovery = options.discovery;
    this.#baseUrl = options.baseUrl;
    this.#fetch = options.fetch ?? fetch;
  }

  /** @throws ServiceUnavailableError if the auth plugin does not answer as it should. */
  async identify(req: Request): Promise<BrowserUser> {
    const secret = readSessionId(req, sessionCookieOf(this.#baseUrl));
    // Asked without a cookie as well: whether there is anything to sign in to is known only then.
    const { status, body } = await this.#ask(secret ?? 'none');
    if (status === 200 && typeof body?.token === 'string' && secret !== undefined) {
      return { state: 'signed-in', credentials: await this.#auth.authenticate(body.token), secret };
    }
    return { state: isSignedOut(status, body) ? 'signed-out' : 'no-sign-in' };
  }

  /**
   * Whether there is an auth plugin here at which people sign in.
   *
   * @throws ServiceUnavailableError as `identify` does.
   */
  async haveSignIn(): Promise<boolean> {
    // Every start asks this, of whom it is no secret: neither a token nor `fetch` need be made ready for it.
    const url = await this.#sessionUrl();
    const { status, text } = await this.#answer(() => getText(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
    return status === 200 && parseJson(text)?.signIn === true;
  }

  /** Where people sign in, and are sent back to a path of these pages. */
  async signInUrl(returnTo: string): Promise<string> {
    const base = await this.#discovery.getExternalBaseUrl('auth');
    return `${base}/sign-in?${new URLSearchParams({ return_to: returnTo })}`;
  }

  async #ask(session: string): Promise<{ status: number; body: SessionAnswer | undefined }> {
    const { token } = await this.#auth.getPluginRequestToken({
      onBehalfOf: await this.#auth.getOwnServiceCredentials(),
      targetPluginId: 'auth',
    });
    const url = await this.#sessionUrl();
    const { status, text } = await this.#answer(async () => {
      const response = await this.#fetch(url, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ session }),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, text: await response.text() };
    });
    return { status, body: parseJson(text) };
  }

  async #answer(ask: () => Promise<{ status: number; text: string }>): Promise<{ status: number; text: string }> {
    const answer = await ask().catch(error => {
      throw new ServiceUnavailableError('The auth plugin does not answer. Try again.', error);
    });
    if (answer.status >= 500) {
      throw new ServiceUnavailableError('Who is signed in cannot be found out at the moment. Try again.');
    }
    return answer;
  }

  async #sessionUrl(): Promise<string> {
    return `${await this.#discovery.getBaseUrl('auth')}/v1/browser-session`;
  }
}

interface SessionAnswer {
  readonly signIn?: unknown;
  readonly token?: unknown;
  readonly error?: unknown;
}

function isSignedOut(status: number, body: SessionAnswer | undefined): boolean {
  return status === 401 && body?.error === 'not_signed_in';
}

function parseJson(text: string): SessionAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // A page of some other plugin; what matters then is the status.
    return undefined;
  }
}
