import { AuthenticationError, ServiceUnavailableError } from '@backstage/errors';
import type { ActionScope } from '@callboard/actions-api';
import type * as jose from 'jose';
import * as z from 'zod';
import type { AuthConfig } from '../config.js';
import type { Resources } from '../engine/resources.js';
import { expandScopes } from '../engine/scopes.js';

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512', 'EdDSA'];
const FETCH_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_SECONDS = 30;
/** Names of entities, as Backstage checks them. */
const ENTITY_NAME = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;
const ENTITY_REF = /^[a-z0-9]+:[a-z0-9-]+\/[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

type ExternalIssuer = AuthConfig['externalIssuers'][number];

/** What an identity provider's token says, in our words. */
export interface ExternalAccess {
  userEntityRef: string;
  clientId: string;
  scopes: ActionScope[];
  /** Seconds since the epoch. */
  expiresAt: number;
}

const metadataSchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/** Takes access tokens of the identity providers that the configuration names. */
export class ExternalIssuers {
  readonly #issuers: ReadonlyMap<string, ExternalIssuer>;
  readonly #resources: Resources;
  readonly #now: () => number;
  readonly #keySets = new Map<string, Promise<jose.JWTVerifyGetKey>>();

  constructor(options: { issuers: readonly ExternalIssuer[]; resources: Resources; now: () => number }) {
    this.#issuers = new Map(options.issuers.map(issuer => [issuer.issuer, issuer]));
    this.#resources = options.resources;
    this.#now = options.now;
  }

  /** Whether a token says that one of them issued it; nothing is verified. */
  async hasIssued(token: string): Promise<boolean> {
    return (await this.#findIssuer(token)) !== undefined;
  }

  /**
   * @param resource - the canonical URL of the MCP server that the token was presented to.
   * @throws AuthenticationError if it is not good there; ServiceUnavailableError if the issuer does not answer.
   */
  async verify(token: string, resource: string): Promise<ExternalAccess> {
    const issuer = await this.#findIssuer(token);
    if (!issuer) {
      throw new AuthenticationError('The issuer of the token is unknown');
    }
    // An audience that is an MCP server of ours is that one; any other stands for all of them.
    const bound = this.#resources.find(issuer.audience);
    if (bound && bound.url !== resource) {
      throw new AuthenticationError('The token is for another resource');
    }
    const claims = await this.#verifyClaims(token, issuer);
    const scopes = readScopes(claims, issuer.claims.scopes);
    if (scopes.length === 0) {
      throw new AuthenticationError('The token names no scope of this server');
    }
    return {
      userEntityRef: readUser(claims, issuer.claims),
      clientId: String(claims.client_id ?? claims.azp ?? claims.cid ?? issuer.issuer),
      scopes,
      expiresAt: claims.exp as number,
    };
  }

  async #findIssuer(token: string): Promise<ExternalIssuer | undefined> {
    if (this.#issuers.size === 0) {
      return undefined;
    }
    const { decodeJwt } = await import('jose');
    try {
      return this.#issuers.get(decodeJwt(token).iss ?? '');
    } catch {
      // No JWT, so none of theirs.
      return undefined;
    }
  }

  async #verifyClaims(token: string, { issuer, audience }: ExternalIssuer): Promise<jose.JWTPayload> {
    const keySet = await this.#keySetOf(issuer);
    const { jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#now()),
      });
      return payload;
    } catch (error) {
      throw new AuthenticationError('The token is malformed, expired, or for somebody else', error as Error);
    }
  }

  #keySetOf(issuer: string): Promise<jose.JWTVerifyGetKey> {
    const known = this.#keySets.get(issuer);
    if (known) {
      return known;
    }
    const keySet = findKeySet(issuer).catch(error => {
      this.#keySets.delete(issuer);
      throw new ServiceUnavailableError(`The identity provider ${issuer} does not answer as expected`, error);
    });
    this.#keySets.set(issuer, keySet);
    return keySet;
  }
}

async function findKeySet(issuer: string): Promise<jose.JWTVerifyGetKey> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  const metadata = metadataSchema.parse(await response.json());
  // OpenID Connect Discovery 1.0 §4.3: otherwise one provider could speak for another.
  if (metadata.issuer !== issuer) {
    throw new Error(`expected the issuer ${issuer}, got ${metadata.issuer}`);
  }
  const { createRemoteJWKSet } = await import('jose');
  return createRemoteJWKSet(new URL(metadata.jwks_uri), { timeoutDuration: FETCH_TIMEOUT_MS });
}

function readUser(claims: jose.JWTPayload, names: ExternalIssuer['claims']): string {
  if (names.userEntityRef !== undefined) {
    const ref = String(claims[names.userEntityRef] ?? '').toLowerCase();
    if (!ENTITY_REF.test(ref) || !ref.startsWith('user:')) {
      throw new AuthenticationError(`The claim ${names.userEntityRef} of the token is no user's entity ref`);
    }
    return ref;
  }
  const claim = names.userName ?? 'preferred_username';
  const name = String(claims[claim] ?? '').toLowerCase();
  if (!ENTITY_NAME.test(name)) {
    throw new AuthenticationError(`The claim ${claim} of the token is no name of a user`);
  }
  return `user:default/${name}`;
}

/** Some providers send a list, some call it `scp`, and some allow no colon in a scope. */
function readScopes(claims: jose.JWTPayload, name: string | undefined): ActionScope[] {
  const value = name === undefined ? (claims.scope ?? claims.scp) : claims[name];
  const scopes = Array.isArray(value) ? value.map(String) : String(value ?? '').split(' ');
  return expandScopes(scopes.map(scope => scope.replace(/^actions\./, 'actions:')).join(' '));
}
