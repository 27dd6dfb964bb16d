import { deferred, recordingLogger } from '@callboard/test-utils';
import { beforeEach, expect, test } from 'vitest';
import { Readiness } from './Readiness.js';

const ok = { status: 200, payload: { status: 'ok' } };
const secret = 'postgres://app:hush@db:5432/app';

let nowMs: number;
let asked: number;
let answer: () => Promise<unknown>;

beforeEach(() => {
  nowMs = 0;
  asked = 0;
  answer = async () => {};
});

function open() {
  const { logger, logs } = recordingLogger();
  const ask = () => {
    asked += 1;
    return answer();
  };
  const readiness = new Readiness({ parts: [{ name: 'database', ask }], logger, nowMs: () => nowMs });
  return { readiness, logs };
}

test('it is ready between start and stop only, and asks nobody at other times', async () => {
  const { readiness } = open();

  const before = await readiness.getReadiness();
  const askedBefore = asked;
  readiness.started();
  const during = await readiness.getReadiness();
  readiness.stopping();
  nowMs += 60_000;
  const after = await readiness.getReadiness();

  expect([before.status, askedBefore, during, after.status, asked]).toEqual([503, 0, ok, 503, 1]);
  expect([before.payload, after.payload]).toEqual([
    { status: 'error', message: 'Backend has not started yet' },
    { status: 'error', message: 'Backend is shutting down' },
  ]);
});

test('it names the part that does not answer and nothing else, until the part is back', async () => {
  const { readiness, logs } = open();
  readiness.started();
  await readiness.getReadiness();
  nowMs += 2_000;
  answer = () => Promise.reject(new Error(`no connection to ${secret}`));

  const failed = await readiness.getReadiness();
  const live = await readiness.getLiveness();
  answer = async () => {};
  nowMs += 2_000;
  const back = await readiness.getReadiness();

  expect(failed).toEqual({ status: 503, payload: { status: 'error', message: 'No answer from: database' } });
  expect(live).toEqual(ok);
  expect(back).toEqual(ok);
  expect(logs.map(({ level, message }) => [level, message])).toEqual([
    ['error', `Not ready: no answer from database: no connection to ${secret}`],
    ['info', 'database answers again'],
  ]);
});

test('a part that comes a moment after the start is no error, and one that does not come is', async () => {
  const { readiness, logs } = open();
  readiness.started();
  answer = () => Promise.reject(new Error('not yet'));

  for (const elapsedMs of [0, 2_000, 8_000, 2_000]) {
    nowMs += elapsedMs;
    await readiness.getReadiness();
  }
  answer = async () => {};
  nowMs += 2_000;
  await readiness.getReadiness();

  expect(logs.map(({ level, message }) => [level, message])).toEqual([
    ['info', 'Not ready yet: no answer from database: not yet'],
    ['error', 'Not ready: no answer from database: not yet'],
    ['info', 'database answers'],
  ]);
});

test('any number of probes is one question, while it waits and for a while after', async () => {
  const { readiness } = open();
  readiness.started();
  const answered = deferred<void>();
  answer = () => answered.promise;

  const atOnce = Array.from({ length: 50 }, () => readiness.getReadiness());
  answered.resolve();
  await Promise.all(atOnce);
  nowMs += 1_999;
  await readiness.getReadiness();

  expect(asked).toBe(1);
});

test('a part that never answers is given up', async () => {
  const { readiness } = open();
  readiness.started();
  answer = () => new Promise(() => {});

  expect((await readiness.getReadiness()).payload).toMatchObject({ message: 'No answer from: database' });
});

test('a stop that begins while a part is asked is told', async () => {
  const { readiness } = open();
  readiness.started();
  const answered = deferred<void>();
  answer = () => answered.promise;

  const probe = readiness.getReadiness();
  readiness.stopping();
  answered.resolve();

  expect((await probe).payload).toMatchObject({ message: 'Backend is shutting down' });
});
