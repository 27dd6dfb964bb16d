import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inProcessCaller } from '../testing/actionsPlugin.js';
import { errorClassNames, samplePlugin } from '../testing/sampleActions.js';
import { type HttpAnswer, startTestBackend, type TestBackend, testToken } from '../testing/startTestBackend.js';
import { createUserTokens } from '../testing/userTokens.js';

let stock: TestBackend;
let callboard: TestBackend;
let userToken: string;
const callers = { stock: inProcessCaller(), callboard: inProcessCaller() };

beforeAll(async () => {
  const users = await createUserTokens();
  userToken = await users.issue('user:default/ann');
  const start = (actions: 'stock' | 'callboard') =>
    startTestBackend({
      actions,
      features: [samplePlugin, users.feature, callers[actions].feature],
      backendConfig: { actions: { pluginSources: ['sample'] } },
      externalAccess: [
        {
          type: 'static',
          options: { token: 'restricted-token', subject: 'external:few' },
          accessRestrictions: [{ plugin: 'sample' }],
        },
        {
          type: 'static',
          options: { token: 'elsewhere-token', subject: 'external:other' },
          accessRestrictions: [{ plugin: 'caller' }],
        },
      ],
    });
  [stock, callboard] = await Promise.all([start('stock'), start('callboard')]);
});

afterAll(() => Promise.all([stock?.stop(), callboard?.stop()]));

const tokens = (): [string, string | null][] => [
  ['an unrestricted service', testToken],
  ['a service restricted to the plugin', 'restricted-token'],
  ['a service restricted to another plugin', 'elsewhere-token'],
  ['a user', userToken],
  ['nobody', null],
  ['a wrong token', 'wrong-token'],
];

async function both(ask: (backend: TestBackend) => Promise<HttpAnswer>): Promise<[HttpAnswer, HttpAnswer]> {
  return Promise.all([ask(callboard), ask(stock)]);
}

