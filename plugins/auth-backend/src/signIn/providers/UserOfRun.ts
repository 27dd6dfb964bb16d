import { AsyncLocalStorage } from 'node:async_hooks';
import { NotFoundError, NotImplementedError } from '@backstage/errors';
import type { AuthResolverContext, BackstageSignInResult } from '@backstage/plugin-auth-node';

/**
 * Learns whom a provider module's resolver lets in. Resolvers ask for a token; they get one that is worth nothing,
 * and the name in it is remembered for the run they are part of.
 */
export class UserOfRun {
  readonly #runs = new AsyncLocalStorage<{ userEntityRef?: string }>();
  readonly #catalog: Pick<AuthResolverContext, 'findCatalogUser' | 'resolveOwnershipEntityRefs'> | undefined;

  constructor(options: { catalog?: Pick<AuthResolverContext, 'findCatalogUser' | 'resolveOwnershipEntityRefs'> }) {
    this.#catalog = options.catalog;
  }

  /** @returns What `step` gives, and the user that a resolver named meanwhile, if any. */
  async during<T>(step: () => Promise<T>): Promise<{ result: T; userEntityRef?: string }> {
    const run: { userEntityRef?: string } = {};
    const result = await this.#runs.run(run, step);
    return { result, ...run };
  }

  /** What resolvers are given. */
  resolverContext(): AuthResolverContext {
    return {
      issueToken: async ({ claims }) => this.#remember(claims.sub),
      findCatalogUser: query => this.#findCatalogUser(query),
      resolveOwnershipEntityRefs: async entity =>
        this.#catalog?.resolveOwnershipEntityRefs(entity) ?? { ownershipEntityRefs: [] },
      signInWithCatalogUser: async (query, options) => {
        try {
          const { entity } = await this.#findCatalogUser(query);
          const { namespace, name } = entity.metadata;
          return this.#remember({ kind: entity.kind, namespace, name });
        } catch (error) {
          const fallback = options?.dangerousEntityRefFallback;
          if (fallback && error instanceof Error && error.name === 'NotFoundError') {
            return this.#remember(fallback.entityRef);
          }
          throw error;
        }
      },
    };
  }

  async #findCatalogUser(query: Parameters<AuthResolverContext['findCatalogUser']>[0]) {
    if (!this.#catalog) {
      throw new NotFoundError(
        'There is no catalog to look the user up in; the resolver can be told dangerouslyAllowSignInWithoutUserInCatalog',
      );
    }
    return this.#catalog.findCatalogUser(query);
  }

  #remember(entityRef: string | { kind?: string; namespace?: string; name: string }): BackstageSignInResult {
    const run = this.#runs.getStore();
    const userEntityRef = readUserEntityRef(entityRef);
    if (!run) {
      throw new NotImplementedError('Users are signed in by pages only');
    }
    run.userEntityRef = userEntityRef;
    const payload = Buffer.from(JSON.stringify({ sub: userEntityRef, ent: [userEntityRef] })).toString('base64url');
    return { token: `e30.${payload}.` };
  }
}

/** @throws NotImplementedError if it names something else than a user. */
function readUserEntityRef(entityRef: string | { kind?: string; namespace?: string; name: string }): string {
  const text =
    typeof entityRef === 'string'
      ? entityRef
      : `${entityRef.kind ?? 'user'}:${entityRef.namespace ?? 'default'}/${entityRef.name}`;
  const [, kind = 'user', namespace = 'default', name = ''] =
    /^(?:([^:/\s]+):)?(?:([^:/\s]+)\/)?([^:/\s]+)$/.exec(text.toLowerCase()) ?? [];
  if (kind !== 'user' || name === '') {
    throw new NotImplementedError(`Expected the resolver to name a user, got ${JSON.stringify(text)}`);
  }
  return `user:${namespace}/${name}`;
}
