import { AuthenticationError } from '@backstage/errors';
import type { ActionScope } from '@callboard/actions-api';
import type { KeyRing } from '../engine/KeyRing.js';
import type { RecordStore } from '../engine/RecordStore.js';
import type { Resources } from '../engine/resources.js';
import { expandScopes } from '../engine/scopes.js';
import { issueUserToken } from '../engine/userTokens.js';
import type { ExternalIssuers } from './ExternalIssuers.js';
import type { SqlGrants } from './SqlGrants.js';

/** Of a Backstage token that stands for an identity provider's token, however long that one lives. */
const MAX_USER_TOKEN_SECONDS = 3_600;

/** What an access token stands for. */
export interface ExchangedToken {
  /** A Backstage user token that is valid for as long as the access token. */
  token: string;
  expiresAt: string;
  subject: string;
  clientId: string;
  clientName: string;
  /** With those that the granted ones imply. */
  scopes: ActionScope[];
  grantId: string;
}

/** Turns the access token of an MCP client into the token of the person who granted it. */
export class TokenExchange {
  readonly #issuer: string;
  readonly #keys: KeyRing;
  readonly #store: RecordStore;
  readonly #grants: SqlGrants;
  readonly #resources: Resources;
  readonly #externalIssuers: ExternalIssuers;
  readonly #now: () => number;

  constructor(options: {
    issuer: string;
    keys: KeyRing;
    store: RecordStore;
    grants: SqlGrants;
    resources: Resources;
    externalIssuers: ExternalIssuers;
    now: () => number;
  }) {
    this.#issuer = options.issuer;
    this.#keys = options.keys;
    this.#store = options.store;
    this.#grants = options.grants;
    this.#resources = options.resources;
    this.#externalIssuers = options.externalIssuers;
    this.#now = options.now;
  }

  /** @throws AuthenticationError if the token is not good for the resource, for whatever reason. */
  async exchange(options: { token: string; resource: string }): Promise<ExchangedToken> {
    const resource = this.#resources.find(options.resource);
    if (!resource) {
      throw new AuthenticationError('The resource is not one of this server');
    }
    return (await this.#externalIssuers.hasIssued(options.token))
      ? this.#exchangeExternal(options.token, resource.url)
      : this.#exchangeOwn(options.token, resource.url);
  }

  async #exchangeOwn(token: string, resource: string): Promise<ExchangedToken> {
    const claims = await this.#verify(token, resource);
    const { sub, jti, exp, scope, client_id: clientId, grant_id: grantId } = claims;
    const [record, grant, hasGrant] = await Promise.all([
      this.#store.find('AccessToken', jti),
      this.#grants.find(grantId),
      this.#store.hasGrant(grantId),
    ]);
    // The record goes when the token is revoked; the grant's also covers a token that was just being saved.
    if (!record || !grant || !hasGrant) {
      throw new AuthenticationError('The access token was revoked');
    }
    await this.#grants.markUsed(grantId);
    return {
      ...(await this.#issue(sub, exp)),
      clientId,
      clientName: grant.clientName,
      scopes: expandScopes(scope),
      grantId,
    };
  }

  async #exchangeExternal(token: string, resource: string): Promise<ExchangedToken> {
    const { userEntityRef, clientId, scopes, expiresAt } = await this.#externalIssuers.verify(token, resource);
    const latest = Math.floor(this.#now() / 1000) + MAX_USER_TOKEN_SECONDS;
    return {
      ...(await this.#issue(userEntityRef, Math.min(expiresAt, latest))),
      clientId,
      clientName: clientId,
      scopes,
      grantId: `external:${clientId}`,
    };
  }

  async #issue(
    userEntityRef: string,
    expiresAt: number,
  ): Promise<Pick<ExchangedToken, 'token' | 'expiresAt' | 'subject'>> {
    const issuedAt = Math.floor(this.#now() / 1000);
    const token = await issueUserToken({
      keys: this.#keys,
      issuer: this.#issuer,
      userEntityRef,
      issuedAt,
      expiresAt,
    });
    return { token, expiresAt: new Date(expiresAt * 1000).toISOString(), subject: userEntityRef };
  }

  async #verify(token: string, audience: string) {
    try {
      const claims = await this.#keys.verify(token, { typ: 'at+jwt', issuer: this.#issuer, audience });
      return claims as {
        sub: string;
        jti: string;
        exp: number;
        scope: string;
        client_id: string;
        grant_id: string;
      };
    } catch (error) {
      throw new AuthenticationError('The access token is malformed, expired, or for another resource', error as Error);
    }
  }
}
