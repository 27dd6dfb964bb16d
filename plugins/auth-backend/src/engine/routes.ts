/** Paths below the plugin's own, by the names that `oidc-provider` gives them. */
export const routes = {
  authorization: '/v1/authorize',
  token: '/v1/token',
  device_authorization: '/v1/device_authorization',
  introspection: '/v1/introspect',
  revocation: '/v1/revoke',
  registration: '/v1/register',
  /** Where people enter the code of a device; a page of ours. */
  code_verification: '/device',
  /** The library's own key set and log-out page, which are not reachable. */
  jwks: '/v1/internal/jwks',
  end_session: '/v1/session/end',
} as const;
