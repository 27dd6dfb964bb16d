import { inspect } from 'node:util';
import { startTestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, expect, test } from 'vitest';

const signingKey = 'signing-key-of-at-least-32-characters';

let app: Awaited<ReturnType<typeof startTestApp>>;

beforeAll(async () => {
  app = await startTestApp({ features: [import('@callboard/plugin-example-todo-backend')] });
});

afterAll(() => app?.stop());

/** What the endpoints answer, each its part of it. */
interface Answer {
  actions: { name: string; attributes: object; effect?: string; schema: { input: object; output: object } }[];
  output: { id: string };
  error: object;
}

/** The action endpoints as any client of a Backstage backend reaches them. */
async function request(path: string, body?: unknown, { url, token }: { url: string; token: string } = app) {
  const response = await fetch(`${url}/api/todo/.backstage/actions/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

const invoke = (name: string, input: unknown) => request(`v1/actions/todo:${name}/invoke`, input);

async function invokeForOutput(name: string, input: unknown) {
  const { status, body } = await invoke(name, input);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.output;
}

test('offers every action with a schema and an honest description of its effect', async () => {
  const { body } = await request('v1/actions');

  expect(Object.fromEntries(body.actions.map(({ name, attributes }) => [name, attributes]))).toEqual({
    'greet-user': { readOnly: false, destructive: true, idempotent: false },
    'list-items': { readOnly: true, destructive: false, idempotent: false },
    'get-item': { readOnly: true, destructive: false, idempotent: false },
    'create-item': { readOnly: false, destructive: false, idempotent: false },
    'update-item': { readOnly: false, destructive: true, idempotent: false },
    'complete-item': { readOnly: false, destructive: false, idempotent: true },
    'purge-done': { readOnly: false, destructive: true, idempotent: false },
    'export-items': { readOnly: true, destructive: false, idempotent: false },
    'share-item': { readOnly: true, destructive: false, idempotent: false },
  });
  // The others say it well enough by their attributes.
  expect(body.actions.flatMap(({ name, effect }) => (effect ? [[name, effect]] : []))).toEqual([
    ['update-item', 'update'],
  ]);
  for (const { schema } of body.actions) {
    expect(schema).toMatchObject({ input: { type: 'object' }, output: { type: 'object' } });
  }
});

test('tells callers the bounds of an input', async () => {
  const { body } = await request('v1/actions');

  const createItem = body.actions.find(action => action.name === 'create-item');
  expect(createItem?.schema.input).toMatchObject({
    required: ['title'],
    additionalProperties: false,
    properties: {
      title: { type: 'string', minLength: 1, maxLength: 200 },
      dueDate: { type: 'string', format: 'date' },
    },
  });
});

test('greets', async () => {
  expect(await invokeForOutput('greet-user', { name: 'Ada' })).toEqual({ greeting: 'Hello Ada!' });
});

test('takes an item from its creation to its end', async () => {
  const created = await invokeForOutput('create-item', { title: 'Water the plants', labels: ['life'] });
  const updated = await invokeForOutput('update-item', { id: created.id, notes: 'Two cans', expectedVersion: 1 });
  const completed = await invokeForOutput('complete-item', { id: created.id });
  const listed = await invokeForOutput('list-items', { label: 'life', done: true });
  const exported = await invokeForOutput('export-items', { label: 'life' });
  const purged = await invokeForOutput('purge-done', { olderThanDays: 0 });
  const gone = await invoke('get-item', { id: created.id });

  expect(updated).toMatchObject({ title: 'Water the plants', notes: 'Two cans', version: 2 });
  expect(completed).toMatchObject({ done: true, version: 3 });
  expect(listed).toEqual({ items: [completed] });
  expect(exported).toEqual({ exportedAt: expect.any(String), items: [completed] });
  expect(purged).toEqual({ deletedCount: 1 });
  expect(gone.status).toBe(404);
});

test('answers a stale update with 409 and both versions', async () => {
  const { id } = await invokeForOutput('create-item', { title: 'Contested' });
  await invokeForOutput('update-item', { id, title: 'First', expectedVersion: 1 });

  const { status, body } = await invoke('update-item', { id, title: 'Second', expectedVersion: 1 });

  expect(status).toBe(409);
  expect(body.error).toMatchObject({
    name: 'ConflictError',
    message: expect.stringContaining('expected version 1, got 2'),
  });
});

test('answers wrong input with 400 and the field', async () => {
  const { status, body } = await invoke('list-items', { limit: 101 });

  expect(status).toBe(400);
  expect(body.error).toMatchObject({ name: 'InputError', message: expect.stringContaining('limit') });
});

test('takes the signing key as a secret, never as input, and shows it neither in answers nor in the log', async () => {
  const { id } = await invokeForOutput('create-item', { title: 'Shared' });
  const share = 'v2/actions/todo:share-item/invoke';

  const shared = await request(share, { input: { id }, secrets: { signingKey } });
  const without = await request(share, { input: { id } });
  const asInput = await request(share, { input: { id, signingKey }, secrets: { signingKey } });
  const tooShort = await request(share, { input: { id }, secrets: { signingKey: 'hunter2' } });

  expect(shared).toMatchObject({
    status: 200,
    body: { output: { token: expect.stringMatching(/^[\w-]+\.[\w-]{43}$/) } },
  });
  expect([without.status, asInput.status, tooShort.status]).toEqual([400, 400, 400]);
  expect(inspect([shared, without, asInput, tooShort, app.logs], { depth: 10 })).not.toMatch(`${signingKey}|hunter2`);
});

test('shows the export only to callers with its permission', async () => {
  const token = 'token-of-a-caller-with-other-permissions';
  const restricted = await startTestApp({
    features: [import('@callboard/plugin-example-todo-backend')],
    config: {
      backend: {
        auth: {
          externalAccess: [
            {
              type: 'static',
              options: { token, subject: 'other-clients' },
              accessRestrictions: [{ plugin: 'todo', permission: 'todo.item.read' }],
            },
          ],
        },
      },
    },
  });

  try {
    const caller = { url: restricted.url, token };
    const listed = await request('v1/actions', undefined, caller);
    const invoked = await request('v1/actions/todo:export-items/invoke', {}, caller);

    const names = listed.body.actions.map(action => action.name);
    expect(names).toContain('list-items');
    expect(names).not.toContain('export-items');
    expect(invoked.status).toBe(404);
  } finally {
    await restricted.stop();
  }
});
