import { setImmediate } from 'node:timers/promises';
import type { CallClient } from '@callboard/actions-api';
import { deferred, recordingLogger } from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { toAbortSignal } from '../CallSignal.js';
import type { ActionRun, VisibleAction } from '../catalogue/VisibleAction.js';
import { noClient } from '../client/noClient.js';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { type BackendWithDoors, doors, startBackendWithDoors } from '../testing/doors.js';
import { service } from '../testing/remoteSource.js';
import { Invocation } from './Invocation.js';
import { runInTime } from './runInTime.js';

const forEver = () => new Promise<never>(() => {});
const passing = (value: unknown) => ({ ok: true as const, value });

/** Runs a handler as the last step of a call does, for at most a minute unless it says otherwise. */
function start(
  handler: (run: ActionRun) => Promise<unknown>,
  { visible = {}, ...options }: { visible?: Partial<VisibleAction>; client?: CallClient; signal?: AbortSignal } = {},
) {
  const { logger, logs } = recordingLogger();
  const call = new Invocation({
    name: 'one',
    find: async () => undefined,
    input: {},
    credentials: service('plugin:caller'),
    door: 'mcp',
    ...options,
  });
  call.rules = { key: '', mode: { value: 'full_access', config: '' }, profiles: [] };
  call.visible = {
    descriptor: { id: 'todo:one' },
    checks: { input: passing, output: passing },
    run: async run => ({ output: await handler(run) }),
    ...visible,
  } as VisibleAction;
  const ending = runInTime(call, { timeoutSeconds: 60, logger }).then(
    ({ output }) => ({ output }),
    error => ({ error }),
  );
  return { ending, logs };
}

describe('the time that a handler has', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is what configuration says, and is named when it is up', async () => {
    const { ending } = start(forEver);

    vi.advanceTimersByTime(60_000);

    expect(await ending).toMatchObject({
      error: {
        name: 'ActionTimeoutError',
        message:
          'Action "todo:one" did not end within 60 seconds (backend.actions.timeoutSeconds); it may still be at work',
      },
    });
  });

  test('is what the action says, if it says', async () => {
    const { ending } = start(forEver, { visible: { timeoutSeconds: 0.5 } });

    vi.advanceTimersByTime(500);

    expect(await ending).toMatchObject({
      error: { message: 'Action "todo:one" did not end within 0.5 seconds; it may still be at work' },
    });
  });

  test('is enough for a handler that ends before', async () => {
    const working = deferred<string>();
    const { ending } = start(() => working.promise);

    vi.advanceTimersByTime(59_999);
    working.resolve('done');

    expect(await ending).toEqual({ output: 'done' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not measured for an action of another backend, which has a bound of its own', async () => {
    const working = deferred<string>();
    const { ending } = start(() => working.promise, { visible: { checks: undefined as never } });

    vi.advanceTimersByTime(3_600_000);
    working.resolve('done');

    expect(await ending).toEqual({ output: 'done' });
  });

  test('stands still while the client is asked, also about two things at once', async () => {
    const answers = [deferred<object>(), deferred<object>(), deferred<object>()];
    let asked = 0;
    const client = { ...noClient, ask: () => answers[asked++]?.promise } as unknown as CallClient;
    const answeredBoth = deferred();
    const { ending } = start(
      async ({ client: own }) => {
        await Promise.all([own.ask({}), own.ask({})]);
        answeredBoth.resolve();
        return forEver();
      },
      { client },
    );

    vi.advanceTimersByTime(600_000);
    answers[0]?.resolve({});
    await setImmediate();
    vi.advanceTimersByTime(600_000);
    answers[1]?.resolve({});
    await answeredBoth.promise;
    vi.advanceTimersByTime(59_000);
    const early = await Promise.race([ending, setImmediate('still at work')]);
    vi.advanceTimersByTime(1_000);

    expect(early).toBe('still at work');
    expect(await ending).toMatchObject({ error: { name: 'ActionTimeoutError' } });
  });

  test('goes on when asking fails', async () => {
    const failed = deferred();
    const { ending } = start(async ({ client }) => {
      await client.ask({}).catch(failed.resolve);
      return forEver();
    });
    await failed.promise;

    vi.advanceTimersByTime(60_000);

    expect(await ending).toMatchObject({ error: { name: 'ActionTimeoutError' } });
  });

  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['ignores its signal', forEver],
    [
      'answers its signal with an error of its own',
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gave up')))),
    ],
    [
      'answers its signal with what it has',
      signal => new Promise(resolve => signal.addEventListener('abort', () => resolve('half'))),
    ],
  ])('being up is what the caller is told, though the handler %s', async (_, handler) => {
    const { ending } = start(({ signal }) => handler(toAbortSignal(signal)));

    vi.advanceTimersByTime(60_000);

    expect(await ending).toMatchObject({ error: { name: 'ActionTimeoutError' } });
  });

  test('being up is the reason of the signal', async () => {
    let reason: unknown;
    const { ending } = start(({ signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return forEver();
    });

    vi.advanceTimersByTime(60_000);

    expect(await ending).toEqual({ error: reason });
  });

  test('being up, what comes later is dropped, and the log says so', async () => {
    const working = deferred<string>();
    const { ending, logs } = start(() => working.promise);
    vi.advanceTimersByTime(60_000);
    await ending;

    working.resolve('late');
    await setImmediate();

    expect(logs).toMatchObject([
      {
        level: 'debug',
        message: expect.stringMatching(/^Action "todo:one" .* after its time was up; its output is dropped$/),
      },
    ]);
  });

  test('being up, the client cannot be asked or told any more', async () => {
    const told: unknown[] = [];
    let own: CallClient | undefined;
    const { ending } = start(
      ({ client }) => {
        own = client;
        return forEver();
      },
      { client: { ...noClient, log: (...args) => told.push(args), reportProgress: progress => told.push(progress) } },
    );
    vi.advanceTimersByTime(60_000);
    await ending;

    own?.log('info', 'late');
    own?.reportProgress({ progress: 1 });

    await expect(own?.ask({})).rejects.toThrow('The client cannot be asked any more: the call has ended');
    expect(told).toEqual([]);
  });
});

