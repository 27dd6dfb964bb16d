import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeError, errorTable } from '../errors.js';
import { createRemoteSource, service, user } from '../testing/remoteSource.js';
import { type SourceServer, startSourceServer, withError, withJson, withSilence } from '../testing/sourceServer.js';

let server: SourceServer;

beforeEach(async () => {
  server = await startSourceServer();
  server.answer = withJson({ output: { done: true } });
});

afterEach(() => server.stop());

function invoke(
  options: {
    id?: string;
    input?: unknown;
    secrets?: unknown;
    signal?: AbortSignal;
    credentials?: ReturnType<typeof user>;
    invokeTimeoutSeconds?: number;
  } = {},
): Promise<unknown> {
  const { id = 'todo:one', input = { a: 1 }, secrets, signal = new AbortController().signal } = options;
  const { source } = createRemoteSource(server.baseUrl, {
    remote: { invokeTimeoutSeconds: options.invokeTimeoutSeconds ?? 5 },
  });
  return source.invoke(id, { input, secrets, signal }, options.credentials ?? service('plugin:caller'));
}

const described = (invoked: Promise<unknown>) =>
  invoked.then(
    output => ({ output }),
    error => describeError(error, { requestId: 'r-1', subject: 'Action "todo:one"' }),
  );

describe('a call', () => {
  test('without secrets goes to v1, with the input as the body and a token for the source', async () => {
    const output = await invoke({ input: { a: 1 }, credentials: user('ann') });

    expect(output).toEqual({ done: true });
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/actions/todo%3Aone/invoke',
        token: 'user:default/ann to todo',
        contentType: 'application/json',
        body: '{"a":1}',
      },
    ]);
  });

  test('with secrets goes to v2, with input and secrets in the body', async () => {
    await invoke({ input: { a: 1 }, secrets: { key: 'k' } });

    expect(server.requests).toMatchObject([
      { path: '/v2/actions/todo%3Aone/invoke', body: '{"input":{"a":1},"secrets":{"key":"k"}}' },
    ]);
  });

  test.each([
    [undefined, '{}'],
    [null, '{}'],
    [[], '[]'],
  ])('with the input %j has the body %s', async (input, body) => {
    const { source } = createRemoteSource(server.baseUrl);

    await source.invoke('todo:one', { input, secrets: undefined, signal: new AbortController().signal }, user('ann'));

    expect(server.requests[0]?.body).toBe(body);
  });

  test('cannot leave its path by its id', async () => {
    await invoke({ id: 'todo:../../v9/x?y#z' });

    expect(server.requests[0]?.path).toBe('/v1/actions/todo%3A..%2F..%2Fv9%2Fx%3Fy%23z/invoke');
  });

  test('without output returns none', async () => {
    server.answer = withJson({});

    expect(await invoke()).toBeUndefined();
  });

  test('is made once, whatever comes of it', async () => {
    server.answer = withError(503, 'ServiceUnavailableError', 'Busy');

    await invoke().catch(() => {});

    expect(server.requests).toHaveLength(1);
  });
});

describe('an error answer', () => {
  test.each(Object.entries(errorTable).filter(([, { status }]) => status !== 304))(
    'of the name %s counts as what it is there',
    async (name, { status }) => {
      server.answer = withError(status, name, 'Why it failed');

      expect(await described(invoke())).toEqual({ name, message: 'Why it failed', status, expected: true });
    },
  );

  test.each<[string, SourceServer['answer']]>([
    ['of an unknown name', withError(500, 'TypeError', 'secret')],
    ['that is a page', res => void res.writeHead(502, { 'content-type': 'text/html' }).end('<h1>secret</h1>')],
    ['without a body', res => void res.writeHead(500).end()],
  ])('%s is unexpected', async (_, answer) => {
    server.answer = answer;

    expect(await described(invoke())).toMatchObject({ status: 500, expected: false });
    expect(JSON.stringify(await described(invoke()))).not.toContain('secret');
  });
});

describe('an answer that is none', () => {
  test.each<[string, SourceServer['answer']]>([
    ['a page', res => void res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>secret</h1>')],
    ['null', withJson(null)],
    ['nothing', res => void res.writeHead(200).end()],
  ])('(%s) is unexpected', async (_, answer) => {
    server.answer = answer;

    expect(await described(invoke())).toMatchObject({ status: 500, expected: false });
  });

  test.each<[string, SourceServer['answer'] | undefined]>([
    ['because the source is not there', undefined],
    ['because it hangs up', res => void res.destroy()],
    ['because it is silent', withSilence],
    ['because it stops in the middle', res => void res.writeHead(200).write('{"output":')],
  ])('%s makes it unavailable', async (_, answer) => {
    if (answer) {
      server.answer = answer;
    } else {
      await server.stop();
    }

    expect(await described(invoke({ invokeTimeoutSeconds: 0.1 }))).toMatchObject({
      name: 'ServiceUnavailableError',
      message: expect.stringMatching(/^Action source "todo" does not answer \(.+\)$/),
      status: 503,
      expected: true,
    });
  });
});

describe('a caller that goes away', () => {
  test('takes the call to the source along', async () => {
    const leaving = new AbortController();
    server.answer = () => leaving.abort();

    const outcome = described(invoke({ signal: leaving.signal }));

    await expect(outcome).resolves.not.toHaveProperty('output');
    expect(await server.requests[0]?.closed).toEqual({ wasAnswered: false });
  });

  test('before the call is made keeps it from being made', async () => {
    await expect(invoke({ signal: AbortSignal.abort() })).rejects.toThrow();

    expect(server.requests).toEqual([]);
  });

  test('is not told that the source is away', async () => {
    const leaving = new AbortController();
    server.answer = () => leaving.abort();

    await expect(invoke({ signal: leaving.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
