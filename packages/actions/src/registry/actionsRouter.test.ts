import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { ForwardedError, NotFoundError, ResponseError } from '@backstage/errors';
import type { ActionCall } from '@callboard/actions-api';
import { deferred, recordingLogger } from '@callboard/test-utils';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { gatesPlugin } from '../testing/gatesPlugin.js';
import { openPolicy } from '../testing/openPolicy.js';
import { listedAction } from '../testing/sourceServer.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';
import { createActionsRouter } from './actionsRouter.js';
import type { PluginActions } from './PluginActions.js';

class ItemNotFound extends NotFoundError {
  override name = 'ItemNotFound' as never;
}
class GoneFromShelf extends ItemNotFound {}

const secret = 'postgres://admin:hunter2@db/internal';
const failures: Record<string, () => unknown> = {
  subclass: () => new ItemNotFound('No such item'),
  subSubclass: () => new GoneFromShelf('No such item'),
  copy: () => Object.assign(new Error('From another copy of the library'), { name: 'ConflictError' }),
  forwardedUnknown: () => new ForwardedError('Could not save', new Error(secret)),
  unknown: () => new TypeError('Could not connect', { cause: new Error(secret) }),
  hostileName: () => Object.assign(new Error(secret), { name: '__proto__' }),
  notAnError: () => secret,
  nothing: () => undefined,
};

let backend: TestBackend;
const gateCalls: ActionCall[] = [];

beforeAll(async () => {
  backend = await startTestBackend({
    features: [
      actionsPlugin('todo', registry => {
        registry.register({
          name: 'fail',
          title: 'Fail',
          description: 'Throws.',
          schema: { input: z => z.object({ with: z.string() }), output: z => z.object({}) },
          action: async ({ input }) => {
            throw failures[input.with]?.();
          },
        });
        registry.register({
          name: 'remote',
          title: 'Remote',
          description: 'Fails as the backend it asks does.',
          schema: { input: z => z.object({ status: z.number(), name: z.string() }), output: z => z.object({}) },
          action: async ({ input: { status, name } }) => {
            const body = { error: { name, message: `Said ${name}` }, response: { statusCode: status } };
            throw await ResponseError.fromResponse(Response.json(body, { status }));
          },
        });
        registry.register({
          name: 'echo',
          title: 'Echo',
          description: 'Answers with its input.',
          schema: { input: z => z.object({}).passthrough(), output: z => z.object({}).passthrough() },
          action: async ({ input }) => ({ output: input }),
        });
        registry.register({
          name: 'huge-number',
          title: 'Huge number',
          description: 'Returns what JSON cannot carry.',
          schema: { input: z => z.object({}), output: z => z.object({ count: z.any() }) },
          action: async () => ({ output: { count: 10n } }),
        });
      }),
      gatesPlugin({ id: 'recorder', stage: 'pause', check: call => void gateCalls.push(call) }),
    ],
  });
});

afterAll(() => backend?.stop());

beforeEach(() => {
  backend.logs.length = 0;
  gateCalls.length = 0;
});

