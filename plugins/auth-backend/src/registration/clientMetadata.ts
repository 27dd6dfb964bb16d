import { errors } from 'oidc-provider';
import { isSafeRedirectUri, matchesRedirectPattern } from '../redirects/redirectPatterns.js';

const MAX_REDIRECT_URIS = 20;
const MAX_URI_LENGTH = 2_000;
const MAX_NAME_LENGTH = 200;
/** Parts of a registration that only concern ID tokens and user info, which this server does not issue. */
const IGNORED = ['scope', 'id_token_signed_response_alg', 'subject_type', 'default_max_age', 'require_auth_time'];
const LINKS = ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri'];

/** Client metadata as it comes in (RFC 7591 §2). */
export type ClientMetadata = Record<string, unknown>;

/**
 * Makes what real clients send fit, and refuses what must not get in. It is applied whenever a client is made:
 * registered, read again from the database, fetched as a document, or configured.
 *
 * @param options.redirectUriPatterns - for clients that introduce themselves; undefined for configured ones.
 * @throws InvalidClientMetadata, whose code is `invalid_redirect_uri` where that is the reason.
 */
export function fitClientMetadata(
  metadata: ClientMetadata,
  options: { redirectUriPatterns: readonly string[] | undefined; isDocument: boolean; grantTypes: readonly string[] },
): void {
  const { redirectUriPatterns, isDocument, grantTypes } = options;
  for (const key of IGNORED) {
    delete metadata[key];
  }
  for (const key of LINKS) {
    if (!isWebUrl(metadata[key])) {
      delete metadata[key];
    }
  }
  // Cursor says `web` and wants its answer at cursor://; only `native` admits both that and loopback ports.
  metadata.application_type = 'native';
  metadata.response_types = ['code'];
  metadata.grant_types = fitGrantTypes(metadata.grant_types, grantTypes);

  const { client_name: name } = metadata;
  if (name !== undefined && (typeof name !== 'string' || name.length > MAX_NAME_LENGTH)) {
    throw new errors.InvalidClientMetadata(`client_name must be a string of at most ${MAX_NAME_LENGTH} characters`);
  }
  metadata.redirect_uris = fitRedirectUris(metadata.redirect_uris, { redirectUriPatterns, isDocument });
  if ((metadata.redirect_uris as string[]).length === 0) {
    // A terminal that only uses the device flow has no place to be redirected to.
    metadata.response_types = [];
    metadata.grant_types = (metadata.grant_types as string[]).filter(type => type !== 'authorization_code');
  }
}

function fitGrantTypes(wanted: unknown, supported: readonly string[]): string[] {
  if (wanted !== undefined && !(Array.isArray(wanted) && wanted.every(type => typeof type === 'string'))) {
    throw new errors.InvalidClientMetadata('grant_types must be an array of strings');
  }
  const fitting = supported.filter(type => wanted === undefined || (wanted as string[]).includes(type));
  if (wanted === undefined) {
    return fitting;
  }
  // Clients that leave it out still expect not to be signed out every quarter of an hour.
  return [...new Set([...fitting, 'refresh_token'])];
}

function fitRedirectUris(
  uris: unknown,
  options: { redirectUriPatterns: readonly string[] | undefined; isDocument: boolean },
): string[] {
  const { redirectUriPatterns, isDocument } = options;
  if (uris !== undefined && !(Array.isArray(uris) && uris.every(uri => typeof uri === 'string'))) {
    throw new errors.InvalidClientMetadata('redirect_uris must be an array of strings');
  }
  const wanted = (uris ?? []) as string[];
  if (wanted.length > MAX_REDIRECT_URIS || wanted.some(uri => uri.length > MAX_URI_LENGTH)) {
    throw new errors.InvalidClientMetadata(
      `redirect_uris must be at most ${MAX_REDIRECT_URIS} of at most ${MAX_URI_LENGTH} characters`,
    );
  }
  const isAllowed = (uri: string) =>
    redirectUriPatterns ? matchesRedirectPattern(uri, redirectUriPatterns) : isSafeRedirectUri(uri);
  const refused = wanted.filter(uri => !isAllowed(uri));
  // A document serves all of its client's users; that one of its places is foreign here says nothing of the others.
  const isRefused = isDocument ? refused.length === wanted.length && wanted.length > 0 : refused.length > 0;
  if (isRefused) {
    throw new errors.InvalidClientMetadata(
      `redirect_uris has ${JSON.stringify(refused[0])}, which this server does not allow`,
    );
  }
  return wanted.filter(isAllowed);
}

function isWebUrl(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}
