import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { purgeDone } from './purgeDone.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

async function createDone(title: string): Promise<void> {
  const { id } = await board.store.createItem({ title });
  await board.store.completeItem(id);
}

test('deletes what was done that many days ago and keeps open and later items', async () => {
  await board.store.createItem({ title: 'open' });
  await createDone('long done');
  board.advanceDays(1);
  await createDone('just done');
  board.advanceDays(29);

  const { deletedCount } = await board.call(purgeDone(board), { olderThanDays: 30 });

  expect(deletedCount).toBe(1);
  const left = await board.store.listItems({ limit: 10 });
  expect(left.map(item => item.title).sort()).toEqual(['just done', 'open']);
});

test('deletes every done item at 0 days', async () => {
  await createDone('one');
  await createDone('two');

  const { deletedCount } = await board.call(purgeDone(board), { olderThanDays: 0 });

  expect(deletedCount).toBe(2);
});

test.each([{}, { olderThanDays: -1 }, { olderThanDays: '30' }])('refuses %j and deletes nothing', async input => {
  await createDone('done');

  await expect(board.call(purgeDone(board), input)).rejects.toThrow('olderThanDays');

  expect(await board.store.listItems({ limit: 10 })).toHaveLength(1);
});

test('asks the person at the client which ones, and deletes those', async () => {
  await createDone('long done');
  board.advanceDays(10);
  await createDone('just done');
  board.person.answer = { action: 'accept', content: { olderThanDays: 10 } };

  const { deletedCount } = await board.call(purgeDone(board), {});

  expect(deletedCount).toBe(1);
  expect(board.person.questions).toEqual(['Which done items shall be deleted?']);
});

test.each(['decline', 'cancel'] as const)('deletes nothing for a person who answers %s', async action => {
  await createDone('done');
  board.person.answer = { action };

  const { deletedCount } = await board.call(purgeDone(board), {});

  expect(deletedCount).toBe(0);
  expect(await board.store.listItems({ limit: 10 })).toHaveLength(1);
});

test('shows who approves all that a person who is asked later could choose', async () => {
  await createDone('one');
  board.advanceDays(1);
  await createDone('two');

  const preview = await board.preview(purgeDone(board), {});

  expect(preview).toEqual({ summary: 'Deletes at most 2 items for good', before: ['one', 'two'], after: [] });
});

test('shows who approves how many would go, with their titles, and deletes nothing', async () => {
  await board.store.createItem({ title: 'open' });
  await createDone('first');
  board.advanceDays(1);
  await createDone('second');
  board.advanceDays(29);

  const some = await board.preview(purgeDone(board), { olderThanDays: 30 });
  const all = await board.preview(purgeDone(board), { olderThanDays: 0 });
  const none = await board.preview(purgeDone(board), { olderThanDays: 31 });

  expect(some).toEqual({ summary: 'Deletes 1 item for good', before: ['first'], after: [] });
  expect(all).toEqual({ summary: 'Deletes 2 items for good', before: ['first', 'second'], after: [] });
  expect(none).toEqual({ summary: 'Deletes 0 items for good', before: [], after: [] });
  expect(await board.store.listItems({ limit: 10 })).toHaveLength(3);
});

test('shows who approves a hundred titles, and how many there are beyond', async () => {
  for (let index = 0; index < 102; index += 1) {
    await createDone(`item ${index}`);
  }

  const preview = await board.preview(purgeDone(board), { olderThanDays: 0 });

  expect(preview?.summary).toBe('Deletes 102 items for good');
  expect(preview?.before).toHaveLength(101);
  expect(preview?.before).toContain('… and 2 more');
});
