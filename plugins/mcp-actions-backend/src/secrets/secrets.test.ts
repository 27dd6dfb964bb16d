import type { JsonObject } from '@backstage/types';
import { type ClientKind, clientKinds, connectClient, hiddenField, post, Visitor } from '@callboard/test-utils';
import { StreamableHTTPClientTransport, Client as V2Client } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { modern } from '../testing/startProbe.js';
import { bob, CI_TOKEN, guest, startVault, type VaultApp } from '../testing/startVault.js';

const secret = 'k-0123456789-hush';

let app: VaultApp;
let closers: (() => Promise<void>)[] = [];
/** The guest, at their browser; and the token with which their client acts for them. */
let visitor: Visitor;
let token: string;

async function start(options: Parameters<typeof startVault>[0] = {}) {
  app = await startVault(options);
  closers.push(app.stop);
  visitor = new Visitor(app.url);
  if (options.hasSignIn !== false && !options.auth) {
    await visitor.signIn('/api/mcp-actions/secrets/x');
    token = await app.tokenOf(visitor);
  }
}

afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.reverse()) {
    await close();
  }
  closers = [];
});

async function connect(kind: ClientKind, options: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const client = await connectClient({ url: app.mcpUrl, token, kind, ...options });
  closers.push(client.close);
  const store = async (name = 'one') => {
    const result = (await client.callTool('vault.store', { name })) as Awaited<ReturnType<typeof client.callTool>> & {
      _meta?: JsonObject;
    };
    return {
      isError: result.isError ?? false,
      text: result.content[0]?.text ?? '',
      secrets: result._meta?.['callboard/secrets'] as { url: string; expiresAt: string } | undefined,
    };
  };
  return { client, store };
}

const pathOf = (url: string) => new URL(url).pathname;
/** Enters secrets on a page as its form would. */
async function enter(url: string, form: Record<string, string> = { field0: secret }, who = visitor) {
  const page = await who.get(pathOf(url));
  return who.post(pathOf(url), { csrf: hiddenField(page, 'csrf'), ...form });
}
/** Neither the log with all audit events, nor the trail, nor what clients got has it. */
function expectNoSecret(...more: unknown[]) {
  const errors = app.logs.map(line =>
    line.error instanceof Error ? [line.error.message, line.error.stack, { ...line.error }] : [line.error],
  );
  expect(JSON.stringify([app.logs, errors, app.recorded, more])).not.toContain(secret);
}

describe.each(clientKinds)('a client that can show pages, %s', kind => {
  it('goes on with the call as soon as the person has entered the secrets', async () => {
    await start();
    const questions: { mode?: string; url?: string; message: string }[] = [];
    const { store } = await connect(kind, {
      elicitation: { url: {} },
      answer: async (_, question) => {
        questions.push(question);
        expect((await enter(question.url as string)).location).toBe('/api/mcp-actions/secrets/entered');
        return { action: 'accept' };
      },
    });

    const result = await store();

    expect(result).toMatchObject({ isError: false, text: '{"name":"one"}' });
    expect(app.ran).toEqual([{ input: { name: 'one' }, secrets: { key: secret } }]);
    expect(questions).toHaveLength(1);
    expect(questions[0]).toMatchObject({
      mode: 'url',
      url: expect.stringMatching(new RegExp(`^${app.url}/api/mcp-actions/secrets/[\\w-]{12}\\.[\\w-]{32}$`)),
      message:
        'Store an object (vault:store, in staging) needs secrets: key, region, retries, isTest, certificate, more. Enter them on the page of the server. Neither this client nor its model sees them.',
    });
    expect(app.decisions()).toEqual(['needs_secrets_asked', 'needs_secrets_supplied']);
    expectNoSecret(result, questions);
  });

  it('waits for a person who takes longer than the client to say that the page is open', async () => {
    await start();
    let entering: Promise<unknown> = Promise.resolve();
    const { store } = await connect(kind, {
      elicitation: { url: {} },
      answer: (_, { url }) => {
        // As a person at their browser, who is not waited for by the client.
        entering = visitor.get(pathOf(url as string)).then(() => enter(url as string));
        return { action: 'accept' };
      },
    });

    const result = await store();
    await entering;

    expect(result.isError).toBe(false);
    expect(app.ran).toHaveLength(1);
  });

  it.each([
    ['decline', 'needs_secrets_declined', 'declined'],
    ['cancel', 'needs_secrets_cancelled', 'did not decide'],
  ] as const)('is refused when the person answers %s, and the page is closed', async (action, decision, what) => {
    await start();
    let url = '';
    const { store } = await connect(kind, {
      elicitation: { url: {} },
      answer: (_, question) => {
        url = question.url as string;
        return { action };
      },
    });

    const result = await store();

    expect(result).toMatchObject({
      isError: true,
      text: `NotAllowedError: Action "vault:store" did not run: the person who was asked for its secrets ${what}`,
    });
    expect((await visitor.get(pathOf(url))).status).toBe(404);
    expect(app.decisions()).toEqual(['needs_secrets_asked', decision]);
    expect(app.ran).toEqual([]);
  });
});