describe('an error that callers are meant to see', () => {
  test.each([
    ['subclass', 'a class derived from NotFoundError', 404, 'ItemNotFound', 'No such item'],
    ['subSubclass', 'a class derived from that', 404, 'ItemNotFound', 'No such item'],
    ['copy', 'a class of another copy of the library', 409, 'ConflictError', 'From another copy of the library'],
  ])('as %s (%s) keeps its status, name and message', async (kind, _, status, name, message) => {
    const { status: answered, body } = await backend.invokeAction('todo:fail', { body: { with: kind } });

    expect(answered).toBe(status);
    expect(body.error).toEqual({ name, message });
    expect(backend.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('of another backend counts as what it was there', async () => {
    const { status, body } = await backend.invokeAction('todo:remote', {
      body: { status: 404, name: 'NotFoundError' },
    });

    expect(status).toBe(404);
    expect(body.error).toEqual({ name: 'NotFoundError', message: 'Said NotFoundError' });
  });
});

describe('an unexpected failure', () => {
  test.each(['forwardedUnknown', 'unknown', 'hostileName', 'notAnError', 'nothing'])(
    'as %s tells the caller a request id and no internals, and the log the rest',
    async kind => {
      const { status, body, text } = await backend.invokeAction('todo:fail', { body: { with: kind } });

      const requestId = backend.auditEvents[0]?.meta.requestId;
      expect(status).toBe(500);
      expect(body).toMatchObject({ error: { name: 'InternalError' }, response: { statusCode: 500 } });
      expect(body.error.message).toBe(
        `Action "todo:fail" failed unexpectedly; the server's log has the details under request id ${requestId}`,
      );
      expect(text).not.toMatch(/hunter2|Could not|\.ts|stack/);
      const logged = backend.logs.filter(({ level }) => level === 'error');
      expect(logged).toHaveLength(1);
      expect(logged[0]?.message).toContain(requestId);
    },
  );

  test('is logged with its message and cause', async () => {
    await backend.invokeAction('todo:fail', { body: { with: 'unknown' } });

    const [line] = backend.logs.filter(({ level }) => level === 'error');
    expect(line?.error).toMatchObject({ message: 'Could not connect', cause: { message: secret } });
  });

  test('of another backend is one here, too', async () => {
    const { status, text } = await backend.invokeAction('todo:remote', { body: { status: 500, name: 'TypeError' } });

    expect(status).toBe(500);
    expect(text).not.toContain('Said TypeError');
  });

  test('is what an output is that JSON cannot carry', async () => {
    const { status, body } = await backend.invokeAction('todo:huge-number');

    expect(status).toBe(500);
    expect(body.error.name).toBe('InternalError');
  });
});

describe('a hostile request', () => {
  test('does not reach into objects', async () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const bodies = [
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
      '{"input":{"__proto__":{"polluted":true}},"__proto__":{"polluted":true}}',
    ];
    for (const body of bodies) {
      await backend.invokeAction('todo:echo', { body });
      await backend.invokeAction('todo:echo', { version: 'v2', body });
    }
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', '']) {
      const { status } = await backend.invokeAction(`todo:${name}`, { body: bodies[0] });
      expect(status).toBe(404);
    }

    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('cannot choose anything of the call but input and secrets', async () => {
    const forged = { input: {}, server: 'admin', door: 'mcp', name: 'other', requestId: 'mine', credentials: {} };

    const { status } = await backend.invokeAction('todo:echo', { version: 'v2', body: forged });

    expect(status).toBe(200);
    expect(gateCalls).toHaveLength(1);
    expect(gateCalls[0]).toMatchObject({ server: undefined, door: 'http', name: 'todo:echo' });
    expect(gateCalls[0]?.requestId).not.toBe('mine');
    expect(gateCalls[0]?.credentials.principal).toMatchObject({ subject: 'external:tester' });
  });

  test('of more than a megabyte is refused before anything is looked up', async () => {
    const { status } = await backend.invokeAction('todo:echo', { body: { text: 'x'.repeat(1_100_000) } });

    expect(status).toBe(413);
    expect(gateCalls).toEqual([]);
  });
});

describe('a caller that goes away', () => {
  /** The router alone, with an identity that is decided when the test says so. */
  async function serve(run: (signal: AbortSignal) => Promise<unknown>, credentials: Promise<unknown>) {
    const { logger } = recordingLogger();
    const descriptor = listedAction('todo:wait');
    const app = express().use(
      createActionsRouter({
        actions: {
          find: async () => ({ descriptor, run: ({ signal }: { signal: AbortSignal }) => run(signal) }),
        } as unknown as PluginActions,
        auditor: { createEvent: async () => ({ success: async () => {}, fail: async () => {} }) },
        policy: openPolicy(),
        httpAuth: { credentials: () => credentials } as unknown as HttpAuthService,
        logger,
      } as Parameters<typeof createActionsRouter>[0]),
    );
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const leaving = new AbortController();
    const { port } = server.address() as AddressInfo;
    fetch(`http://127.0.0.1:${port}/.backstage/actions/v1/actions/todo:wait/invoke`, {
      method: 'POST',
      signal: leaving.signal,
    }).catch(() => {});
    return { server, leave: () => leaving.abort() };
  }
  const service = { principal: { type: 'service', subject: 'external:tester' } };

  test("aborts the handler's signal", async () => {
    const started = deferred<AbortSignal>();
    const { server, leave } = await serve(async signal => {
      started.resolve(signal);
      await once(signal, 'abort');
    }, Promise.resolve(service));
    const signal = await started.promise;

    leave();
    await once(signal, 'abort');

    expect(signal.aborted).toBe(true);
    server.closeAllConnections();
    server.close();
  });

  test('before it is known who they are runs nothing', async () => {
    const identity = deferred<unknown>();
    let runs = 0;
    const { server, leave } = await serve(async () => {
      runs += 1;
    }, identity.promise);
    const [, res] = await once(server, 'request');

    leave();
    await once(res, 'close');
    identity.resolve(service);
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));

    expect(runs).toBe(0);
  });
});
