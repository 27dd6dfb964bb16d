import { actionScopes } from '@callboard/actions-api';
import type { AuthConfig } from '../config.js';
import { supportedGrantTypes } from '../registration/grantTypes.js';
import { routes } from './routes.js';

const AUTHENTICATION_METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const ASSERTION_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'];

/** What clients learn of this server (RFC 8414 §2, and the members that OpenID Connect Discovery adds). */
export function describeAuthorizationServer(issuer: string, config: AuthConfig): Record<string, unknown> {
  const { clientDocuments, deviceAuthorization, dynamicRegistration } = config;
  const at = (path: string) => `${issuer}${path}`;
  const authentication = {
    auth_methods_supported: AUTHENTICATION_METHODS,
    auth_signing_alg_values_supported: ASSERTION_ALGORITHMS,
  };
  return {
    issuer,
    authorization_endpoint: at(routes.authorization),
    token_endpoint: at(routes.token),
    ...prefixKeys('token_endpoint_', authentication),
    jwks_uri: at('/.well-known/jwks.json'),
    ...(dynamicRegistration.enabled && { registration_endpoint: at(routes.registration) }),
    ...(clientDocuments.enabled && { client_id_metadata_document_supported: true }),
    ...(deviceAuthorization.enabled && { device_authorization_endpoint: at(routes.device_authorization) }),
    revocation_endpoint: at(routes.revocation),
    ...prefixKeys('revocation_endpoint_', authentication),
    introspection_endpoint: at(routes.introspection),
    ...prefixKeys('introspection_endpoint_', authentication),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: supportedGrantTypes.filter(
      type => deviceAuthorization.enabled || !type.endsWith(':device_code'),
    ),
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: [...actionScopes],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  };
}

function prefixKeys(prefix: string, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}${key}`, value]));
}
