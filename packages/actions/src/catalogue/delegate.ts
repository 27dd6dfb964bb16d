import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';

const isServicePrincipal = (credentials: BackstageCredentials): boolean =>
  (credentials.principal as { type?: string }).type === 'service';

/**
 * The credentials with which `targetPluginId` would see a call that the plugin of `auth` makes on
 * behalf of `credentials`, exactly as if it went over HTTP: a user stays that user with the calling
 * plugin as actor, a service becomes the calling plugin, and the access restrictions of a token
 * decide whether it may be passed on at all.
 *
 * @throws NotAllowedError if the restrictions forbid the target.
 */
export async function delegate(options: {
  auth: AuthService;
  target: AuthService;
  targetPluginId: string;
  credentials: BackstageCredentials;
}): Promise<BackstageCredentials> {
  const { auth, target, targetPluginId, credentials } = options;
  if (isServicePrincipal(credentials)) {
    await assertMayDelegate(options);
    return auth.getOwnServiceCredentials();
  }
  const { token } = await auth.getPluginRequestToken({ onBehalfOf: credentials, targetPluginId });
  return token === '' ? target.getNoneCredentials() : target.authenticate(token);
}

/**
 * @throws NotAllowedError if the access restrictions of a token do not include the target plugin.
 * @throws AuthenticationError for an anonymous caller, unless this backend lets those through.
 */
export async function assertMayDelegate(options: {
  auth: AuthService;
  targetPluginId: string;
  credentials: BackstageCredentials;
}): Promise<void> {
  const { auth, targetPluginId, credentials } = options;
  const { type, accessRestrictions } = credentials.principal as { type?: string; accessRestrictions?: unknown };
  if (type === 'none' || accessRestrictions) {
    await auth.getPluginRequestToken({ onBehalfOf: credentials, targetPluginId });
  }
}

/** A principal as text, for records and to tell whose a session is; never a secret, and no measure of rights. */
export function principalKey({ principal }: BackstageCredentials): string {
  return String(principal);
}