describe.each(clientKinds)('a client that cannot show pages, %s', kind => {
  it('is told the page, and the same call made again runs once', async () => {
    await start();
    const { store } = await connect(kind);

    const refused = await store();
    await enter(refused.secrets?.url as string);
    const [other, done, again] = [await store('other'), await store(), await store()];

    expect(refused.isError).toBe(true);
    expect(refused.text).toBe(
      `SecretsRequiredError: Action "vault:store" needs secrets, which must not be part of a call. Ask ${guest} to enter them at ${refused.secrets?.url} and make the same call again with the same arguments after that, before ${refused.secrets?.expiresAt}.`,
    );
    expect(other.isError).toBe(true);
    expect(done).toMatchObject({ isError: false, text: '{"name":"one"}' });
    expect(again.secrets?.url).not.toBe(refused.secrets?.url);
    expect(app.ran).toEqual([{ input: { name: 'one' }, secrets: { key: secret } }]);
    expect(app.decisions()).toEqual([
      'needs_secrets_pending',
      'needs_secrets_pending',
      'needs_secrets_supplied',
      'needs_secrets_pending',
    ]);
    expectNoSecret(refused, done, again);
  });

  it('takes forms only, and is not sent anywhere', async () => {
    await start();
    const { store } = await connect(kind, { answer: () => 'accept', elicitation: { form: {} } });

    expect((await store()).text).toContain('SecretsRequiredError');
  });
});

describe.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)('in the 2025 era, %s', kind => {
  it('a client that fails to show the page is told it, and the call is not lost', async () => {
    await start();
    const { store } = await connect(kind, {
      elicitation: { url: {} },
      answer: () => Promise.reject(new Error('No browser')),
    });

    const refused = await store();
    await enter(refused.secrets?.url as string);

    expect(refused.text).toContain('SecretsRequiredError');
    expect((await store()).isError).toBe(false);
    expect(app.decisions()).toEqual(['needs_secrets_asked', 'needs_secrets_pending', 'needs_secrets_supplied']);
  });

  it('a client that never says that the page is open goes on when the person is done', async () => {
    await start();
    const { store } = await connect(kind, {
      elicitation: { url: {} },
      answer: (_, { url }) => {
        void enter(url as string);
        return new Promise(() => {});
      },
    });

    expect((await store()).isError).toBe(false);
  });
});

it('a client of the 2025 era without a session is told the page', async () => {
  await start();
  const { message } = await post(
    app.mcpUrl,
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'vault.store', arguments: { name: 'one' } } },
    { token },
  );

  expect(message.result).toMatchObject({
    isError: true,
    _meta: { 'callboard/secrets': { url: expect.stringContaining('/api/mcp-actions/secrets/') } },
  });
});

