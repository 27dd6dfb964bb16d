import type { AuthService, DiscoveryService } from '@backstage/backend-plugin-api';
import { ConflictError, NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import type { AuthResolverContext } from '@backstage/plugin-auth-node';

type Query = Parameters<AuthResolverContext['findCatalogUser']>[0];
type Entity = Awaited<ReturnType<AuthResolverContext['findCatalogUser']>>['entity'];
type CatalogLookup = Pick<AuthResolverContext, 'findCatalogUser' | 'resolveOwnershipEntityRefs'>;

const timeoutMs = 10_000;

/** Looks users up in the Backstage catalog, over its HTTP interface and as this plugin. */
export class CatalogUsers implements CatalogLookup {
  readonly #auth: AuthService;
  readonly #discovery: DiscoveryService;
  readonly #fetch: typeof fetch;

  constructor(options: { auth: AuthService; discovery: DiscoveryService; fetch?: typeof fetch }) {
    this.#auth = options.auth;
    this.#discovery = options.discovery;
    this.#fetch = options.fetch ?? fetch;
  }

  /** @throws NotFoundError if there is no such user, or no catalog; ConflictError if there are several. */
  async findCatalogUser(query: Query): Promise<{ entity: Entity }> {
    const found = 'entityRef' in query ? await this.#getByRef(query.entityRef) : await this.#list(readFilters(query));
    const [entity, another] = found.filter(({ kind }) => kind.toLowerCase() === 'user');
    if (another) {
      throw new ConflictError('Several users of the catalog match');
    }
    if (!entity) {
      throw new NotFoundError('No user of the catalog matches');
    }
    return { entity };
  }

  async resolveOwnershipEntityRefs(entity: Entity): Promise<{ ownershipEntityRefs: string[] }> {
    const { namespace = 'default', name } = entity.metadata;
    const own = `${entity.kind}:${namespace}/${name}`.toLowerCase();
    const groups = (entity.relations ?? []).filter(({ type }) => type === 'memberOf').map(({ targetRef }) => targetRef);
    return { ownershipEntityRefs: [...new Set([own, ...groups])] };
  }

  async #getByRef(entityRef: string | { kind?: string; namespace?: string; name: string }): Promise<Entity[]> {
    const { kind, namespace, name } = typeof entityRef === 'string' ? splitRef(entityRef) : entityRef;
    const path = [kind ?? 'user', namespace ?? 'default', name].map(encodeURIComponent).join('/');
    const entity = await this.#get(`/entities/by-name/${path}`);
    return entity === undefined ? [] : [entity as Entity];
  }

  async #list(filters: string[]): Promise<Entity[]> {
    const params = new URLSearchParams(filters.map((filter): [string, string] => ['filter', filter]));
    return ((await this.#get(`/entities?${params}`)) ?? []) as Entity[];
  }

  async #get(path: string): Promise<unknown> {
    const { token } = await this.#auth.getPluginRequestToken({
      onBehalfOf: await this.#auth.getOwnServiceCredentials(),
      targetPluginId: 'catalog',
    });
    const response = await this.#fetch(`${await this.#discovery.getBaseUrl('catalog')}${path}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      throw new ServiceUnavailableError('The catalog cannot be reached', error);
    });
    if (response.status === 404) {
      return undefined;
    }
    if (!response.ok) {
      throw new ServiceUnavailableError(`The catalog answered with ${response.status}`);
    }
    return response.json();
  }
}

/** In the catalog's syntax: conditions of one filter are joined by commas, and one of the filters has to match. */
function readFilters(query: Exclude<Query, { entityRef: unknown }>): string[] {
  const filters =
    'annotations' in query
      ? [
          Object.fromEntries(
            Object.entries(query.annotations).map(([key, value]) => [`metadata.annotations.${key}`, value]),
          ),
        ]
      : [query.filter].flat();
  return filters.map(filter =>
    Object.entries({ ...filter, kind: 'user' })
      .flatMap(([key, values]) => [values].flat().map(value => `${key}=${readValue(value)}`))
      .join(','),
  );
}

/** A comma would begin a condition of its own, chosen by whoever chose the value. */
function readValue(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes(',')) {
    throw new NotFoundError('No user of the catalog matches');
  }
  return value;
}

function splitRef(ref: string): { kind?: string; namespace?: string; name: string } {
  const [, kind, namespace, name = ''] = /^(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/.exec(ref) ?? [];
  return { kind, namespace, name };
}
