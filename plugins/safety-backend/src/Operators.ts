import type { BackstageCredentials, PermissionsService } from '@backstage/backend-plugin-api';
import { NotAllowedError } from '@backstage/errors';
import { AuthorizeResult, type BasicPermission } from '@backstage/plugin-permission-common';
import { matchesPrincipal, principalName } from '@callboard/actions-api';

/** Who may stop and start the server, and decide which definitions it publishes. */
export class Operators {
  readonly #patterns: readonly string[];
  readonly #permissions: PermissionsService;

  constructor(options: { patterns: readonly string[]; permissions: PermissionsService }) {
    this.#patterns = options.patterns;
    this.#permissions = options.permissions;
  }

  /** @throws NotAllowedError if the principal is none of `safety.operators`. */
  assertOperator(principal: string, deed: string): void {
    if (!this.#patterns.some(pattern => matchesPrincipal(pattern, principal))) {
      throw new NotAllowedError(`${deed} is for operators: ${principal} is none of safety.operators`);
    }
  }

  /**
   * @returns the principal.
   * @throws NotAllowedError if they are no operator, or lack the permission.
   */
  async authorize(credentials: BackstageCredentials, permission: BasicPermission, deed: string): Promise<string> {
    const principal = principalName(credentials);
    this.assertOperator(principal, deed);
    const [decision] = await this.#permissions.authorize([{ permission }], { credentials });
    if (decision?.result !== AuthorizeResult.ALLOW) {
      throw new NotAllowedError(`${deed} needs the permission ${permission.name}`);
    }
    return principal;
  }
}
