import { expect, test } from 'vitest';
import { delayAfter, judgeStatus, MAX_ATTEMPTS } from './retries.js';

const now = new Date('2027-01-01T00:00:00.000Z');
const wait = (changes: Partial<Parameters<typeof delayAfter>[0]> = {}) =>
  delayAfter({ attempts: 1, random: 0.5, retryAfter: undefined, now, ...changes });

test.each([
  [200, 'delivered'],
  [204, 'delivered'],
  [301, 'give up'],
  [400, 'give up'],
  [401, 'give up'],
  [404, 'give up'],
  [410, 'give up'],
  [408, 'retry'],
  [409, 'retry'],
  [425, 'retry'],
  [429, 'retry'],
  [500, 'retry'],
  [503, 'retry'],
])('%d: %s', (status, verdict) => {
  expect(judgeStatus(status)).toBe(verdict);
});

test('waits longer each time, ten minutes in all', () => {
  const waits = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => wait({ attempts: index + 1 }));

  expect(waits).toEqual([5_000, 15_000, 45_000, 135_000, 405_000]);
  expect(waits.reduce((sum, ms) => sum + ms) / 60_000).toBeCloseTo(10, 0);
});

test('not all wait the same time', () => {
  expect([0, 0.999].map(random => wait({ random }))).toEqual([4_000, 5_998]);
});

test.each([
  ['120', 120_000],
  ['Fri, 01 Jan 2027 00:02:00 GMT', 120_000],
  ['1', 5_000],
  ['999999999', 3_600_000],
  ['soon', 5_000],
  ['-5', 5_000],
  ['Thu, 31 Dec 2026 00:00:00 GMT', 5_000],
])('Retry-After: %s is a wait of %d ms', (retryAfter, ms) => {
  expect(wait({ retryAfter })).toBe(ms);
});
