import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import { NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { type BackendWithDoors, doors, startBackendWithDoors } from '../testing/doors.js';
import { gatesPlugin } from '../testing/gatesPlugin.js';

const failure = new NotFoundError('Item "7" not found');
const unexpected = new TypeError('Could not connect', { cause: new Error('db/internal') });
const steps: string[] = [];

const todo = actionsPlugin('todo', registry => {
  const register = (name: string, action: () => Promise<{ output: { done: boolean } }>) =>
    registry.register({
      name,
      title: name,
      description: '',
      schema: { input: z.object({ id: z.string().optional() }), output: z.object({ done: z.boolean() }) },
      action: async () => {
        steps.push('handler');
        return action();
      },
    });
  register('work', async () => ({ output: { done: true } }));
  register('fail', () => Promise.reject(failure));
  register('crash', () => Promise.reject(unexpected));
  register('lie', async () => ({ output: { done: 'yes' as never } }));
});

describe.each(doors)('the audit of a call at the door %s', door => {
  let backend: BackendWithDoors;
  beforeAll(async () => {
    const recorder = { id: 'recorder', stage: 'pause' as const, check: () => void steps.push('pause') };
    backend = await startBackendWithDoors([todo, gatesPlugin(recorder)]);
    const push = backend.logs.push.bind(backend.logs);
    backend.logs.push = (...lines) => {
      steps.push(...lines.filter(line => line.isAuditEvent).map(({ status }) => `audit ${status}`));
      return push(...lines);
    };
  });
  afterAll(() => backend?.stop());
  beforeEach(() => {
    steps.length = 0;
    backend.logs.length = 0;
  });

  test('has its intent before and its outcome after', async () => {
    await backend.call(door, 'todo:work', {});

    expect(steps).toEqual(['audit initiated', 'pause', 'handler', 'audit succeeded']);
  });

  test('says who calls which action of which plugin, through which door, under which request id, and how long it took', async () => {
    await backend.call(door, 'todo:work', {});

    const [intent, outcome] = backend.auditEvents;
    expect(intent).toMatchObject({ eventId: 'action-execution', plugin: door === 'http' ? 'todo' : 'caller' });
    expect(intent?.meta).toEqual({
      door,
      principal: expect.stringMatching(/^(service|user)Principal\{/),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(outcome).toMatchObject({ eventId: 'action-execution', severityLevel: 'medium' });
    expect(outcome?.meta).toEqual({
      ...intent?.meta,
      actionId: 'todo:work',
      pluginId: 'todo',
      durationMs: expect.any(Number),
    });
    expect(outcome?.meta.durationMs).toBeGreaterThanOrEqual(0);
  });

  test('has a request id of its own for every call', async () => {
    await backend.call(door, 'todo:work', {});
    await backend.call(door, 'todo:work', {});

    expect(new Set(backend.auditEvents.map(({ meta }) => meta.requestId)).size).toBe(2);
  });

  test.each([
    ['fail', failure],
    ['crash', unexpected],
    ['lie', expect.objectContaining({ name: 'InvalidOutputError' })],
  ])('has the real error where todo:%s ends in one', async (name, error) => {
    await backend.call(door, `todo:${name}`, {});

    const [, outcome] = backend.auditEvents;
    expect(steps.at(-1)).toBe('audit failed');
    expect(outcome?.error).toEqual(error);
    expect(outcome?.meta).toMatchObject({ actionId: `todo:${name}`, pluginId: 'todo', durationMs: expect.any(Number) });
  });

  test('is there for a call with wrong input, and for one of an unknown action', async () => {
    await backend.call(door, 'todo:work', { id: 1 });
    await backend.call(door, 'todo:none', {});

    expect(steps).toEqual(['audit initiated', 'audit failed', 'audit initiated', 'audit failed']);
    expect(backend.auditEvents[1]).toMatchObject({ error: { name: 'InputError' }, meta: { actionId: 'todo:work' } });
    expect(backend.auditEvents[3]).toMatchObject({ error: { name: 'NotFoundError' } });
    expect(backend.auditEvents[3]?.meta).not.toHaveProperty('actionId');
  });

  test('holds neither input nor secrets', async () => {
    await backend.call(door, 'todo:work', { id: 'hunter2' }, { key: 'hunter3' });

    expect(JSON.stringify(backend.auditEvents)).not.toMatch(/hunter/);
  });
});

describe.each(doors)('an audit that cannot be written, at the door %s', door => {
  const broken = { at: 'createEvent' };
  let backend: BackendWithDoors;
  beforeAll(async () => {
    const failAt = async (moment: string) => {
      if (broken.at === moment) {
        throw new ServiceUnavailableError('The trail is full');
      }
    };
    const auditor = createServiceFactory({
      service: coreServices.auditor,
      deps: {},
      factory: () => ({
        async createEvent() {
          await failAt('createEvent');
          return { success: () => failAt('success'), fail: () => failAt('fail') };
        },
      }),
    });
    const recorder = { id: 'recorder', stage: 'pause' as const, check: () => void steps.push('pause') };
    backend = await startBackendWithDoors([todo, gatesPlugin(recorder), auditor]);
  });
  afterAll(() => backend?.stop());
  beforeEach(() => {
    steps.length = 0;
  });

  test('keeps the call from running at all', async () => {
    broken.at = 'createEvent';

    const outcome = await backend.call(door, 'todo:work', {});

    expect(outcome).toEqual({ error: { name: 'ServiceUnavailableError', message: 'The trail is full' } });
    expect(steps).toEqual([]);
  });

  test.each([
    ['success', 'todo:work'],
    ['fail', 'todo:fail'],
  ])('in the end (%s) is what the caller is told of', async (moment, id) => {
    broken.at = moment;

    const outcome = await backend.call(door, id, {});

    expect(outcome).toEqual({ error: { name: 'ServiceUnavailableError', message: 'The trail is full' } });
  });
});
