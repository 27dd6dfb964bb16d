import { ProtocolError } from '@modelcontextprotocol/server';

/** Per connection; a URI has at most 2,048 characters. */
export const MAX_SUBSCRIPTIONS = 100;
/** As for other requests beyond a limit. */
const TOO_MANY_CODE = -31_429;

/** A change of what a connection wants to hear of. */
export interface SubscriptionChange {
  readonly subscribed?: string;
  readonly unsubscribed?: string;
}

/** The resources of whose changes one connection wants to hear (MCP 2025-11-25, server/resources, subscriptions). */
export class ResourceSubscriptions {
  #uris = new Set<string>();
  #listener: (change: SubscriptionChange) => Promise<void> = async () => {};

  get uris(): string[] {
    return [...this.#uris];
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  /** @param listener - told of a change that the client asks for, before it is one. */
  onChange(listener: (change: SubscriptionChange) => Promise<void>): void {
    this.#listener = listener;
  }

  /** @throws ProtocolError -31429 beyond 100. */
  async add(uri: string): Promise<void> {
    if (!this.#uris.has(uri) && this.#uris.size >= MAX_SUBSCRIPTIONS) {
      throw new ProtocolError(TOO_MANY_CODE, `A connection has at most ${MAX_SUBSCRIPTIONS} subscriptions`, {
        name: 'TooManyRequestsError',
      });
    }
    const isNew = !this.#uris.has(uri);
    this.#uris.add(uri);
    try {
      await this.#listener({ subscribed: uri });
    } catch (error) {
      if (isNew) {
        this.#uris.delete(uri);
      }
      throw error;
    }
  }

  async remove(uri: string): Promise<void> {
    await this.#listener({ unsubscribed: uri });
    this.#uris.delete(uri);
  }

  /** Takes over what has changed elsewhere, or all that is subscribed there. */
  take({
    subscriptions,
    subscribed,
    unsubscribed,
  }: SubscriptionChange & { readonly subscriptions?: readonly string[] }): void {
    if (subscriptions) {
      this.#uris = new Set(subscriptions);
    }
    if (subscribed !== undefined) {
      this.#uris.add(subscribed);
    }
    if (unsubscribed !== undefined) {
      this.#uris.delete(unsubscribed);
    }
  }
}
