import { coreServices, createServiceFactory, type PermissionsService } from '@backstage/backend-plugin-api';
import { AuthorizeResult } from '@backstage/plugin-permission-common';

/** A permission service that allows what a test says, and keeps what it was asked. */
export function decidingPermissions(isAllowed: (permissionName: string, principal: string) => boolean) {
  const asked: { names: string[]; principal: string }[] = [];
  const permissions: PermissionsService = {
    async authorize(requests, { credentials }) {
      const principal = String((credentials as { principal: unknown }).principal);
      asked.push({ names: requests.map(({ permission }) => permission.name), principal });
      return requests.map(({ permission }) => ({
        result: isAllowed(permission.name, principal) ? AuthorizeResult.ALLOW : AuthorizeResult.DENY,
      }));
    },
    async authorizeConditional() {
      throw new Error('Visibility is never conditional');
    },
  };
  const feature = createServiceFactory({ service: coreServices.permissions, deps: {}, factory: () => permissions });
  return { permissions, asked, feature };
}
