import { afterEach, describe, expect, test, vi } from 'vitest';
import { listedAction } from '../testing/sourceServer.js';
import { type SecretsRequest, SecretsRequests, type TakenSecrets } from './SecretsRequests.js';

const lifetimeMs = 60_000;
let nowMs = 1_800_000_000_000;
let requests: SecretsRequests;

function create() {
  requests = new SecretsRequests({ owner: 'replica-one1', lifetimeMs, nowMs: () => nowMs });
  return requests;
}

const requestOf = (parts: Partial<SecretsRequest> = {}): Omit<SecretsRequest, 'id'> => ({
  binding: 'binding-1',
  principal: 'user:default/ada',
  isOfUser: true,
  clientId: undefined,
  server: undefined,
  agentId: undefined,
  reason: undefined,
  action: listedAction('vault:store', {}),
  effect: 'create',
  environment: 'test',
  arguments: {},
  check: undefined,
  ...parts,
});
const open = (parts?: Partial<SecretsRequest>) => requests.open(requestOf(parts)).request.id;
const giveBack = (taken: TakenSecrets | undefined, untilMs?: number) => taken && requests.giveBack(taken, untilMs);
const signal = new AbortController().signal;

afterEach(() => {
  requests.stop();
  vi.useRealTimers();
});

test('secrets are taken once, by the binding that they were entered for', () => {
  create();
  const id = open();

  expect(requests.enter(id, { key: 'k' })).toBe(true);
  expect(requests.take('binding-2')).toBeUndefined();
  expect(requests.take('binding-1')?.given).toEqual({ key: 'k' });
  expect(requests.take('binding-1')).toBeUndefined();
  expect(requests.find(id)).toBeUndefined();
});

test('ids have 192 random bits, and an open request of the same binding is not opened twice', () => {
  create();

  const [first, second, other] = [open(), open(), open({ binding: 'binding-2' })];

  expect(first).toBe(second);
  expect(other).not.toBe(first);
  expect(first).toMatch(/^replica-one1\.[\w-]{32}$/);
});

test('what was entered is not entered again, and a new request has to be opened for the next call', () => {
  create();
  const id = open();
  requests.enter(id, { key: 'k' });

  expect(requests.enter(id, { key: 'other' })).toBe(false);
  expect(open()).not.toBe(id);
  expect(requests.take('binding-1')?.given).toEqual({ key: 'k' });
});

test('what a call gives back is there for the next, under the same id', () => {
  create();
  const id = open();
  requests.enter(id, { key: 'k' });

  giveBack(requests.take('binding-1'));

  expect(requests.find(id)?.isEntered).toBe(true);
  expect(requests.take('binding-1')?.given).toEqual({ key: 'k' });
});

describe('time', () => {
  test('a request is over after its lifetime; entering starts it anew for the call', () => {
    create();
    const [late, timely] = [open(), open({ binding: 'binding-2' })];
    nowMs += lifetimeMs - 1;
    requests.enter(timely, { key: 'k' });
    nowMs += 1;

    expect(requests.enter(late, { key: 'k' })).toBe(false);
    expect(requests.find(late)).toBeUndefined();
    nowMs += lifetimeMs - 2;
    expect(requests.find(timely)?.isEntered).toBe(true);
    nowMs += 1;
    expect(requests.take('binding-2')).toBeUndefined();
  });

  test('what waits for an approval is kept for as long as that can take, and no longer once it does not', () => {
    create();
    requests.enter(open(), { key: 'k' });
    giveBack(requests.take('binding-1'), nowMs + 10 * lifetimeMs);
    nowMs += 5 * lifetimeMs;
    const taken = requests.take('binding-1');
    expect(taken?.given).toEqual({ key: 'k' });

    giveBack(taken);

    expect(requests.take('binding-1')).toBeUndefined();
  });

  test('what is over is forgotten even if nobody asks', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    create();
    const id = open();
    const waiting = requests.whenEntered(id, { signal, timeoutMs: 100_000 });
    nowMs += lifetimeMs;

    vi.advanceTimersByTime(10_000);

    expect(await waiting).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('waiting', () => {
  test('ends when the secrets are entered, and at once if they are', async () => {
    create();
    const id = open();
    const waiting = requests.whenEntered(id, { signal, timeoutMs: 10_000 });

    requests.enter(id, { key: 'k' });

    expect(await waiting).toBe(true);
    expect(await requests.whenEntered(id, { signal, timeoutMs: 10_000 })).toBe(true);
  });

  test('ends with nothing when the time is over, the request is closed or never was', async () => {
    create();
    const [slow, closed] = [open(), open({ binding: 'binding-2' })];
    const waiting = requests.whenEntered(closed, { signal, timeoutMs: 10_000 });

    requests.close(closed, 'binding-2');

    expect(await waiting).toBe(false);
    expect(await requests.whenEntered(slow, { signal, timeoutMs: 1 })).toBe(false);
    expect(await requests.whenEntered('unknown', { signal, timeoutMs: 10_000 })).toBe(false);
  });

  test('ends with the reason of the signal', async () => {
    create();
    const controller = new AbortController();
    const waiting = requests.whenEntered(open(), { signal: controller.signal, timeoutMs: 10_000 });

    controller.abort(new Error('The caller has gone'));

    await expect(waiting).rejects.toThrow('The caller has gone');
  });
});

test('only the call of a request closes it', () => {
  create();
  const id = open();

  requests.close(id, 'binding-2');
  expect(requests.find(id)).toBeDefined();
  requests.close(id, 'binding-1');

  expect(requests.find(id)).toBeUndefined();
});

describe('bounds', () => {
  test('one principal has 50 requests at most, entered ones among them', () => {
    create();
    for (let n = 0; n < 50; n += 1) {
      requests.enter(open({ binding: `b-${n}` }), { key: 'k' });
    }

    expect(() => open({ binding: 'one more' })).toThrow('user:default/ada has 50 calls that wait for secrets');
    expect(open({ binding: 'one more', principal: 'user:default/eve' })).toBeDefined();
    nowMs += lifetimeMs;
    expect(open({ binding: 'one more' })).toBeDefined();
  });

  test('all together have 1,000 at most', () => {
    create();
    for (let n = 0; n < 1_000; n += 1) {
      open({ binding: `b-${n}`, principal: `user:default/u${n}` });
    }

    expect(() => open({ principal: 'user:default/last' })).toThrow('Too many calls of all callers');
  });
});

test('after the stop nothing is there, nobody waits, and nothing is kept any more', async () => {
  create();
  const [id, entered] = [open(), open({ binding: 'binding-2' })];
  requests.enter(entered, { key: 'k' });
  const taken = requests.take('binding-2');
  const waiting = requests.whenEntered(id, { signal, timeoutMs: 10_000 });

  requests.stop();
  giveBack(taken);

  expect(await waiting).toBe(false);
  expect(requests.find(id)).toBeUndefined();
  expect(requests.take('binding-2')).toBeUndefined();
});
