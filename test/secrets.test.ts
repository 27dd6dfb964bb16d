import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import auditFeatures from '@callboard/plugin-audit-backend';
import authFeatures from '@callboard/plugin-auth-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type ClientKind,
  type ConnectedClient,
  clientKinds,
  connectClient,
  hiddenField,
  startTestApp,
  type TestApp,
  Visitor,
} from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { callsIn, makeFolder } from '../plugins/audit-backend/src/testing/trailFolder.js';
import { publicClient, shorthands } from '../plugins/auth-backend/src/testing/startAuthApp.js';

const secret = 'k-0123456789-hush';
const guest = 'user:development/guest';

let folder: ReturnType<typeof makeFolder>;
let app: TestApp;
let mcpUrl: string;
let clientId: string;
let token: string;
let visitor: Visitor;
let client: ConnectedClient | undefined;
const ran: unknown[] = [];

/** Pays with somebody's key, which is nothing that a mode lets run by itself. */
const cashierPlugin = createBackendPlugin({
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
          preview: async ({ input }) => ({ summary: `Invoice ${input.invoice} would be paid.` }),
          action: async ({ input, secrets }) => {
            ran.push({ ...input, ...secrets });
            return { output: input };
          },
        });
      },
    });
  },
});

beforeAll(async () => {
  folder = makeFolder();
  app = await startTestApp({
    features: [authFeatures, approvalsFeatures, auditFeatures, mcpFeatures, cashierPlugin],
    config: {
      backend: { actions: { pluginSources: ['cashier'], mode: 'safe', environment: 'staging' } },
      auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
      approvals: { selfApproval: true },
      audit: { file: { directory: join(folder.path, 'audit') } },
    },
  });
  mcpUrl = `${app.url}/api/mcp-actions/v1`;
  const { registerClient, signIn } = shorthands(app.url, `${app.url}/api/auth`, mcpUrl);
  clientId = await registerClient(publicClient);
  token = (await signIn(clientId, { resource: mcpUrl })).access_token;
  visitor = new Visitor(app.url);
  await visitor.signIn('/api/mcp-actions/secrets/x');
});
afterAll(async () => {
  await app?.stop();
  folder?.remove();
});
afterEach(() => client?.close());

const trailDirectory = () => join(folder.path, 'audit');
const decisionsOf = (invoice: string) =>
  callsIn(trailDirectory())
    .filter(({ input }) => (input as { invoice?: string } | undefined)?.invoice === invoice)
    .map(({ decision }) => decision);

async function enterAt(url: string): Promise<string> {
  const { pathname } = new URL(url);
  const page = await visitor.get(pathname);
  await visitor.post(pathname, { csrf: hiddenField(page, 'csrf'), field0: secret });
  return page.text;
}

async function approveAt(url: string): Promise<string> {
  const { pathname } = new URL(url);
  const page = await visitor.get(pathname);
  await visitor.post(`${pathname}/decision`, { csrf: hiddenField(page, 'csrf'), decision: 'approve' });
  return page.text;
}

async function connect(kind: ClientKind, options: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const connected = await connectClient({ url: mcpUrl, token, kind, ...options });
  client = connected;
  return async (invoice: string) => {
    const result = (await connected.callTool('cashier.pay', { invoice })) as {
      isError?: boolean;
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

describe.each(clientKinds)('a call that takes secrets and needs an approval, by %s', kind => {
  it('has each entered and decided once, on their pages, and runs once', async () => {
    const invoice = `pages-${kind}`;
    const pay = await connect(kind);

    const first = await pay(invoice);
    const secretsPage = await enterAt(first.secretsAt);
    const second = await pay(invoice);
    const approvalPage = await approveAt(second.approvalAt);
    const [third, fourth] = [await pay(invoice), await pay(invoice)];

    expect(first.text).toContain('SecretsRequiredError');
    expect(secretsPage).toContain(`client <code>${clientId}</code>`);
    expect(second.text).toContain('ApprovalRequiredError');
    expect(approvalPage).toContain(`Invoice ${invoice} would be paid.`);
    expect(third.text).toBe(JSON.stringify({ invoice }));
    expect(fourth.secretsAt).not.toBe(first.secretsAt);
    expect(ran.filter(input => (input as { invoice: string }).invoice === invoice)).toEqual([{ invoice, key: secret }]);
    expect(decisionsOf(invoice)).toEqual([
      'needs_secrets_pending',
      'needs_approval_pending',
      'needs_approval_accepted',
      'needs_secrets_pending',
    ]);
    expect(JSON.stringify([first, second, third, fourth, approvalPage])).not.toContain(secret);
  });

  it('runs at once with a client that can show the page and ask for the approval', async () => {
    const invoice = `client-${kind}`;
    const asked: string[] = [];
    const pay = await connect(kind, {
      elicitation: { form: {}, url: {} },
      answer: async (_, { mode = 'form', url }) => {
        asked.push(mode);
        if (url) {
          await enterAt(url);
        }
        return 'accept' as const;
      },
    });

    expect((await pay(invoice)).text).toBe(JSON.stringify({ invoice }));
    expect(asked).toEqual(['url', 'form']);
    expect(ran.filter(input => (input as { invoice: string }).invoice === invoice)).toHaveLength(1);
    expect(decisionsOf(invoice)).toEqual(['needs_secrets_asked', 'needs_approval_asked', 'needs_approval_accepted']);
  });

  it('does not run when the approval is declined', async () => {
    const invoice = `declined-${kind}`;
    const pay = await connect(kind, {
      elicitation: { form: {}, url: {} },
      answer: async (_, { url }) => {
        if (url) {
          await enterAt(url);
        }
        return url ? 'accept' : 'decline';
      },
    });

    expect((await pay(invoice)).text).toContain('did not run');
    expect(ran.filter(input => (input as { invoice: string }).invoice === invoice)).toEqual([]);
    expect(decisionsOf(invoice)).toEqual(['needs_secrets_asked', 'needs_approval_asked', 'needs_approval_declined']);
  });
});

it('the secrets are in no log, no record and no approval', async () => {
  const files = readdirSync(trailDirectory()).map(name => readFileSync(join(trailDirectory(), name), 'utf8'));
  const list = await visitor.get('/api/approvals/v1/pages');
  const errors = app.logs.map(line => (line.error instanceof Error ? [line.error.message, line.error.stack] : []));

  expect(files.join('')).toContain('needs_secrets_pending');
  expect(ran.length).toBeGreaterThan(5);
  expect([...files, list.text, JSON.stringify([app.logs, errors])].join('')).not.toContain(secret);
  expect(
    app.logs.filter(({ eventId, status }) => eventId === 'secrets-entry' && status === 'succeeded')[0]?.meta,
  ).toMatchObject({
    principal: guest,
    requestedBy: guest,
    actionId: 'cashier:pay',
  });
});