it('in the 2025 era the client is told when the person is done, by the id of the question', async () => {
  await start();
  const client = new V2Client({ name: 'test', version: '1' }, { capabilities: { elicitation: { url: {} } } });
  let asked = '';
  const completed = new Promise<string>(resolve => {
    client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => resolve(params.elicitationId));
  });
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    const { url, elicitationId } = params as { url: string; elicitationId: string };
    asked = elicitationId;
    void enter(url);
    return { action: 'accept' };
  });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(app.mcpUrl), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  );
  closers.push(() => client.close());

  await client.callTool({ name: 'vault.store', arguments: { name: 'one' } });

  expect(await completed).toBe(asked);
});

describe('in the 2026 era', () => {
  const capabilities = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
  const attempt = async (more: JsonObject = {}, as = token) => {
    const { body, headers } = modern(
      'tools/call',
      { name: 'vault.store', arguments: { name: 'one' }, ...more },
      capabilities,
    );
    const response = await fetch(app.mcpUrl, {
      method: 'POST',
      headers: {
        ...headers,
        Authorization: `Bearer ${as}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const json = text.startsWith('{')
      ? text
      : (text
          .match(/^data: (.*)$/gm)
          ?.at(-1)
          ?.slice(6) ?? '{}');
    return JSON.parse(json);
  };
  const accepting = (requestState: unknown): JsonObject => ({
    requestState: requestState as string,
    inputResponses: { secrets: { action: 'accept' } },
  });

  it('the answer requires input, and the client’s next request waits for the person and goes on', async () => {
    await start();

    const { result: asked } = await attempt();
    const resumed = attempt(accepting(asked.requestState));
    await enter(asked.inputRequests.secrets.params.url);

    expect(asked.resultType).toBe('input_required');
    expect(asked.inputRequests.secrets).toEqual({
      method: 'elicitation/create',
      params: {
        mode: 'url',
        url: expect.stringContaining('/secrets/'),
        message: expect.stringContaining('Store an object'),
      },
    });
    expect((await resumed).result.structuredContent).toEqual({ name: 'one' });
    expectNoSecret(asked);
  });

  it('state of another caller is of no use', async () => {
    await start({ mcpActions: { secrets: { users: [guest] } } });
    const { result: asked } = await attempt();
    await enter(asked.inputRequests.secrets.params.url);

    const stolen = await attempt(accepting(asked.requestState), CI_TOKEN);

    expect(stolen.error?.code).toBe(-32602);
    expect(app.ran).toEqual([]);
    expect((await attempt(accepting(asked.requestState))).result.structuredContent).toEqual({ name: 'one' });
  });

  it('a client that lost its state makes the call anew, and gets what was entered', async () => {
    await start();
    const { result: asked } = await attempt();
    await enter(asked.inputRequests.secrets.params.url);

    expect((await attempt()).result.structuredContent).toEqual({ name: 'one' });
    expect(app.ran).toHaveLength(1);
  });
});

describe('calls of services', () => {
  it('are refused where the configuration names nobody, with the key', async () => {
    await start();
    const { store } = await connect('v2-modern', { token: CI_TOKEN });

    expect((await store()).text).toContain('mcpActions.secrets.users names nobody');
    expect(app.decisions()).toEqual(['needs_secrets_unavailable']);
  });

  it('run with what one of those has entered whom it names, and nobody else', async () => {
    await start({ mcpActions: { secrets: { users: ['user:default/bob'] } } });
    const { store } = await connect('v2-modern', { token: CI_TOKEN });
    const { secrets } = await store();
    const other = new Visitor(app.url);
    await other.signIn(pathOf(secrets?.url as string), bob);

    const [refused, entered] = [
      await enter(secrets?.url as string),
      await enter(secrets?.url as string, { field0: secret }, other),
    ];

    expect([refused.status, entered.status]).toEqual([403, 303]);
    expect((await store()).isError).toBe(false);
  });
});

it('secrets are not kept longer than configuration says', async () => {
  await start({ mcpActions: { secrets: { users: [guest], lifetimeMinutes: 2 } } });
  const { store } = await connect('v2-modern', { token: CI_TOKEN });
  vi.useFakeTimers({ toFake: ['Date'] });
  const pages = await Promise.all(
    ['used', 'unused', 'late'].map(async name => (await store(name)).secrets?.url as string),
  );
  const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);
  pass(119);
  await enter(pages[0] as string);
  await enter(pages[1] as string);

  pass(1);
  expect((await visitor.get(pathOf(pages[2] as string))).status).toBe(404);
  pass(118);
  expect((await store('used')).isError).toBe(false);
  pass(1);
  expect((await store('unused')).secrets?.url).not.toBe(pages[1]);
  expect((await visitor.get(pathOf(pages[1] as string))).status).toBe(404);
  expect(app.ran).toHaveLength(1);
});

it.each(['message', 'text', 'frozen', 'lookalike', 'field'])(
  'what a handler throws does not repeat secrets, wherever it ends up, nor keeps the end of the call from the records: %s',
  async fail => {
    await start();
    const { client } = await connect('v2-modern');
    const call = () =>
      client.callTool('vault.store', { name: 'one', fail }).then(
        result => result as object as { _meta?: { 'callboard/secrets'?: { url: string } } },
        (error: Error) => error,
      );
    const refused = await call();
    await enter(
      (refused as { _meta?: { 'callboard/secrets'?: { url: string } } })._meta?.['callboard/secrets']?.url ?? '',
    );

    const failed = await call();

    expect(app.ran).toHaveLength(1);
    expect(failed).toBeInstanceOf(Error);
    expect(app.recorded[1]?.outcome?.error?.message).toContain('*** is revoked');
    expect(app.auditEvents('tool-execution').map(({ status }) => status)).toEqual([
      'initiated',
      'failed',
      'initiated',
      'failed',
    ]);
    expectNoSecret((failed as Error).message);
  },
);

describe('actions that take secrets', () => {
  it('are tools where people can sign in', async () => {
    await start();
    const { client } = await connect('v2-modern');

    expect((await client.listTools()).map(({ name }) => name)).toEqual(['vault.look', 'vault.store']);
    expect(JSON.stringify(await client.listTools())).not.toContain('account that pays');
  });

  it('are none without the auth plugin, and the log says why', async () => {
    await start({ hasSignIn: false });
    const { client } = await connect('v2-modern', { token: CI_TOKEN });

    expect((await client.listTools()).map(({ name }) => name)).toEqual(['vault.look']);
    await expect(client.callTool('vault.store', { name: 'one' })).rejects.toThrow('Unknown tool');
    expect(app.logs.filter(({ message }) => message.includes('take secrets')).map(({ message }) => message)).toEqual([
      'Actions that take secrets are no tools here, because nobody can sign in to enter them (that takes @callboard/plugin-auth-backend with sign-in on): vault:store',
    ]);
  });

  it('are none with an auth plugin at which nobody signs in', async () => {
    await start({ auth: { experimentalDynamicClientRegistration: { enabled: false } } });
    const { client } = await connect('v2-modern', { token: CI_TOKEN });

    expect((await client.listTools()).map(({ name }) => name)).toEqual(['vault.look']);
  });
});

it('HTTP and code of the process bring their secrets along, as before', async () => {
  await start();
  const invoke = async (version: string, body: object) => {
    const response = await fetch(`${app.url}/api/vault/.backstage/actions/${version}/actions/vault:store/invoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${CI_TOKEN}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { error?: { message: string } };
    return { status: response.status, error: answer.error?.message };
  };

  expect((await invoke('v1', { name: 'one' })).error).toBe(
    'Action "vault:store" requires secrets but none were provided',
  );
  expect(await invoke('v2', { input: { name: 'one' }, secrets: { key: secret } })).toMatchObject({ status: 200 });
});
