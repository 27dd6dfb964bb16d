import { inspect } from 'node:util';
import {
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  createServiceRef,
} from '@backstage/backend-plugin-api';
import { type ActionsService, actionsServiceRef } from '@backstage/backend-plugin-api/alpha';
import { ConflictError } from '@backstage/errors';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import type { JsonObject } from '@backstage/types';
import {
  actionGatesServiceRef,
  actionsRegistryServiceRef,
  type StartupNote,
  startupNotesServiceRef,
} from '@callboard/actions-api';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import { logs } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import type { AuditEvent } from './database/AuditEvents.js';
import { verifyTrail } from './file/verifyTrail.js';
import { callsIn, makeFolder, textOf } from './testing/trailFolder.js';

let folder: ReturnType<typeof makeFolder>;
let app: TestApp;
let mayRead: boolean;
let inProcess: { actions: ActionsService; auth: typeof coreServices.auth.T };
let notes: () => StartupNote[];

beforeEach(async () => {
  folder = makeFolder();
  mayRead = true;
  app = await start();
});

afterEach(async () => {
  await app.stop();
  folder.remove();
});

const inputSchema = z.object({
  title: z.string(),
  password: z.string().optional(),
  fails: z.boolean().optional(),
});

/** A plugin with an action, and a gate that knows why. */
const todoPlugin = createBackendPlugin({
  pluginId: 'todo',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef, gates: actionGatesServiceRef },
      async init({ registry, gates }) {
        gates.add({
          id: 'test',
          stage: 'approval',
          check: call => {
            if (call.input && (call.input as JsonObject).title === 'approved') {
              call.decide('needs_approval_accepted');
            }
          },
        });
        registry.register({
          name: 'create-item',
          title: 'Create',
          description: 'Creates an item',
          schema: {
            input: inputSchema,
            output: z.object({ stored: z.string() }),
            secrets: z.object({ key: z.string() }).optional() as never,
          },
          attributes: { destructive: false },
          action: async ({ input }: { input: z.output<typeof inputSchema> }) => {
            if (input.fails) {
              throw new ConflictError(`There is one with the password ${input.password}`);
            }
            return { output: { stored: `output-of ${input.title}` } };
          },
        } as never);
      },
    });
  },
});

const callerPlugin = createBackendPlugin({
  pluginId: 'caller',
  register(env) {
    env.registerInit({
      deps: { actions: actionsServiceRef, auth: coreServices.auth },
      async init(deps) {
        inProcess = deps;
      },
    });
  },
});

const permissions = createServiceFactory({
  service: coreServices.permissions,
  deps: {},
  factory: () => ({
    authorize: async requests =>
      requests.map(({ permission }) => ({
        result: permission.name !== 'audit.event.read' || mayRead ? AuthorizeResult.ALLOW : AuthorizeResult.DENY,
      })),
    authorizeConditional: async () => [],
  }),
});

const noteReader = createServiceFactory({
  service: createServiceRef<object>({ id: 'test.notes', scope: 'root' }),
  initialization: 'always',
  deps: { service: startupNotesServiceRef },
  factory({ service }) {
    notes = () => service.list();
    return {};
  },
});

function start(audit: JsonObject = {}): Promise<TestApp> {
  return startTestApp({
    features: [import('@callboard/plugin-audit-backend'), todoPlugin, callerPlugin, permissions, noteReader],
    config: {
      audit: { file: { directory: folder.path }, ...audit },
      backend: { actions: { pluginSources: ['todo', 'audit'] } },
    },
  });
}

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests only
  body: any;
  status: number;
}

