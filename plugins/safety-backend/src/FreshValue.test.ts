import { beforeEach, expect, test } from 'vitest';
import { FreshValue } from './FreshValue.js';

let now: Date;
let reads: { resolve(value: string): void; reject(error: Error): void }[];

const create = () =>
  new FreshValue<string>({
    read: () => new Promise((resolve, reject) => void reads.push({ resolve, reject })),
    now: () => now,
    maxAgeMs: 1_000,
    timeoutMs: 20,
  });
const advance = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

beforeEach(() => {
  now = new Date('2027-01-01T12:00:00.000Z');
  reads = [];
});

test('those who ask at once wait for one reading', async () => {
  const value = create();

  const answers = [value.get(), value.get()];
  reads[0]?.resolve('a');

  expect(await Promise.all(answers)).toMatchObject([{ read: { value: 'a', ageMs: 0 } }, { read: { value: 'a' } }]);
  expect(reads).toHaveLength(1);
});

test('a reading that never comes is waited for as long as allowed, and tried again when it is due', async () => {
  const value = create();

  const first = await value.get();
  const second = await value.get();
  advance(1_000);
  const third = value.get();
  reads[1]?.resolve('b');

  expect(first).toMatchObject({ read: undefined, failure: { message: 'no answer within 20 ms' } });
  expect(second.read).toBeUndefined();
  expect(await third).toMatchObject({ read: { value: 'b' }, failure: undefined });
  expect(reads).toHaveLength(2);
});

test('after a failure the old value is given with its age', async () => {
  const value = create();
  value.set('a');
  advance(3_000);

  const answer = value.get();
  reads[0]?.reject(new Error('away'));

  expect(await answer).toMatchObject({ read: { value: 'a', ageMs: 3_000 }, failure: { message: 'away' } });
});

test('what was being read while this process wrote does not undo what it wrote', async () => {
  const value = create();
  const reading = value.get();

  value.set('written');
  reads[0]?.resolve('older');

  expect(await reading).toMatchObject({ read: { value: 'written' } });
  expect(await value.get()).toMatchObject({ read: { value: 'written' } });
});
