import { actionScopes } from '@callboard/actions-api';
import type { KeyRing } from './KeyRing.js';
import type { Resources } from './resources.js';

/** No resource of ours, and so refused as `invalid_target`. */
const SEVERAL_RESOURCES = 'urn:callboard:several-resources';
/** The library would also answer in fragments and by pages of its own. */
const RESPONSE_MODE = 'query';

/**
 * Makes what clients of today send fit, before the library reads it strictly. Parameters that are repeated are left
 * as they are, to be refused (RFC 6749 §3.1).
 */
export function fitAuthorizationRequest(params: URLSearchParams, resources: Resources): void {
  fitResource(params, resources);
  if (params.has('response_mode') && params.get('response_mode') !== RESPONSE_MODE) {
    params.set('response_mode', 'unsupported');
  }
  const known = knownScopes(params);
  params.delete('scope_defaulted');
  if (params.getAll('scope').length > 1) {
    return;
  }
  // Without a scope of ours the person chooses among all; foreign ones are not errors (RFC 6749 §3.3).
  if (known.length === 0) {
    params.set('scope_defaulted', 'true');
  }
  params.set('scope', (known.length > 0 ? known : actionScopes).join(' '));
}

/** Likewise at the token endpoint, where a scope can only narrow. */
export function fitTokenRequest(params: URLSearchParams, resources: Resources): void {
  fitResource(params, resources);
  if (params.getAll('scope').length === 1) {
    const known = knownScopes(params);
    if (known.length > 0) {
      params.set('scope', known.join(' '));
    } else {
      params.delete('scope');
    }
  }
}

/** Lets the library find the record of a token of ours that is signed. */
export async function fitTokenLookup(params: URLSearchParams, keys: KeyRing): Promise<void> {
  const [token, ...repeated] = params.getAll('token');
  if (token !== undefined && repeated.length === 0 && token.split('.').length === 3) {
    params.set('token', (await keys.readTokenId(token)) ?? 'unknown');
  }
}

/** A token is for one server; several names of one are that one, and of several none (RFC 8707 §2). */
function fitResource(params: URLSearchParams, resources: Resources): void {
  const named = params.getAll('resource');
  const urls = new Set(named.map(resource => resources.find(resource)?.url));
  const [url] = urls;
  if (urls.size === 1 && url !== undefined) {
    params.set('resource', url);
  } else if (named.length > 1) {
    params.set('resource', SEVERAL_RESOURCES);
  }
}

function knownScopes(params: URLSearchParams): string[] {
  const named = (params.get('scope') ?? '').split(' ');
  return actionScopes.filter(scope => named.includes(scope));
}
