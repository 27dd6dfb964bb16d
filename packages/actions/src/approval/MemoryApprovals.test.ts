import { approvalRequest, describeApprovalBook } from '@callboard/test-utils';
import { expect, test } from 'vitest';
import { MemoryApprovals } from './MemoryApprovals.js';

const lifetimeMs = 60_000;

function openBook() {
  let nowMs = Date.parse('2027-01-01T00:00:00.000Z');
  const book = new MemoryApprovals({ lifetimeMs, nowMs: () => nowMs });
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { book, advance };
}

describeApprovalBook('approvals in memory', async () => ({
  ...openBook(),
  lifetimeMs,
  maxPendingPerPrincipal: 50,
}));

test('nobody can decide but the client, and there is no page', async () => {
  const { book } = openBook();
  await book.open(approvalRequest());

  expect(book.isDurable).toBe(false);
  expect(book.urlOf()).toBeUndefined();
  expect(await book.redeem()).toBeUndefined();
});

test('the key for state is not that of another process', async () => {
  expect(await openBook().book.stateKey()).not.toEqual(await openBook().book.stateKey());
});

test('the key for state is the one that is given', async () => {
  const stateKey = new Uint8Array(32).fill(7);

  expect(await new MemoryApprovals({ lifetimeMs, stateKey }).stateKey()).toBe(stateKey);
});

test('an approval says when it was asked for, decided and expires', async () => {
  const { book, advance } = openBook();
  const { id, request, requestedAt, expiresAt } = await book.open(approvalRequest());
  advance(1_000);

  const answered = await book.answer(id, request.binding, 'accept');

  expect([requestedAt, answered?.decidedAt, expiresAt]).toEqual([
    '2027-01-01T00:00:00.000Z',
    '2027-01-01T00:00:01.000Z',
    '2027-01-01T00:01:00.000Z',
  ]);
  expect(id).toMatch(/^[\w-]{22}$/);
});

test.each([
  [59_999, 'used'],
  [60_000, undefined],
])('an answer after %d ms of a minute makes it %s', async (ms, state) => {
  const { book, advance } = openBook();
  const { id, request } = await book.open(approvalRequest());

  advance(ms);

  expect((await book.answer(id, request.binding, 'accept'))?.state).toBe(state);
});

test('too many that wait are refused with their number', async () => {
  const { book } = openBook();
  for (let index = 0; index < 50; index += 1) {
    await book.open(approvalRequest({ binding: String(index) }));
  }

  await expect(book.open(approvalRequest({ binding: 'one more' }))).rejects.toThrow(
    'user:default/ada has 50 calls that wait for approval; have some of them decided first',
  );
});
