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
