import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import {
  type AuditedCall,
  type AuditOutcome,
  actionsRegistryServiceRef,
  auditTrailsServiceRef,
} from '@callboard/actions-api';
import { startTestApp, type TestFeature, type Visitor } from '@callboard/test-utils';
import express from 'express';
import * as z from 'zod';
import mcpFeatures from '../index.js';

/** Static tokens of services, and a user with a password. */
export const CI_TOKEN = 'token-of-ci-0123456789';
export const bob = { name: 'bob', password: 'a password of bob' };
export const guest = 'user:development/guest';

const auth = {
  experimentalDynamicClientRegistration: { enabled: true },
  providers: { guest: {} },
  localUsers: [
    {
      name: 'bob',
      passwordHash: 'scrypt$BwcHBwcHBwcHBwcHBwcHBw==$FiH2RaIF+KuymMrUAutHIGO4LmyCM5x6sJ7LTJ+9OFQ=',
    },
  ],
};

/** What a handler throws that repeats its secrets. */
const failures: Readonly<Record<string, (key: string) => unknown>> = {
  message: key => new Error(`The key ${key} is revoked`),
  text: key => `The key ${key} is revoked`,
  frozen: key => Object.freeze(new Error(`The key ${key} is revoked`)),
  lookalike: key => ({ name: 'RemoteError', message: `The key ${key} is revoked` }),
  field: key => Object.assign(new Error('The key *** is revoked'), { headers: { authorization: `Bearer ${key}` } }),
};

/** What a handler was given. */
interface Ran {
  readonly input: unknown;
  readonly secrets: unknown;
}

function createVaultPlugin() {
  const ran: Ran[] = [];
  const recorded: (AuditedCall & { outcome?: AuditOutcome })[] = [];
  const plugin = createBackendPlugin({
    pluginId: 'vault',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef, trails: auditTrailsServiceRef },
        async init({ registry, trails }) {
          trails.add({
            id: 'vault',
            async begin(call) {
              const record: (typeof recorded)[number] = { ...call };
              recorded.push(record);
              return { finish: async outcome => void Object.assign(record, { outcome }) };
            },
            async refuse(call, outcome) {
              recorded.push({ ...call, outcome });
            },
          });
          registry.register({
            name: 'store',
            title: 'Store an object',
            description: 'Puts an object into the store of somebody else.',
            schema: {
              input: z.object({ name: z.string(), fail: z.enum(Object.keys(failures)).optional() }),
              output: z.object({ name: z.string() }),
              secrets: z.object({
                key: z.string().min(8).describe('Of the account that pays.'),
                region: z.enum(['north', 'south']).optional().meta({ title: 'Where' }),
                retries: z.int().max(5).optional(),
                isTest: z.boolean().optional(),
                certificate: z.string().optional().meta({ contentMediaType: 'application/x-pem-file' }),
                more: z.record(z.string(), z.string()).optional(),
              }),
            },
            effect: 'create',
            action: async ({ input, secrets }) => {
              ran.push({ input, secrets });
              if (input.fail) {
                throw failures[input.fail]?.(secrets.key);
              }
              return { output: { name: input.name } };
            },
          });
          registry.register({
            name: 'look',
            title: 'Look',
            description: 'Takes no secrets.',
            schema: { input: z.object({}), output: z.object({}) },
            effect: 'read',
            action: async () => ({ output: {} }),
          });
        },
      });
    },
  });
  return { plugin, ran, recorded };
}

/** Tells who is signed in in a browser, with a token of theirs, as the auth plugin tells those that have pages. */
const tokensPlugin = createBackendPlugin({
  pluginId: 'approvals',
  register(env) {
    env.registerInit({
      deps: { auth: coreServices.auth, discovery: coreServices.discovery, http: coreServices.httpRouter },
      async init({ auth, discovery, http }) {
        const router = express.Router();
        router.post('/token', express.json(), async (req, res) => {
          const { token } = await auth.getPluginRequestToken({
            onBehalfOf: await auth.getOwnServiceCredentials(),
            targetPluginId: 'auth',
          });
          const response = await fetch(`${await discovery.getBaseUrl('auth')}/v1/browser-session`, {
            method: 'POST',
            headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
            body: JSON.stringify(req.body),
          });
          res.status(response.status).json(await response.json());
        });
        http.addAuthPolicy({ path: '/token', allow: 'unauthenticated' });
        http.use(router);
      },
    });
  },
});

/** Starts a backend with an action that takes secrets, at which people can sign in. */
export async function startVault(
  options: {
    features?: TestFeature[];
    mcpActions?: JsonObject;
    actions?: JsonObject;
    /** False for a backend without the auth plugin. */
    hasSignIn?: boolean;
    auth?: JsonObject;
  } = {},
) {
  const { plugin, ran, recorded } = createVaultPlugin();
  const { features = [], mcpActions = {}, actions = {}, hasSignIn = true } = options;
  const app = await startTestApp({
    features: [
      mcpFeatures,
      plugin,
      tokensPlugin,
      ...(hasSignIn ? [import('@callboard/plugin-auth-backend')] : []),
      ...features,
    ],
    config: {
      ...(hasSignIn && { auth: { ...auth, ...options.auth } }),
      mcpActions,
      backend: {
        actions: { pluginSources: ['vault'], environment: 'staging', ...actions },
        auth: { externalAccess: [{ type: 'static', options: { token: CI_TOKEN, subject: 'ci' } }] },
      },
    },
  });
  return {
    ...app,
    mcpUrl: `${app.url}/api/mcp-actions/v1`,
    ran,
    recorded,
    decisions: () => recorded.map(({ decision }) => decision),
    /** Events of the auditor of one kind. */
    auditEvents: (eventId: string) =>
      app.logs.filter(line => line.isAuditEvent && line.eventId === eventId) as unknown as {
        status: string;
        meta: JsonObject;
      }[],
    /** A token with which an MCP client acts for whoever is signed in in this browser. */
    async tokenOf(visitor: Visitor): Promise<string> {
      const response = await fetch(`${app.url}/api/approvals/token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ session: visitor.cookie('callboard-browser') }),
      });
      return ((await response.json()) as { token: string }).token;
    },
  };
}

export type VaultApp = Awaited<ReturnType<typeof startVault>>;