async function request(path: string, options: { body?: unknown; token?: string | null } = {}): Promise<Answer> {
  const { body, token = app.token } = options;
  const response = await fetch(`${app.url}/api/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

const invoke = (input: unknown, secrets: unknown = { key: 'canary-secret' }) =>
  request('todo/.backstage/actions/v2/actions/todo:create-item/invoke', { body: { input, secrets } });

const events = async (query = ''): Promise<AuditEvent[]> => (await request(`audit/v1/events${query}`)).body.events;

test('a call over HTTP leaves its intent and its outcome, in the file and in the database', async () => {
  const { status } = await invoke({ title: 'Water the plants' });

  const found = await events('?actionId=todo:create-item');
  expect(status).toBe(200);
  expect(found).toMatchObject([
    { kind: 'outcome', door: 'http', effect: 'create', decision: 'allow', durationMs: expect.any(Number) },
    { kind: 'intent', door: 'http', principal: 'servicePrincipal{mcp-clients}', input: { title: 'Water the plants' } },
  ]);
  expect(found[0]?.requestId).toBe(found[1]?.requestId);
  expect(callsIn(folder.path)).toMatchObject([{ kind: 'intent' }, { kind: 'outcome' }]);
});

test('so does a call within the process', async () => {
  await inProcess.actions.invoke({
    id: 'todo:create-item',
    input: { title: 'Water the plants' },
    secrets: { key: 'canary-secret' },
    credentials: await inProcess.auth.getOwnServiceCredentials(),
  } as never);

  expect(callsIn(folder.path)).toMatchObject([
    { kind: 'intent', door: 'in-process', principal: 'servicePrincipal{plugin:caller}', actionId: 'todo:create-item' },
    { kind: 'outcome', door: 'in-process' },
  ]);
});

test('a refused call leaves one record at each door', async () => {
  const overHttp = await invoke({ title: 5 });
  const credentials = await inProcess.auth.getOwnServiceCredentials();
  const within = inProcess.actions.invoke({ id: 'todo:none', input: {}, credentials });

  await expect(within).rejects.toThrow('not found');
  expect(overHttp.status).toBe(400);
  expect(callsIn(folder.path)).toMatchObject([
    { kind: 'refusal', decision: 'refuse_input', door: 'http', error: { name: 'InputError' } },
    { kind: 'refusal', decision: 'refuse_unknown', door: 'in-process', name: 'todo:none' },
  ]);
});

test('the trail says why a call was let through, and how it failed', async () => {
  await invoke({ title: 'approved', fails: true });

  expect(callsIn(folder.path)).toMatchObject([
    { kind: 'intent', decision: 'needs_approval_accepted' },
    { kind: 'outcome', decision: 'needs_approval_accepted', error: { name: 'ConflictError' } },
  ]);
});

test('neither secrets nor results come up in files, rows, answers of the query, or the log', async () => {
  const secrets = { key: 'canary-secret-of-call' };
  await invoke({ title: 'postgres://ada:canary-url@db/x', password: 'canary-field' }, secrets);
  await invoke({ title: 'canary-field repeated', password: 'canary-field', fails: true }, secrets);
  await invoke({ title: 7, password: 'canary-unchecked', token: 'canary-extra' }, secrets);
  await invoke({ title: 'canary-no-secret-here'.replace('canary-', ''), password: 'canary-field' }, {});

  const rows = await events();
  expect(rows.length).toBeGreaterThanOrEqual(6);
  expect(textOf(folder.path)).not.toMatch(/canary|output-of/);
  expect(inspect(rows, { depth: 10 })).not.toMatch(/canary|output-of/);
  const ours = app.logs.filter(({ plugin, isAuditEvent }) => plugin === 'audit' || isAuditEvent !== true);
  expect(inspect(ours, { depth: 10 })).not.toMatch(/canary|output-of/);
});

test('input that would forge lines stays one line', async () => {
  const forged = 'x\r\n{"kind":"intent","principal":"user:default/eve"}\u2028\u001b[2J';
  await invoke({ title: forged });
  await request(`todo/.backstage/actions/v1/actions/${encodeURIComponent(`todo:${forged}`)}/invoke`, { body: {} });

  const lines = textOf(folder.path).split('\n').slice(0, -1);
  expect(lines).toHaveLength(5);
  expect(lines.every(line => /^[\x20-\x7e]+$/.test(line))).toBe(true);
  expect(callsIn(folder.path).some(({ principal }) => principal.includes('eve'))).toBe(false);
  expect(callsIn(folder.path)[0]?.input).toEqual({ title: forged });
});

test('events are found by filter, and page by page', async () => {
  for (const title of ['a', 'b', 'c']) {
    await invoke({ title });
  }

  const first = await request('audit/v1/events?effect=create&limit=4&since=2020-01-01T00:00:00%2B02:00');
  const second = await request(`audit/v1/events?effect=create&limit=4&cursor=${first.body.nextCursor}`);
  const ofCaller = await events('?principal=mcp-clients&limit=2');
  const none = await events('?principal=user:default/nobody%00');

  expect(first.body.events.map(({ kind }: AuditEvent) => kind)).toEqual(['outcome', 'intent', 'outcome', 'intent']);
  expect(second.body.events.map(({ input }: AuditEvent) => input)).toEqual([undefined, { title: 'a' }]);
  expect(second.body).not.toHaveProperty('nextCursor');
  expect(ofCaller).toHaveLength(2);
  expect(none).toEqual([]);
});

test.each([
  '?limit=0',
  '?limit=x',
  '?since=yesterday',
  '?effect=burn',
  '?effect=read&effect=burn',
  '?risk=high',
  '?mode=lenient',
  '?agent=x',
  '?cursor=x',
  '?limit=1&limit=2',
])('a query that is not understood is answered with 400: %s', async query => {
  expect((await request(`audit/v1/events${query}`)).status).toBe(400);
});

test('events are found by risk, by any of several effects, and by the first words of a decision', async () => {
  await invoke({ title: 'a' });
  await invoke({ title: 'approved' });
  await invoke({ title: 5 });
  const count = async (query: string) => (await events(query)).length;

  expect(await count('?risk=write')).toBe(5);
  expect(await count('?risk=destructive')).toBe(0);
  expect(await count('?effect=read&effect=create')).toBe(5);
  expect(await count('?effect=delete&effect=read')).toBe(0);
  expect(await count('?risk=read&effect=create')).toBe(0);
  expect(await count('?decision=needs_approval')).toBe(2);
  expect(await count('?decision=refuse')).toBe(1);
  expect(await count('?mode=full_access')).toBe(5);
  expect(await count('?mode=safe')).toBe(0);
});

test('the action finds the same, and is itself on record', async () => {
  await invoke({ title: 'a' });

  const { body } = await request('audit/.backstage/actions/v1/actions/audit:get-audit-events/invoke', {
    body: { effect: 'create' },
  });

  expect(body.output.events).toEqual(await events('?effect=create'));
  expect(await events('?actionId=audit:get-audit-events')).toMatchObject([
    { kind: 'outcome', effect: 'read' },
    { kind: 'intent', input: { effect: 'create' } },
  ]);
});

test('the trail is read with the permission only', async () => {
  mayRead = false;

  const overHttp = await request('audit/v1/events');
  const verification = await request('audit/v1/verification');
  const anonymous = await request('audit/v1/events', { token: null });
  const action = await request('audit/.backstage/actions/v1/actions/audit:get-audit-events/invoke', { body: {} });
  const listed = await request('audit/.backstage/actions/v1/actions');

  expect([overHttp.status, verification.status, anonymous.status, action.status]).toEqual([403, 403, 401, 404]);
  expect(listed.body.actions).toEqual([]);
});

test('reading over HTTP is an audit event of the backend', async () => {
  await events();

  expect(app.logs).toContainEqual(expect.objectContaining({ eventId: 'event-fetch', status: 'succeeded' }));
});

test('both chains can be verified while the server runs', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, n) => invoke({ title: `${n}` })));

  const { body } = await request('audit/v1/verification');

  expect(body).toMatchObject({ ok: true, chains: [{ ok: true, records: 101 }] });
  expect(await verifyTrail(folder.path)).toMatchObject({ ok: true, records: 102 });
  expect(callsIn(folder.path)[0]?.chain).toBe(body.chains[0].chain);
});

test('the first screen says where the trail is', () => {
  expect(notes()).toContainEqual({ title: 'Audit', lines: [`${folder.path} and the database, strict`] });
});

test('without the database there are files, and nothing to ask', async () => {
  await app.stop();
  app = await start({ database: { enabled: false } });

  await invoke({ title: 'a' });

  expect(callsIn(folder.path)).toHaveLength(2);
  expect((await request('audit/v1/events')).status).toBe(404);
});

test('records go to OpenTelemetry as well, if that is wanted', async () => {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  logs.setGlobalLoggerProvider(provider);
  try {
    await invoke({ title: 'unwanted' });
    await app.stop();
    app = await start({ openTelemetry: { enabled: true } });
    await invoke({ title: 'a' });

    expect(exporter.getFinishedLogRecords()).toMatchObject([
      { eventName: 'callboard.action.intent', attributes: { 'gen_ai.tool.call.arguments': '{"title":"a"}' } },
      { eventName: 'callboard.action.outcome', attributes: { 'callboard.decision': 'allow' } },
    ]);
    expect(notes()).toContainEqual({
      title: 'Audit',
      lines: [`${folder.path} and the database and OpenTelemetry, strict`],
    });
  } finally {
    logs.disable();
    await provider.shutdown();
  }
});

test('switched off, it records nothing, and says so', async () => {
  await app.stop();
  app = await start({ enabled: false });

  expect((await invoke({ title: 'a' })).status).toBe(200);

  expect(callsIn(folder.path)).toEqual([]);
  expect(notes()).toContainEqual({ title: 'Audit', lines: ['off: calls are not recorded'] });
  expect(app.logs).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('audit.enabled') }),
  );
});

test('a mistake in the configuration keeps the server from starting', async () => {
  await app.stop();

  const started = start({ failureMode: 'lenient' });

  await expect(started).rejects.toThrow('audit.failureMode');
});

test('so does a folder that cannot be used, unless the trail is not vital', async () => {
  await app.stop();
  const file = { directory: '/dev/null/audit' };

  await expect(start({ file })).rejects.toThrow('ENOTDIR');
  app = await start({ file, failureMode: 'best_effort' });

  expect((await invoke({ title: 'a' })).status).toBe(200);
  expect(await events()).toHaveLength(2);
});