test('the caller leaving reaches the signal of the handler', async () => {
  const leaving = new AbortController();
  const { ending } = start(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    { signal: leaving.signal },
  );

  leaving.abort(new Error('left'));

  expect(await ending).toMatchObject({ error: { message: 'left' } });
});

test('an answer that the handler does not wait for may fail', async () => {
  const { ending } = start(async ({ client }) => {
    void client.ask({});
    void client.elicit({ message: '', schema: z.object({}) });
    return 'done';
  });

  expect(await ending).toEqual({ output: 'done' });
});

describe.each(doors)('at the door %s', door => {
  let backend: BackendWithDoors;
  beforeAll(async () => {
    const slow = actionsPlugin('todo', registry => {
      for (const [name, timeoutSeconds] of Object.entries({ slow: undefined, hasty: 0.1 })) {
        registry.register({
          name,
          title: name,
          description: '',
          schema: { input: z.object({}), output: z.object({}) },
          ...(timeoutSeconds !== undefined && { timeoutSeconds }),
          action: forEver,
        });
      }
    });
    backend = await startBackendWithDoors([slow], { timeoutSeconds: 0.2 });
  });
  afterAll(() => backend?.stop());

  test.each([
    ['slow', 'did not end within 0.2 seconds (backend.actions.timeoutSeconds); it may still be at work'],
    ['hasty', 'did not end within 0.1 seconds; it may still be at work'],
  ])('the caller of %s is told that its time is up, and the audit is too', async (name, what) => {
    const outcome = await backend.call(door, `todo:${name}`, {});

    const error = { name: 'ActionTimeoutError', message: `Action "todo:${name}" ${what}` };
    expect(outcome).toEqual({ error });
    expect(backend.auditEvents.at(-1)).toMatchObject({ status: 'failed', error });
  });
});
