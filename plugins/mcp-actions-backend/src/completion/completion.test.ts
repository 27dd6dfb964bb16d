import { ServiceUnavailableError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { clientKinds, connectClient } from '@callboard/test-utils';
import type { Client } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { backendOfTwo, type SendOptions, startProbe, TOKENS } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let library: ReturnType<typeof createLibraryPlugin>;

beforeEach(async () => {
  library = createLibraryPlugin();
  app = await startProbe({
    features: library.features,
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['library'] } },
      mcpActions: {
        servers: {
          few: { name: 'Few', enabledPrompts: [], enabledResources: ['library://rules'] },
        },
      },
    },
  });
});
afterEach(() => app.stop());

const template = (uri = 'library://books/{id}') => ({ type: 'ref/resource', uri });
const prompt = (name = 'library.recommend') => ({ type: 'ref/prompt', name });

async function complete(
  ref: JsonObject,
  name: string,
  value: string,
  more: JsonObject = {},
  options: SendOptions = {},
) {
  const { json } = await app.request(
    'completion/complete',
    { ref, argument: { name, value }, ...more },
    { token: TOKENS.ada, ...options },
  );
  return json.result?.completion ?? json.error;
}

const auditEvents = () => app.logs.filter(line => line.isAuditEvent && line.eventId === 'completion');

it.each(clientKinds)('a client, %s, gets values for arguments of prompts and variables of templates', async kind => {
  const client = await connectClient({ url: app.url, token: TOKENS.ada, kind });
  const raw = client.raw as Client;

  const genres = await raw.complete({ ref: prompt() as never, argument: { name: 'genre', value: 'c' } });
  const ids = await raw.complete({ ref: template() as never, argument: { name: 'id', value: 'b' } });
  await client.close();

  expect(genres.completion).toEqual({ values: ['crime', 'comedy'], total: 2, hasMore: false });
  expect(ids.completion).toEqual({ values: ['b1', 'b2'], total: 2, hasMore: false });
  // Nobody has read or got anything.
  expect([library.reads, library.recorded]).toEqual([[], []]);
});

describe('an answer', () => {
  it('has at most 100 values, and says how many there are', async () => {
    const completion = await complete(template('library://failures/{kind}'), 'kind', 'k');

    expect(completion.values).toHaveLength(100);
    expect(completion).toMatchObject({ total: 150, hasMore: true });
  });

  it('has none for an argument that nobody completes', async () => {
    expect(await complete(prompt(), 'count', '1')).toEqual({ values: [], total: 0, hasMore: false });
  });

  it('may depend on what is filled in already, as far as there is such an argument', async () => {
    await complete(prompt(), 'genre', 'c', { context: { arguments: { count: '2', colour: 'red' } } });
    expect(library.told.given).toEqual({ count: '2' });

    await complete(template('library://failures/{kind}'), 'kind', 'k');
    expect(library.told.given).toEqual({});
  });

  it('of an author whose function is broken is an error with a request id', async () => {
    const error = await complete(template('library://failures/{kind}'), 'kind', 'wrong');

    expect(error).toMatchObject({ code: -32603, data: { requestId: expect.any(String) } });
    expect(auditEvents().map(({ status }) => status)).toEqual(['initiated', 'failed']);
  });
});

describe('there is none', () => {
  it.each([
    ['an unknown prompt', prompt('library.nothing'), 'genre', 'Unknown prompt: library.nothing'],
    ['an unknown template', template('library://x/{id}'), 'id', 'Resource not found: library://x/{id}'],
    ['an argument that the prompt does not have', prompt(), 'colour', '"library.recommend" has no argument "colour"'],
    ['a variable that the template does not have', template(), 'name', 'has no argument "name"'],
    ['an inherited name', template(), 'constructor', 'has no argument "constructor"'],
    ['a resource at a fixed URI', template('library://rules'), 'id', 'has no argument "id"'],
    ['one of those that a template stands for', template('library://books/b1'), 'id', 'has no argument "id"'],
  ])('for %s', async (_what, ref, name, message) => {
    expect(await complete(ref, name, '')).toMatchObject({ code: -32602, message: expect.stringContaining(message) });
    expect(auditEvents().map(({ status }) => status)).toEqual(['initiated', 'failed']);
  });

  it('for what the caller may not see, with the answer of what is unknown', async () => {
    library.sight.isForbidden = true;

    expect(await complete(prompt('library.audit'), 'x', '')).toEqual({
      code: -32602,
      message: 'Unknown prompt: library.audit',
    });
    library.sight.isForbidden = false;
    expect(await complete(prompt('library.audit'), 'x', '')).toMatchObject({
      message: '"library.audit" has no argument "x"',
    });
  });

  it('for what the server does not publish', async () => {
    const few = { path: '/few' };

    expect(await complete(prompt(), 'genre', '', {}, few)).toMatchObject({ code: -32602 });
    expect(await complete(template(), 'id', '', {}, few)).toMatchObject({ code: -32602 });
  });

  it('during a pause: an author’s function does not run', async () => {
    library.refusing.pause = new ServiceUnavailableError('everything is paused');

    expect(await complete(prompt(), 'genre', 'c')).toMatchObject({ code: -31503, message: 'everything is paused' });
    expect(library.told.given).toBeUndefined();
  });
});

it('more completions than a person can ask for are refused, for whoever asks for them', async () => {
  const ask = (token: string) => complete(prompt(), 'genre', 'c', {}, { token });

  const answers = await Promise.all(Array.from({ length: 300 }, () => ask(TOKENS.ada)));
  const other = await ask(TOKENS.eve);

  const refused = answers.filter(({ code }) => code !== undefined);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(241);
  expect(refused[0]).toEqual({
    code: -31_429,
    message: 'Completions: expected at most 60 at once and 20 a second, got more; try again in a second',
    data: { name: 'TooManyRequestsError' },
  });
  expect(other).toMatchObject({ total: 2 });
  expect(auditEvents().filter(({ status }) => status === 'failed')).toHaveLength(refused.length);
});
