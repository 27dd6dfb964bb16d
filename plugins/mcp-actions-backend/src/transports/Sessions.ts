import { randomBytes } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { RefusedRequest } from '../guards/RefusedRequest.js';
import { toAuthInfo } from '../protocol/RequestContext.js';
import type { Connection, Connections } from './Connections.js';
import type { Exchange } from './Exchange.js';

export type Session = Connection<StreamableHTTPServerTransport>;

/** Sessions of the 2025 era over Streamable HTTP, opened by `initialize` (MCP 2025-11-25, session management). */
export class Sessions {
  readonly #sessions: Connections<StreamableHTTPServerTransport>;

  constructor(options: { sessions: Connections<StreamableHTTPServerTransport> }) {
    this.#sessions = options.sessions;
  }

  /** Opens a session for an `initialize` request and answers it. */
  async open({ req, res, server, context, body }: Exchange): Promise<void> {
    await this.#sessions.makeRoomFor(context);
    const protocol = server.connectable();
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomBytes(24).toString('base64url'),
      onsessioninitialized: id => void this.#sessions.add({ id, transport, protocol, server }, context),
      onsessionclosed: id => this.#sessions.close(id),
    });
    await protocol.connect(transport);
    await transport.handleRequest(withAuth(req, context), res, body);
    if (!transport.sessionId) {
      // The transport has refused the request; there is nothing to keep.
      await protocol.close();
    }
  }

  /** @throws RefusedRequest 404 for a session that is not this caller's, upon which clients start a new one. */
  get(id: string, { server, context }: Pick<Exchange, 'server' | 'context'>): Session {
    const session = this.#sessions.find(id, server, context);
    if (!session) {
      throw new RefusedRequest(404, 'Session not found; initialize a new one', { isSuspicious: true });
    }
    return session;
  }

  /** Serves a message to, the event stream of, or the end of a session. */
  async serve(session: Session, { req, res, context, body }: Exchange): Promise<void> {
    session.openStreams += 1;
    res.once('close', () => {
      session.openStreams -= 1;
      session.lastUsedAtMs = Date.now();
    });
    await session.transport.handleRequest(withAuth(req, context), res, body);
  }
}

function withAuth(req: Exchange['req'], context: Exchange['context']) {
  return Object.assign(req, { auth: toAuthInfo(context) });
}
