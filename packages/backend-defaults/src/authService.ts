import { authServiceFactory as stockFactory } from '@backstage/backend-defaults/auth';
import type { AuthService, DatabaseService } from '@backstage/backend-plugin-api';
import { withKeyTable } from './authKeyTable.js';
import { VerifiedTokens } from './VerifiedTokens.js';

/** What a service factory is made of; Backstage offers no way to go on from one. */
interface OpenFactory {
  readonly factory: (deps: object, context: unknown) => Promise<AuthService>;
}

/** Backstage's own, which does not verify the same token again for every request. */
export const authServiceFactory: typeof stockFactory = {
  ...stockFactory,
  async factory(deps: { database: DatabaseService }, context: unknown) {
    const database = withKeyTable(deps.database);
    return withMemory(await (stockFactory as unknown as OpenFactory).factory({ ...deps, database }, context));
  },
} as typeof stockFactory;

function withMemory(auth: AuthService): AuthService {
  const verified = new VerifiedTokens({ auth });
  let own: ReturnType<AuthService['getOwnServiceCredentials']> | undefined;
  return {
    authenticate: (token, options) =>
      options?.allowLimitedAccess ? auth.authenticate(token, options) : verified.authenticate(token),
    isPrincipal: auth.isPrincipal.bind(auth) as AuthService['isPrincipal'],
    getNoneCredentials: () => auth.getNoneCredentials(),
    getOwnServiceCredentials: () => {
      own ??= auth.getOwnServiceCredentials();
      return own;
    },
    getPluginRequestToken: options => auth.getPluginRequestToken(options),
    getLimitedUserToken: credentials => auth.getLimitedUserToken(credentials),
    listPublicServiceKeys: () => auth.listPublicServiceKeys(),
  };
}
