import { type BackstageCredentials, coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import express from 'express';
import * as oauth from 'oauth4webapi';
import { createAuthPlugin, type Surroundings } from '../plugin.js';
import { Browser } from './Browser.js';

export const insecure = { [oauth.allowInsecureRequests]: true } as const;
export const allScopes = ['actions:read', 'actions:write', 'actions:destructive'];

/** What a terminal or an editor registers. */
export const publicClient = {
  client_name: 'Test Client',
  redirect_uris: ['http://127.0.0.1:9999/callback'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
};

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  scope: string;
}

/** A running authorization server, and shorthands for those who use it. */
export interface AuthApp extends TestApp {
  issuer: string;
  /** The default MCP server, for which tokens are issued. */
  resource: string;
  post(
    path: string,
    params: Record<string, string> | URLSearchParams,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  register(metadata?: Record<string, unknown>): Promise<Answer>;
  registerClient(metadata?: Record<string, unknown>): Promise<string>;
  /** An authorization request, with its verifier. */
  authorizeUrl(
    clientId: string,
    params?: Record<string, string | undefined>,
  ): Promise<{ url: string; verifier: string }>;
  /** Signs the guest in and approves. @returns where the browser ends. */
  approve(url: string, options?: { browser?: Browser; scopes?: string[] }): Promise<URL>;
  /** The whole code flow. */
  signIn(clientId: string, params?: Record<string, string | undefined>, scopes?: string[]): Promise<Tokens>;
  refresh(clientId: string, refreshToken: string, params?: Record<string, string>): Promise<Answer>;
  /** As the MCP plugin does it. */
  exchange(token: string, resource?: string): Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

export const baseAuthConfig = {
  experimentalDynamicClientRegistration: { enabled: true },
  providers: { guest: {} },
  registration: { perAddressPerHour: 1_000 },
};

/** Starts a backend with the plugin, a stock plugin that wants a user, and one in the place of the MCP plugin. */
export async function startAuthApp(
  options: { auth?: JsonObject; backend?: JsonObject; surroundings?: Surroundings; port?: number } = {},
): Promise<AuthApp> {
  const app = await startTestApp({
    port: options.port,
    features: [createAuthPlugin(options.surroundings), probePlugin, mcpStandIn, strangerPlugin],
    config: {
      auth: { ...baseAuthConfig, ...options.auth } as JsonObject,
      mcpActions: { name: 'Test Board', servers: { ops: { name: 'Operations' } } },
      ...(options.backend && { backend: options.backend }),
    },
  });
  const issuer = `${app.url}/api/auth`;
  const resource = `${app.url}/api/mcp-actions/v1`;
  return Object.assign(app, shorthands(app.url, issuer, resource));
}

/** @param url - of the backend that clients talk to; browsers go to the issuer, which may be another replica. */
export function shorthands(url: string, issuer: string, resource: string): Omit<AuthApp, keyof TestApp> {
  const endpoint = (path: string) => `${url}/api/auth${path}`;

  const post: AuthApp['post'] = async (path, params, headers = {}) =>
    answer(await fetch(endpoint(path), { method: 'POST', body: new URLSearchParams(params), headers }));
  const register: AuthApp['register'] = async (metadata = publicClient) =>
    answer(
      await fetch(endpoint('/v1/register'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(metadata),
      }),
    );
  const authorizeUrl: AuthApp['authorizeUrl'] = async (clientId, params = {}) => {
    const verifier = oauth.generateRandomCodeVerifier();
    const all: Record<string, string | undefined> = {
      client_id: clientId,
      response_type: 'code',
      redirect_uri: publicClient.redirect_uris[0],
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: 'the-state',
      resource,
      scope: allScopes.join(' '),
      ...params,
    };
    const query = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return { verifier, url: `${issuer}/v1/authorize?${new URLSearchParams(query)}` };
  };
  const approve: AuthApp['approve'] = async (
    authorizeAt,
    { browser = new Browser(new URL(issuer).origin), scopes = allScopes } = {},
  ) => {
    let page = await browser.open(authorizeAt);
    if (page.text.includes('/sign-in"')) {
      page = await browser.submit(page, '/sign-in', [], 'value="guest"');
    }
    if (!page.text.includes('/consent"')) {
      return new URL(page.url);
    }
    const decided = await browser.submit(page, '/consent', [
      ['decision', 'approve'],
      ...scopes.map((scope): [string, string] => ['scope', scope]),
    ]);
    return new URL(decided.url);
  };
  const signIn: AuthApp['signIn'] = async (clientId, params = {}, scopes = allScopes) => {
    const { url: authorizeAt, verifier } = await authorizeUrl(clientId, params);
    const end = await approve(authorizeAt, { scopes });
    const { status, body } = await post('/v1/token', {
      grant_type: 'authorization_code',
      client_id: clientId,
      code: end.searchParams.get('code') ?? '',
      redirect_uri: params.redirect_uri ?? (publicClient.redirect_uris[0] as string),
      code_verifier: verifier,
      ...(params.resource && { resource: params.resource }),
    });
    if (status !== 200) {
      throw new Error(`Signing in ended at ${end} with ${status} ${JSON.stringify(body)}`);
    }
    return body;
  };
  return {
    issuer,
    resource,
    post,
    register,
    registerClient: async metadata => (await register(metadata)).body.client_id,
    authorizeUrl,
    approve,
    signIn,
    refresh: (clientId, refreshToken, params = {}) =>
      post('/v1/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token: refreshToken, ...params }),
    exchange: async (token, of = resource) =>
      answer(
        await fetch(`${url}/api/mcp-actions/exchange`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ token, resource: of }),
        }),
      ),
  };
}

export async function answer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** An endpoint with Backstage's usual check, and one that is called by another plugin on the user's behalf. */
export const probePlugin = createBackendPlugin({
  pluginId: 'probe',
  register(env) {
    env.registerInit({
      deps: {
        auth: coreServices.auth,
        httpAuth: coreServices.httpAuth,
        http: coreServices.httpRouter,
        userInfo: coreServices.userInfo,
      },
      async init({ http, httpAuth, userInfo, auth }) {
        const router = express.Router();
        router.get('/whoami', async (req, res, next) => {
          try {
            const credentials = await httpAuth.credentials(req, { allow: ['user'] });
            const { token } = await auth.getLimitedUserToken(credentials);
            res.json({
              principal: credentials.principal,
              info: await userInfo.getUserInfo(credentials),
              limited: token,
            });
          } catch (error) {
            next(error);
          }
        });
        http.use(router);
      },
    });
  },
});

const mcpStandIn = exchangingPlugin('mcp-actions');
const strangerPlugin = exchangingPlugin('stranger');

/** Sends what it gets to the exchange endpoint, as itself; and calls another plugin as the user. */
function exchangingPlugin(pluginId: string) {
  return createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { auth: coreServices.auth, discovery: coreServices.discovery, http: coreServices.httpRouter },
        async init({ auth, discovery, http }) {
          const router = express.Router();
          router.use(express.json());
          const call = async (
            targetPluginId: string,
            path: string,
            onBehalfOf: BackstageCredentials,
            init: RequestInit,
          ) => {
            const { token } = await auth.getPluginRequestToken({ onBehalfOf, targetPluginId });
            return fetch(`${await discovery.getBaseUrl(targetPluginId)}${path}`, {
              ...init,
              headers: { ...(init.headers as object), Authorization: `Bearer ${token}` },
            });
          };
          const send = async (res: express.Response, response: Response) => {
            res
              .status(response.status)
              .type('json')
              .send(await response.text());
          };
          router.post('/exchange', (req, res, next) => {
            auth
              .getOwnServiceCredentials()
              .then(own =>
                call('auth', '/v1/mcp-token', own, {
                  method: 'POST',
                  headers: { 'Content-Type': 'application/json' },
                  body: JSON.stringify(req.body),
                }),
              )
              .then(response => send(res, response))
              .catch(next);
          });
          router.post('/delegate', (req, res, next) => {
            auth
              .authenticate(req.body.token)
              .then(credentials => call('probe', '/whoami', credentials, {}))
              .then(response => send(res, response))
              .catch(next);
          });
          http.addAuthPolicy({ path: '/', allow: 'unauthenticated' });
          http.use(router);
        },
      });
    },
  });
}
