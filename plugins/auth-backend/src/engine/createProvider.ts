import { createHmac } from 'node:crypto';
import { actionScopes } from '@callboard/actions-api';
import type { Response } from 'express';
import Provider, { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { AuthConfig } from '../config.js';
import { isAllowedDocument } from '../registration/clientDocuments.js';
import { fitClientMetadata } from '../registration/clientMetadata.js';
import { supportedGrantTypes } from '../registration/grantTypes.js';
import { hashClientSecret, isClientSecret } from './clientSecrets.js';
import type { SigningKey } from './KeyRing.js';
import { KnexAdapter } from './KnexAdapter.js';
import type { RecordStore } from './RecordStore.js';
import type { Resources } from './resources.js';
import { routes } from './routes.js';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const DAY_SECONDS = 86_400;
const SESSION_SECONDS = DAY_SECONDS / 2;
/** The time that a person has for signing in and deciding. */
const INTERACTION_SECONDS = 3_600;
const CODE_SECONDS = 60;
const DEVICE_CODE_SECONDS = 600;
const REFUSALS = [
  'authorization.error',
  'device_authorization.error',
  'grant.error',
  'introspection.error',
  'registration_create.error',
  'revocation.error',
];
/** However often its tokens are refreshed, an approval is asked for again after a year. */
const GRANT_SECONDS = 365 * DAY_SECONDS;
/** A client makes one for each request; a longer life only helps whoever steals it (RFC 7523 §3). */
const MAX_ASSERTION_SECONDS = 300;
const MAX_DOCUMENT_BYTES = 64 * 1024;

/** How pages of this server look, for the two answers that the library gives to a browser itself. */
export interface BrowserAnswers {
  /** Says why a request cannot go on, when there is nowhere safe to send the browser. */
  sendError(res: Response, error: { status: number; code: string; description: string | undefined }): void;
  /** Sends the browser to an application that opens links of its own kind. */
  sendToApplication(res: Response, location: string): void;
}

export interface ProviderOptions {
  /** External URL of the plugin; all URLs are made of it, none of what a request claims. */
  issuer: string;
  config: AuthConfig;
  key: SigningKey;
  store: RecordStore;
  resources: Resources;
  fetchDocument: typeof fetch;
  answers: BrowserAnswers;
  clientLifetimeSeconds: number;
  now: () => number;
  onError: (error: Error) => void;
  /** Takes what clients did wrong, for an operator who wonders why one does not connect. */
  onRefusal: (error: Error) => void;
}

/** Configures `oidc-provider`. Its keys are fixed, so there is a new one for each signing key. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, store, clientLifetimeSeconds, now } = options;
  const { refreshGraceSeconds } = options.config.tokens;
  const successorSalts = new WeakMap<object, string>();

  const provider = new Provider(issuer, {
    ...createConfiguration(options),
    adapter: (model: string) =>
      new KnexAdapter({
        model,
        store,
        graceSeconds: refreshGraceSeconds,
        clientLifetimeSeconds,
        now,
        onConsumed: salt => {
          const ctx = Provider.ctx;
          if (ctx) {
            successorSalts.set(ctx, salt);
          }
        },
      }),
  });
  // Koa reads the forwarded headers, which `mountProvider` has overwritten with the external URL.
  provider.proxy = true;
  compareHashedSecrets(provider);
  deriveSuccessors(provider, successorSalts);
  provider.use(async (ctx, next) => {
    await next();
    const location = ctx.response.get('location');
    if (location && !/^(https?:|\/)/i.test(location)) {
      ctx.respond = false;
      ctx.res.removeHeader('location');
      options.answers.sendToApplication(ctx.res as Response, location);
    }
  });
  provider.use(async (ctx, next) => {
    await next();
    await burnMisusedCode(ctx as KoaContextWithOIDC, store);
  });
  provider.on('server_error', (_ctx, error) => options.onError(error));
  for (const event of REFUSALS) {
    provider.on(event as 'grant.error', (_ctx, error) => options.onRefusal(error));
  }
  return provider;
}

function createConfiguration(options: ProviderOptions): Configuration {
  const { issuer, config, key, store, resources, fetchDocument, answers } = options;
  const { clientDocuments, dynamicRegistration, deviceAuthorization, tokens } = config;
  const grantTypes = supportedGrantTypes.filter(type => type !== DEVICE_CODE || deviceAuthorization.enabled);
  const configuredIds = new Set(config.clients.map(client => client.clientId));
  const accessTokenSeconds = Math.round(tokens.accessTokenMinutes * 60);
  const basePath = new URL(issuer).pathname.replace(/\/$/, '');

  return {
    clients: config.clients.map(client => ({
      client_id: client.clientId,
      client_name: client.name,
      redirect_uris: [...client.redirectUris],
      grant_types: [...grantTypes],
      ...(client.clientSecret === undefined
        ? { token_endpoint_auth_method: 'none' as const }
        : {
            client_secret: hashClientSecret(client.clientSecret),
            token_endpoint_auth_method: 'client_secret_basic' as const,
          }),
    })),
    jwks: { keys: [key.privateJwk as never] },
    routes,
    scopes: [],
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256', token_endpoint_auth_method: 'client_secret_basic' },
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    // Desktop and browser clients send an Origin; nothing that answers them is authorized by cookies.
    clientBasedCORS: () => true,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    // Consent is asked for each time: a client id that anybody can claim proves nothing (RFC 9700 §4.12).
    loadExistingGrant: async ctx => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    ttl: {
      AccessToken: accessTokenSeconds,
      AuthorizationCode: CODE_SECONDS,
      DeviceCode: DEVICE_CODE_SECONDS,
      Grant: GRANT_SECONDS,
      Interaction: INTERACTION_SECONDS,
      RefreshToken: Math.round(tokens.refreshTokenDays * DAY_SECONDS),
      Session: SESSION_SECONDS,
    },
    cookies: {
      names: {
        session: 'callboard-authorization',
        interaction: 'callboard-interaction',
        resume: 'callboard-resume',
      },
      long: { httpOnly: true, sameSite: 'lax', path: `${basePath}/` },
    },
    interactions: { url: (_ctx, interaction) => `${basePath}/interaction/${interaction.uid}` },
    // Set by the router, never by a client: see `requestParameters.ts`.
    extraParams: ['scope_defaulted'],
    extraClientMetadata: {
      properties: ['software_id'],
      validator: (_ctx, _key, _value, metadata) => {
        const id = String(metadata.client_id);
        const isDocument = id.startsWith('https://');
        fitClientMetadata(metadata, {
          grantTypes,
          isDocument,
          redirectUriPatterns: configuredIds.has(id)
            ? undefined
            : (isDocument ? clientDocuments : dynamicRegistration).allowedRedirectUriPatterns,
        });
      },
    },
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => {
      const { aud, exp } = claims as { aud?: unknown; exp?: number };
      const isForUs = aud === issuer || aud === `${issuer}${routes.token}`;
      if (!isForUs || !exp || exp - options.now() / 1000 > MAX_ASSERTION_SECONDS) {
        throw new errors.InvalidClientAuth('the assertion is for somebody else, or lives too long');
      }
    },
    fetch: fetchDocument as never,
    fetchResponseBodyLimits: {
      'client_id metadata document': MAX_DOCUMENT_BYTES,
      jwks_uri: MAX_DOCUMENT_BYTES,
      sector_identifier_uri: MAX_DOCUMENT_BYTES,
    },
    formats: {
      customizers: {
        jwt: async (_ctx, token, jwt) => {
          jwt.payload.grant_id = (token as { grantId?: string }).grantId;
          await keepAccessToken(store, token);
        },
      },
    },
    renderError: async (ctx, out) => {
      ctx.respond = false;
      answers.sendError(ctx.res as Response, {
        status: ctx.status,
        code: out.error,
        description: out.error_description,
      });
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      introspection: {
        enabled: true,
        // A client may look at its own tokens; resource servers use the exchange endpoint.
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      deviceFlow: { enabled: deviceAuthorization.enabled, mask: '****-****', charset: 'base-20' },
      registration: { enabled: dynamicRegistration.enabled, issueRegistrationAccessToken: false },
      clientIdMetadataDocument: {
        enabled: clientDocuments.enabled,
        ack: 'draft-02',
        allowFetch: (_ctx, clientId) => isAllowedDocument(clientId, clientDocuments.allowedClientIdPatterns),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_ctx, _client, oneOf) => oneOf ?? resources.default.url,
        useGrantedResource: () => true,
        getResourceServerInfo: async (_ctx, indicator) => {
          const resource = resources.find(indicator);
          if (!resource) {
            throw new errors.InvalidTarget('the resource is not one of this server');
          }
          return {
            scope: actionScopes.join(' '),
            audience: resource.url,
            accessTokenTTL: accessTokenSeconds,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256', kid: key.kid } },
          };
        },
      },
    },
  } as Configuration;
}

/** Signed tokens are not stored by the library; with a record they can be revoked and introspected like any other. */
async function keepAccessToken(store: RecordStore, token: object): Promise<void> {
  const { jti, kind, accountId, clientId, grantId, scope, aud, gty, exp, iat, expiration } = token as {
    [key: string]: string | undefined;
  } & { jti: string; exp?: number; iat?: number; expiration: number };
  const issuedAt = iat ?? Math.floor(Date.now() / 1000);
  await store.put('AccessToken', jti, {
    payload: {
      jti,
      kind,
      accountId,
      clientId,
      grantId,
      scope,
      aud,
      gty,
      iat: issuedAt,
      exp: exp ?? issuedAt + expiration,
    },
    grantId,
    expiresInSeconds: expiration,
    onConflict: 'replace',
  });
}

/** A code that came with a wrong verifier, client or address was stolen or guessed at; it is worth nothing more. */
async function burnMisusedCode(ctx: KoaContextWithOIDC, store: RecordStore): Promise<void> {
  const { code, grant_type: grantType } = ctx.oidc?.params ?? {};
  const { error } = (ctx.body ?? {}) as { error?: string };
  if (error === 'invalid_grant' && grantType === 'authorization_code' && typeof code === 'string') {
    await store.delete('AuthorizationCode', code);
  }
}

function compareHashedSecrets(provider: Provider): void {
  const prototype = provider.Client.prototype as unknown as { compareClientSecret: unknown };
  prototype.compareClientSecret = function compareClientSecret(this: { clientSecret: string }, secret: string) {
    return isClientSecret(secret, this.clientSecret);
  };
}

/**
 * Makes a refresh token's successor out of the token and a salt that is stored at its first use. Whoever repeats the
 * request within the grace gets the same successor, and the database alone yields none.
 */
function deriveSuccessors(provider: Provider, salts: WeakMap<object, string>): void {
  const prototype = provider.RefreshToken.prototype as unknown as { generateTokenId(): string };
  const generateTokenId = prototype.generateTokenId;
  prototype.generateTokenId = function derivedTokenId(this: unknown) {
    const ctx = Provider.ctx as KoaContextWithOIDC | undefined;
    const predecessor = ctx?.oidc.entities.RotatedRefreshToken;
    const salt = ctx && salts.get(ctx);
    return predecessor && salt
      ? createHmac('sha256', predecessor.jti).update(salt).digest('base64url')
      : generateTokenId.call(this);
  };
}
