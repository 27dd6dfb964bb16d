/** An MCP server that tokens are issued for. */
export interface Resource {
  /** The canonical URL, which is the `aud` of its tokens (RFC 8707 §2). */
  url: string;
  name: string;
}

/** The MCP servers that this authorization server knows. */
export class Resources {
  readonly #byUrl: Map<string, Resource>;
  /** What a client that names none means. */
  readonly default: Resource;

  constructor(options: { default: Resource; others: Resource[] }) {
    this.default = options.default;
    this.#byUrl = new Map([options.default, ...options.others].map(resource => [resource.url, resource]));
  }

  /** The resource that a client means, whatever the case of the host and a slash at the end. */
  find(indicator: string): Resource | undefined {
    const url = URL.canParse(indicator) ? new URL(indicator) : undefined;
    if (!url || url.username || url.password || url.search || url.hash || indicator.includes('#')) {
      return undefined;
    }
    return this.#byUrl.get(`${url.origin}${url.pathname.replace(/\/$/, '')}`);
  }

  /** For an indicator that was checked when it came in; a server that is gone since then has only its URL. */
  get(indicator: string): Resource {
    return this.find(indicator) ?? { url: indicator, name: indicator };
  }
}

/** @param options.baseUrl - of the MCP plugin, as clients see it. */
export function createResources(options: {
  baseUrl: string;
  servers: readonly { key: string | undefined; name: string }[];
}): Resources {
  const { origin, pathname } = new URL(options.baseUrl);
  const all = options.servers.map(({ key, name }) => ({
    url: `${origin}${pathname.replace(/\/$/, '')}/v1${key === undefined ? '' : `/${key}`}`,
    name,
  }));
  const [first, ...others] = all as [Resource, ...Resource[]];
  return new Resources({ default: first, others });
}