/** Name and message as both say them, up to the details of a failed check, which each words for itself. */
function essence({ status, body }: HttpAnswer) {
  if (!body?.error) {
    return { status, body };
  }
  const { error, request, response } = body;
  return {
    status,
    name: error.name,
    message: error.message.split(/(?<=^Invalid \w+ (?:to|for) action "[^"]+")/)[0],
    request,
    response,
  };
}

describe('the list', () => {
  test('is equal in every field', async () => {
    const [ours, theirs] = await both(backend => backend.listActions('sample'));

    expect(ours.status).toBe(200);
    expect(ours.body.actions).toHaveLength(9);
    expect(ours.body).toEqual(theirs.body);
  });

  test('is equal for every kind of caller', async () => {
    for (const [caller, token] of tokens()) {
      const [ours, theirs] = await both(backend => backend.listActions('sample', { token }));

      expect(essence(ours), caller).toEqual(essence(theirs));
    }
  });
});

describe('an invocation', () => {
  const cases: [string, number, string, Parameters<TestBackend['invokeAction']>[1]][] = [
    ['that is right, over v1', 200, 'sample:echo', { body: { text: 'ho', times: 3 } }],
    ['that is right, over v2', 200, 'sample:echo', { version: 'v2', body: { input: { text: 'ho' } } }],
    ['with keys that the schema does not know', 200, 'sample:echo', { body: { text: 'ho', more: 1 } }],
    [
      'with more in the body of v2',
      200,
      'sample:echo',
      { version: 'v2', body: { input: { text: 'ho' }, server: 'x', id: 'y' } },
    ],
    ['of an action without schemas', 200, 'sample:bare', { body: { a: 1 } }],
    ['of an action without schemas, over v2', 200, 'sample:bare', { version: 'v2', body: { input: { a: 1 } } }],
    ['of an action that returns nothing', 200, 'sample:constructor', {}],
    ['of an action with a hostile name', 200, 'sample:__proto__', { body: '{"__proto__":{"polluted":true},"a":1}' }],
    ['of an action that needs a permission', 200, 'sample:archive', {}],
    ['of an unknown action', 404, 'sample:nothing', {}],
    ['of a method of objects', 404, 'sample:toString', {}],
    ['of an unknown action, with wrong input', 404, 'sample:nothing', { body: { text: 1 } }],
    ['with wrong input', 400, 'sample:echo', { body: { text: '' } }],
    ['with an array for input', 400, 'sample:echo', { body: [] }],
    ['without a body', 400, 'sample:echo', { body: undefined }],
    ['without a body, over v2', 400, 'sample:echo', { version: 'v2', body: undefined }],
    ['with an array for the body of v2', 400, 'sample:echo', { version: 'v2', body: [1] }],
    ['with wrong input and missing secrets', 400, 'sample:share', { body: {} }],
    ['without the secrets, over v1', 400, 'sample:share', { body: { with: 'ann' } }],
    ['without the secrets, over v2', 400, 'sample:share', { version: 'v2', body: { input: { with: 'ann' } } }],
    ['with secrets', 200, 'sample:share', { version: 'v2', body: { input: { with: 'ann' }, secrets: { key: 'abc' } } }],
    [
      'with wrong secrets',
      400,
      'sample:share',
      { version: 'v2', body: { input: { with: 'ann' }, secrets: { key: 1 } } },
    ],
    [
      'with secrets that are not taken',
      400,
      'sample:echo',
      { version: 'v2', body: { input: { text: 'a' }, secrets: {} } },
    ],
    [
      'with wrong input and secrets that are not taken',
      400,
      'sample:echo',
      { version: 'v2', body: { input: {}, secrets: {} } },
    ],
  ];

  test.each(cases)('%s is answered alike, with status %i', async (_, status, id, options) => {
    const [ours, theirs] = await both(backend => backend.invokeAction(id, options));

    expect(ours.status).toBe(status);
    expect(essence(ours)).toEqual(essence(theirs));
  });

  test.each([
    ['malformed JSON', { body: '{"message":' }, 400],
    ['JSON that is no object', { body: '"text"' }, 400],
    ['a key that appears twice', { body: '{"message":"a","message":"b"}' }, 400],
    ['100 levels', { body: `${'{"a":'.repeat(100)}1${'}'.repeat(100)}` }, 400],
    ['another content type', { body: 'text=a', headers: { 'content-type': 'text/plain' } }, 415],
  ])(
    'with %s is refused as the strict reader of MCP does it, and as an error of bad input',
    async (_, options, status) => {
      const { status: answered, body } = await callboard.invokeAction('sample:echo', options);

      expect([answered, body.error.name]).toEqual([status, 'InputError']);
    },
  );

  test('of a malformed id is answered alike', async () => {
    const [ours, theirs] = await both(backend =>
      backend.request('/api/sample/.backstage/actions/v1/actions/%E0%A4%A/invoke', { method: 'POST', body: {} }),
    );

    expect(essence(ours)).toEqual(essence(theirs));
  });

  test('by every kind of caller is answered alike, and the handler sees the same principal', async () => {
    for (const [caller, token] of tokens()) {
      const [ours, theirs] = await both(backend => backend.invokeAction('sample:whoami', { token }));

      expect(essence(ours), caller).toEqual(essence(theirs));
    }
  });

  test.each(errorClassNames)('that ends in a %s keeps its status, name and message', async name => {
    for (const forwarded of [false, true]) {
      const [ours, theirs] = await both(backend =>
        backend.invokeAction('sample:fail', { body: { with: name, forwarded } }),
      );

      expect(ours.status).toBeGreaterThan(299);
      expect(essence(ours)).toEqual(essence(theirs));
    }
  });

  test('whose output breaks its schema is the one deliberate difference: a fault of the server, not of the caller', async () => {
    const [ours, theirs] = await both(backend => backend.invokeAction('sample:wrong-output'));

    expect([ours.status, theirs.status]).toEqual([500, 400]);
  });
});

describe('a call from another plugin of the process', () => {
  test.each(['service', 'user', 'own', 'nobody'])('by %s sees the same list', async kind => {
    const [ours, theirs] = await fromBothCallers(kind, async (caller, credentials) =>
      caller.actions.list({ credentials }),
    );

    expect(ours).toEqual(theirs);
  });

  test.each(['service', 'user', 'own'])('by %s acts for the same principal', async kind => {
    const [ours, theirs] = await fromBothCallers(kind, async (caller, credentials) =>
      caller.actions.invoke({ id: 'sample:whoami', input: {}, credentials }),
    );

    expect(ours.output).toEqual({ principal: expect.stringContaining('plugin:caller') });
    expect(ours).toEqual(theirs);
  });

  async function fromBothCallers<T>(
    kind: string,
    ask: (
      caller: typeof callers.stock,
      credentials: Awaited<ReturnType<typeof callers.stock.noCredentials>>,
    ) => Promise<T>,
  ): Promise<[T, T]> {
    const from = async (caller: typeof callers.stock) => {
      const credentials =
        kind === 'nobody'
          ? caller.noCredentials()
          : kind === 'own'
            ? caller.ownCredentials()
            : caller.authenticate(kind === 'user' ? userToken : testToken);
      return ask(caller, await credentials);
    };
    return [await from(callers.callboard), await from(callers.stock)];
  }
});
