import { Readable } from 'node:stream';
import type { Request, RequestHandler, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type Provider from 'oidc-provider';
import type { AuthConfig } from '../config.js';
import type { KeyRing } from './KeyRing.js';
import { fitAuthorizationRequest, fitTokenLookup, fitTokenRequest } from './requestParameters.js';
import type { Resources } from './resources.js';
import { routes } from './routes.js';

const MAX_BODY_BYTES = 56 * 1024;
const MAX_QUERY_CHARACTERS = 4_096;
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
  const configuredIds = new Set(config.clients.flatMap(client => (client.clientSecret ? [client.clientId] : [])));
  const fitClient = (params: URLSearchParams, req: Request) => moveClientSecret(params, req, configuredIds);
  const router = PromiseRouter();

  router.get(`${routes.authorization}/:uid`, handOver);
  router.get(routes.authorization, async (req, res) => {
    const { pathname, search } = new URL(req.url, issuer);
    if (search.length > MAX_QUERY_CHARACTERS) {
      // Anybody may ask, and what they ask is kept until the person has decided.
      res.status(414).type('text/plain').send(`The query is longer than ${MAX_QUERY_CHARACTERS} characters`);
      return;
    }
    const params = new URLSearchParams(search);
    fitAuthorizationRequest(params, resources);
    req.url = `${pathname}?${params}`;
    await handOver(req, res);
  });
  router.post(
    routes.token,
    fitForm((params, req) => {
      fitClient(params, req);
      fitTokenRequest(params, resources);
    }),
    handOver,
  );
  router.post(
    [routes.revocation, routes.introspection],
    fitForm(async (params, req) => {
      fitClient(params, req);
      await fitTokenLookup(params, keys);
    }),
    handOver,
  );
  router.options([routes.token, routes.revocation, routes.introspection], handOver);
  router.post(`${routes.end_session}/confirm`, handOver);
  if (config.deviceAuthorization.enabled) {
    const fit = fitForm((params, req) => {
      fitClient(params, req);
      fitAuthorizationRequest(params, resources);
    });
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
function fitForm(fit: (params: URLSearchParams, req: Request) => void | Promise<void>): RequestHandler {
  return async (req, res, next) => {
    if (!req.is('application/x-www-form-urlencoded')) {
      next();
      return;
    }
    const form = await readBody(req);
    if (form === undefined) {
      const description = `The form is larger than ${MAX_BODY_BYTES} bytes`;
      res.status(413).json({ error: 'invalid_request', error_description: description });
      return;
    }
    const params = new URLSearchParams(form);
    await fit(params, req);
    const body = Buffer.from(params.toString());
    const stream = Readable.from([body]);
    delete req.headers['transfer-encoding'];
    req.headers['content-length'] = String(body.length);
    Object.defineProperty(req, 'readable', { value: true, configurable: true });
    req.iterator = readOptions => stream.iterator(readOptions);
    next();
  };
}

/** @returns undefined if it is too large. */
async function readBody(req: Request): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) {
      chunks.push(chunk);
    }
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

/**
 * The library takes a client's secret in one place only. Clients that registered said where; configured ones did not,
 * and may use the header or the form (RFC 6749 §2.3.1).
 */
function moveClientSecret(params: URLSearchParams, req: Request, configuredIds: ReadonlySet<string>): void {
  const id = params.get('client_id');
  const secret = params.get('client_secret');
  if (id !== null && secret !== null && configuredIds.has(id) && req.headers.authorization === undefined) {
    const credentials = [id, secret].map(encodeURIComponent).join(':');
    req.headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    params.delete('client_secret');
  }
}

/** For what is the same for everybody and needs no cookie. */
export const allowEveryOrigin: RequestHandler = (_req, res, next) => {
  res.set({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, MCP-Protocol-Version',
  });
  next();
};
