import { createHash } from 'node:crypto';
import type { AuthService, BackstageCredentials, DiscoveryService } from '@backstage/backend-plugin-api';
import { AuthenticationError, ServiceUnavailableError } from '@backstage/errors';
import * as z from 'zod';

const TIMEOUT_MS = 5_000;
/** A revoked grant ends access within this time. */
const KEPT_MS = 10_000;
const MAX_KEPT = 10_000;

/** What a person has let a client do, as the authorization server tells it. */
export interface Grant {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
}

export interface Access {
  /** The person's own Backstage token. */
  readonly userToken: string;
  readonly credentials: BackstageCredentials;
  readonly grant: Grant;
}

const answerSchema = z.object({
  token: z.string(),
  expiresAt: z.iso.datetime(),
  clientId: z.string(),
  clientName: z.string(),
  scopes: z.array(z.string()),
});

/**
 * Turns access tokens for an MCP server into credentials. Such a token is worth nothing anywhere
 * else: the authorization server (plugin `auth`) exchanges it, for this plugin only, for the token
 * of the person who granted it, with which actions act on their behalf.
 */
export class AccessTokens {
  readonly #auth: AuthService;
  readonly #discovery: DiscoveryService;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, { access: Promise<Access>; untilMs: number }>();

  constructor(options: { auth: AuthService; discovery: DiscoveryService; nowMs?: () => number }) {
    this.#auth = options.auth;
    this.#discovery = options.discovery;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /**
   * Whether a bearer token can be one of these: `yes` for the type of RFC 9068 §2.1, `maybe` for
   * other JWTs that are not Backstage's, since some identity providers give theirs no type.
   */
  static kindOf(token: string): 'yes' | 'maybe' | 'no' {
    const [header, , signature] = token.split('.');
    if (!header || !signature) {
      return 'no';
    }
    try {
      const { typ } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
      if (typ === 'at+jwt' || typ === 'application/at+jwt') {
        return 'yes';
      }
      return String(typ).startsWith('vnd.backstage.') ? 'no' : 'maybe';
    } catch {
      return 'no';
    }
  }

  /**
   * @param resource - the external URL of the MCP server that the token was presented to.
   * @throws AuthenticationError if it is not good, there; ServiceUnavailableError if that cannot be told.
   */
  exchange(token: string, resource: string): Promise<Access> {
    const key = createHash('sha256').update(`${resource}\n${token}`).digest('base64');
    const kept = this.#kept.get(key);
    if (kept && this.#nowMs() < kept.untilMs) {
      return kept.access;
    }
    const entry = { untilMs: this.#nowMs() + KEPT_MS, access: this.#ask(token, resource) };
    this.#keep(key, entry);
    entry.access.then(
      ({ expiresAtMs }) => {
        entry.untilMs = Math.min(entry.untilMs, expiresAtMs);
      },
      () => this.#kept.delete(key),
    );
    return entry.access;
  }

  #keep(key: string, entry: { access: Promise<Access>; untilMs: number }): void {
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest as string);
    }
  }

  async #ask(token: string, resource: string): Promise<Access & { expiresAtMs: number }> {
    const { token: ownToken } = await this.#auth.getPluginRequestToken({
      onBehalfOf: await this.#auth.getOwnServiceCredentials(),
      targetPluginId: 'auth',
    });
    const url = `${await this.#discovery.getBaseUrl('auth')}/v1/mcp-token`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ownToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, resource }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch(error => {
      throw new ServiceUnavailableError('The authorization server does not answer', error);
    });
    if (response.status === 401 || response.status === 404) {
      throw new AuthenticationError('The access token is not good for this server');
    }
    if (!response.ok) {
      throw new ServiceUnavailableError(`The authorization server answered ${response.status}`);
    }
    const { token: userToken, expiresAt, ...grant } = answerSchema.parse(await response.json());
    return {
      userToken,
      credentials: await this.#auth.authenticate(userToken),
      grant,
      expiresAtMs: Date.parse(expiresAt),
    };
  }
}
