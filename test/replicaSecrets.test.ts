import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import authFeatures from '@callboard/plugin-auth-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type ConnectedClient,
  connectClient,
  describeOnPostgres,
  describeOnRedis,
  hiddenField,
  startTestApp,
  Visitor,
} from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { publicClient, shorthands } from '../plugins/auth-backend/src/testing/startAuthApp.js';
import { type Replica, type Replicas, startReplicas } from './testing/startReplicas.js';

const secret = 'k-0123456789-hush';
const mcpPath = '/api/mcp-actions/v1';

/** Pays with somebody's key. */
const createCashierPlugin = (port: number, ran: unknown[]) =>
  createBackendPlugin({
    pluginId: 'cashier',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          registry.register({
            name: 'pay',
            title: 'Pay an invoice',
            description: 'Pays an invoice from the account of the key.',
            schema: {
              input: z.object({ invoice: z.string() }),
              output: z.object({ invoice: z.string() }),
              secrets: z.object({ key: z.string().min(8) }),
            },
            effect: 'execute',
            action: async ({ input, secrets }) => {
              ran.push({ port, ...input, ...secrets });
              return { output: input };
            },
          });
        },
      });
    },
  });

await describeOnPostgres('secrets of a call that reaches two replicas by turns', () =>
  describeOnRedis('which share a Redis', () => {
    let shared: Replicas;
    let one: Replica;
    let two: Replica;
    let token: string;
    let visitor: Visitor;
    let client: ConnectedClient | undefined;
    const ran: unknown[] = [];

    beforeAll(async () => {
      shared = await startReplicas({
        redis: true,
        startApp: ({ port, backend }) => {
          const { replicas } = backend.actions as { replicas: JsonObject };
          const { secret: _, ...withoutSecret } = replicas;
          return startTestApp({
            port,
            features: [authFeatures, approvalsFeatures, mcpFeatures, createCashierPlugin(port, ran)],
            config: {
              backend: {
                ...backend,
                // Sealed under the key in the database.
                actions: { replicas: withoutSecret, pluginSources: ['cashier'], mode: 'safe', environment: 'staging' },
              },
              auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
              approvals: { selfApproval: true },
            },
          });
        },
      });
      [one, two] = shared.replicas;
      const mcpUrl = shared.url + mcpPath;
      const { registerClient, signIn } = shorthands(shared.url, `${shared.url}/api/auth`, mcpUrl);
      token = (await signIn(await registerClient(publicClient), { resource: mcpUrl })).access_token;
      visitor = new Visitor(shared.url);
      await visitor.signIn('/api/mcp-actions/secrets/x');
    });
    afterAll(() => shared?.stop());
    afterEach(() => client?.close());

    async function connect(options: Partial<Parameters<typeof connectClient>[0]> = {}) {
      const connected = await connectClient({ url: shared.url + mcpPath, token, kind: 'v2-modern', ...options });
      client = connected;
      return async (invoice: string) => {
        const result = (await connected.callTool('cashier.pay', { invoice })) as {
          content: { text?: string }[];
          _meta?: { 'callboard/secrets'?: { url: string }; 'callboard/approval'?: { url: string } };
        };
        return {
          text: result.content[0]?.text ?? '',
          secretsAt: result._meta?.['callboard/secrets']?.url ?? '',
          approvalAt: result._meta?.['callboard/approval']?.url ?? '',
        };
      };
    }

    async function enterAt(url: string, at: { page: Replica[]; form: Replica[] }): Promise<number> {
      const { pathname } = new URL(url);
      const page = await shared.only(at.page, () => visitor.get(pathname));
      const form = { csrf: hiddenField(page, 'csrf'), field0: secret };
      return (await shared.only(at.form, () => visitor.post(pathname, form))).status;
    }

    it('are asked for at one, shown at the other, and used once, with an approval', async () => {
      const pay = await connect();

      const first = await shared.only([one], () => pay('pages'));
      const asked = await shared.only([two], () => pay('pages'));
      const entered = await enterAt(first.secretsAt, { page: [two], form: [two] });
      const again = await shared.only([one], () => visitor.get(new URL(first.secretsAt).pathname));
      const second = await shared.only([two], () => pay('pages'));
      const { pathname } = new URL(second.approvalAt);
      const approval = await shared.only([one], () => visitor.get(pathname));
      const decision = { csrf: hiddenField(approval, 'csrf'), decision: 'approve' };
      await shared.only([one], () => visitor.post(`${pathname}/decision`, decision));
      const [third, fourth] = [
        await shared.only([one], () => pay('pages')),
        await shared.only([two], () => pay('pages')),
      ];

      expect(first.text).toContain('SecretsRequiredError');
      expect(asked.secretsAt).toBe(first.secretsAt);
      expect(entered).toBe(303);
      expect(again.text).toContain('You can close this page');
      expect(second.text).toContain('ApprovalRequiredError');
      expect(third.text).toBe(JSON.stringify({ invoice: 'pages' }));
      expect(fourth.secretsAt).not.toBe(first.secretsAt);
      expect(ran).toEqual([{ port: one.port, invoice: 'pages', key: secret }]);
    });

    it('are waited for wherever the client comes back', async () => {
      const asked: string[] = [];
      const pay = await connect({
        elicitation: { form: {}, url: {} },
        answer: async (_, { mode = 'form', url }) => {
          asked.push(mode);
          if (url) {
            await enterAt(url, { page: [one, two], form: [two, one] });
          }
          return 'accept' as const;
        },
      });

      const results = [];
      for (const invoice of ['wait-1', 'wait-2', 'wait-3']) {
        results.push((await pay(invoice)).text);
      }

      expect(results).toEqual(['wait-1', 'wait-2', 'wait-3'].map(invoice => JSON.stringify({ invoice })));
      expect(asked).toEqual(['url', 'form', 'url', 'form', 'url', 'form']);
      expect(ran).toHaveLength(4);
    });

    it('are refused to somebody who guesses, by each replica alike', async () => {
      const unknown = `/api/mcp-actions/secrets/${'A'.repeat(12)}.${'A'.repeat(32)}`;

      const pages = [
        await shared.only([one], () => visitor.get(unknown)),
        await shared.only([two], () => visitor.get(unknown)),
      ];

      expect(pages.map(({ status }) => status)).toEqual([404, 404]);
    });
  }),
);
