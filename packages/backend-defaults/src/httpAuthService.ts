import { httpAuthServiceFactory as stockFactory } from '@backstage/backend-defaults/httpAuth';
import type { HttpAuthService } from '@backstage/backend-plugin-api';

/** What a service factory is made of; Backstage offers no way to go on from one. */
interface OpenFactory {
  readonly factory: (deps: object, context: unknown) => Promise<HttpAuthService>;
}

type Request = Parameters<HttpAuthService['credentials']>[0];

/**
 * Backstage's own, which remembers credentials by request, and so keeps every request and its answer in memory
 * until the next large garbage collection. It is shown the one header that it reads in place of the request; that
 * tokens are not verified again is the auth service's doing.
 */
export const httpAuthServiceFactory: typeof stockFactory = {
  ...stockFactory,
  async factory(deps: object, context: unknown): Promise<HttpAuthService> {
    const stock = await (stockFactory as unknown as OpenFactory).factory(deps, context);
    return {
      // With limited access, cookies count as well.
      credentials: (req, options) =>
        stock.credentials(options?.allowLimitedAccess ? req : withoutTheRest(req), options),
      issueUserCookie: (res, options) => stock.issueUserCookie(res, options),
    };
  },
} as typeof stockFactory;

function withoutTheRest({ headers: { authorization } }: Request): Request {
  return { headers: { authorization } } as Request;
}
