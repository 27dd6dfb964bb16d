import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';

export interface SeenRequest {
  method: string;
  /** Below `/.backstage/actions`. */
  path: string;
  token: string | undefined;
  contentType: string | undefined;
  body: string;
  /** Resolves when the connection is gone, and says whether the answer had been written by then. */
  closed: Promise<{ wasAnswered: boolean }>;
}

type Answer = (res: ServerResponse, request: SeenRequest) => void | Promise<void>;

/** Another backend, reduced to what it sends: a real HTTP server that answers as a test wants it to. */
export interface SourceServer {
  readonly baseUrl: string;
  readonly requests: SeenRequest[];
  /** Replaced by tests; answers with no actions at first. */
  answer: Answer;
  stop(): Promise<void>;
}

export async function startSourceServer(): Promise<SourceServer> {
  const requests: SeenRequest[] = [];
  const server = createServer(async (req, res) => {
    const closed = new Promise<{ wasAnswered: boolean }>(resolve =>
      res.once('close', () => resolve({ wasAnswered: res.writableFinished })),
    );
    const request: SeenRequest = {
      method: req.method ?? '',
      path: (req.url ?? '').replace('/.backstage/actions', ''),
      token: req.headers.authorization?.replace('Bearer ', ''),
      contentType: req.headers['content-type'],
      body: await readBody(req),
      closed,
    };
    requests.push(request);
    await source.answer(res, request);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const source: SourceServer = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: withActions(),
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  return source;
}

/** An action as a registry lists it. */
export function listedAction(id: string, more: Partial<ActionsServiceAction> = {}): ActionsServiceAction {
  const [pluginId = '', name = ''] = id.split(':');
  return {
    id,
    pluginId,
    name,
    title: name,
    description: '',
    schema: { input: { type: 'object' }, output: { type: 'object' } },
    attributes: { readOnly: true, destructive: false, idempotent: false },
    ...more,
  };
}

export function withJson(body: unknown, status = 200): Answer {
  return res => void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function withActions(...actions: (string | ActionsServiceAction)[]): Answer {
  return withJson({ actions: actions.map(action => (typeof action === 'string' ? listedAction(action) : action)) });
}

export function withError(status: number, name: string, message: string): Answer {
  return withJson({ error: { name, message }, request: {}, response: { statusCode: status } }, status);
}

/** Never answers. */
export const withSilence: Answer = () => {};

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
