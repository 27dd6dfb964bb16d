import { Readable } from 'node:stream';
import { InputError } from '@backstage/errors';
import type { Request, RequestHandler, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type Provider from 'oidc-provider';
import type { AuthConfig } from '../config.js';
import type { KeyRing } from './KeyRing.js';
import { fitAuthorizationRequest, fitTokenLookup, fitTokenRequest } from './requestParameters.js';
import type { Resources } from './resources.js';
import { routes } from './routes.js';

const MAX_BODY_BYTES = 56 * 1024;
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto'];

/** Serves the library's endpoints, and only those that are meant to be reached. */
export function mountProvider(options: {
  issuer: string;
  config: AuthConfig;
  getProvider: () => Promise<Provider>;
  keys: KeyRing;
  resources: Resources;
  /** Runs before a client is registered. */
  limitRegistrations: RequestHandler;
}): Router {
  const { issuer, config, getProvider, keys, resources, limitRegistrations } = options;
  const external = new URL(issuer);
  const basePath = external.pathname.replace(/\/$/, '');
  const router = PromiseRouter();

  router.get(`${routes.authorization}/:uid`, handOver);
  router.get(routes.authorization, async (req, res) => {
    const { pathname, search } = new URL(req.url, issuer);
    const params = new URLSearchParams(search);
    fitAuthorizationRequest(params, resources);
    req.url = `${pathname}?${params}`;
    await handOver(req, res);
  });
  router.post(
    routes.token,
    fitForm(params => fitTokenRequest(params, resources)),
    handOver,
  );
  router.post(
    [routes.revocation, routes.introspection],
    fitForm(params => fitTokenLookup(params, keys)),
    handOver,
  );
  router.options([routes.token, routes.revocation, routes.introspection], handOver);
  router.post(`${routes.end_session}/confirm`, handOver);
  if (config.deviceAuthorization.enabled) {
    const fit = fitForm(params => fitAuthorizationRequest(params, resources));
    router.post(routes.device_authorization, fit, handOver);
    router.options(routes.device_authorization, handOver);
  }
  if (config.dynamicRegistration.enabled) {
    router.use(routes.registration, allowEveryOrigin);
    router.options(routes.registration, (_req, res) => void res.status(204).end());
    router.post(routes.registration, limitRegistrations, handOver);
  }
  return router;

  async function handOver(req: Request, res: Response): Promise<void> {
    res.setHeader('Cache-Control', 'no-store');
    // The library makes URLs and cookies of these; what a request claims must not count.
    for (const name of FORWARDED) {
      delete req.headers[name];
    }
    req.headers.host = external.host;
    req.headers['x-forwarded-host'] = external.host;
    req.headers['x-forwarded-proto'] = external.protocol.slice(0, -1);
    req.originalUrl = `${basePath}${req.url}`;
    const provider = await getProvider();
    await provider.callback()(req, res);
  }
}

/** Changes the parameters of a form that the library then reads as if it had come that way. */
function fitForm(fit: (params: URLSearchParams) => void | Promise<void>): RequestHandler {
  return async (req, _res, next) => {
    if (!req.is('application/x-www-form-urlencoded')) {
      next();
      return;
    }
    const params = new URLSearchParams((await readBody(req)).toString());
    await fit(params);
    const body = Buffer.from(params.toString());
    const stream = Readable.from([body]);
    delete req.headers['transfer-encoding'];
    req.headers['content-length'] = String(body.length);
    Object.defineProperty(req, 'readable', { value: true, configurable: true });
    req.iterator = readOptions => stream.iterator(readOptions);
    next();
  };
}

async function readBody(req: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw new InputError('The form is too large');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const allowEveryOrigin: RequestHandler = (_req, res, next) => {
  res.set({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, MCP-Protocol-Version',
  });
  next();
};

export { allowEveryOrigin };
