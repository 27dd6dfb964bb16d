import { actionScopes } from '@callboard/actions-api';
import type { KeyRing } from './KeyRing.js';
import type { Resources } from './resources.js';

/**
 * Makes what clients of today send fit, before the library reads it strictly. Parameters that are repeated are left
 * as they are, to be refused (RFC 6749 §3.1).
 */
export function fitAuthorizationRequest(params: URLSearchParams, resources: Resources): void {
  fitResource(params, resources);
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

function fitResource(params: URLSearchParams, resources: Resources): void {
  const [resource, ...repeated] = params.getAll('resource');
  const found = resource !== undefined && repeated.length === 0 ? resources.find(resource) : undefined;
  if (found) {
    params.set('resource', found.url);
  }
}

function knownScopes(params: URLSearchParams): string[] {
  const named = (params.get('scope') ?? '').split(' ');
  return actionScopes.filter(scope => named.includes(scope));
}
