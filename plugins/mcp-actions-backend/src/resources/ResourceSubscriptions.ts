import { ProtocolError } from '@modelcontextprotocol/server';

/** Per connection; a URI has at most 2,048 characters. */
export const MAX_SUBSCRIPTIONS = 100;
/** As for other requests beyond a limit. */
const TOO_MANY_CODE = -31_429;

/** The resources of whose changes one connection wants to hear (MCP 2025-11-25, server/resources, subscriptions). */
export class ResourceSubscriptions {
  readonly #uris = new Set<string>();

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** @throws ProtocolError -31429 beyond 100. */
  add(uri: string): void {
    if (!this.#uris.has(uri) && this.#uris.size >= MAX_SUBSCRIPTIONS) {
      throw new ProtocolError(TOO_MANY_CODE, `A connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`, {
        name: 'TooManyRequestsError',
      });
    }
    this.#uris.add(uri);
  }

  remove(uri: string): void {
    this.#uris.delete(uri);
  }
}
