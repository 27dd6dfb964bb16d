import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { Server } from '@modelcontextprotocol/server';
import type { Connection } from '../transports/Connection.js';
import type { ChangeAudience, Changes, ListKind } from './changes.js';
import { mayRead } from './mayRead.js';

const send: Record<ListKind, (protocol: Server) => Promise<void>> = {
  tools: protocol => protocol.sendToolListChanged(),
  resources: protocol => protocol.sendResourceListChanged(),
  prompts: protocol => protocol.sendPromptListChanged(),
};

/**
 * The clients of the 2025 era that have a stream on which the server speaks first (MCP 2025-11-25,
 * list changed notifications; resources, subscriptions).
 */
export class ConnectionAudience implements ChangeAudience {
  readonly #connections: { readonly all: Iterable<Connection<unknown>> };
  readonly #logger: LoggerService;

  constructor(options: { connections: { readonly all: Iterable<Connection<unknown>> }; logger: LoggerService }) {
    this.#connections = options.connections;
    this.#logger = options.logger;
  }

  async tell(changes: Changes): Promise<void> {
    const listening = [...this.#connections.all].filter(
      ({ listens, protocol }) => listens && protocol.getNegotiatedProtocolVersion() !== undefined,
    );
    await Promise.all(listening.map(connection => this.#tryToTell(connection, changes)));
  }

  /** Tells a client of what it may not have heard, when another process goes on with its stream. */
  async tellWhatMayHaveChanged(connection: Connection<unknown>, what: 'lists' | 'anything'): Promise<void> {
    const { server, protocol } = connection;
    await this.#tryToTell(connection, {
      listsOf: () => ['tools', 'resources', 'prompts'],
      resources: what === 'lists' ? [] : server.subscriptionsOf(protocol).uris,
    });
  }

  async #tryToTell(connection: Connection<unknown>, changes: Changes): Promise<void> {
    try {
      await this.#tellOne(connection, changes);
    } catch (error) {
      this.#logger.debug('A client could not be told of a change', toError(error));
    }
  }

  async #tellOne({ protocol, server, caller }: Connection<unknown>, changes: Changes): Promise<void> {
    const capabilities = protocol.getCapabilities();
    for (const kind of changes.listsOf(server)) {
      if (capabilities[kind]?.listChanged) {
        await send[kind](protocol);
      }
    }
    const subscriptions = server.subscriptionsOf(protocol);
    for (const uri of changes.resources) {
      if (caller && subscriptions.has(uri) && (await mayRead(server, uri, caller))) {
        await protocol.sendResourceUpdated({ uri });
      }
    }
  }
}
