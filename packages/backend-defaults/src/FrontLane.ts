import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { HttpLane, LaneRequest } from '@callboard/actions';

/** An Express application, as far as this goes. */
interface Application {
  readonly request: Pick<LaneRequest, 'get'>;
}

type Handler = (req: LaneRequest, res: ServerResponse) => Promise<void>;

/**
 * The lane of our HTTP server, in front of Express. It is open while the backend serves: before and
 * after, Express answers, which knows how to have clients wait.
 */
export class FrontLane implements HttpLane {
  readonly #handlers = new Map<string, Handler>();
  #isOpen = false;

  serve(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  open(): void {
    this.#isOpen = true;
  }

  close(): void {
    this.#isOpen = false;
  }

  /** Puts the lane in front of what serves all requests of the server now. */
  attach(server: Server, app: Application): void {
    const rest = server.listeners('request') as RequestListener[];
    const describe = expressDescription(app);
    server.removeAllListeners('request');
    server.on('request', (req, res) => {
      const handler = this.#isOpen && req.method === 'POST' ? this.#handlers.get(req.url as string) : undefined;
      if (handler && req.headers.origin === undefined) {
        // A handler answers its errors itself; whatever comes all the same must not end the process.
        handler(describe(req as LaneRequest), res).catch(() => res.destroy());
        return;
      }
      for (const listener of rest) {
        listener(req, res);
      }
    });
  }
}

/** Has Express say who a request is from, so that `backend.trustProxy` means the same on both ways. */
function expressDescription(app: Application): (req: LaneRequest) => LaneRequest {
  const { request } = app;
  const prototype: object = Object.getPrototypeOf(request);
  const getterOf = (name: string) =>
    Object.getOwnPropertyDescriptor(prototype, name)?.get as (this: LaneRequest) => string | undefined;
  const [ipOf, hostnameOf] = [getterOf('ip'), getterOf('hostname')];
  return req => {
    const described = req as LaneRequest & { app: Application };
    described.app = app;
    described.get = request.get;
    described.originalUrl = req.url as string;
    described.ip = ipOf.call(req);
    described.hostname = hostnameOf.call(req);
    return described;
  };
}
