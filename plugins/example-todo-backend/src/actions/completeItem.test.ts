import { NotFoundError } from '@backstage/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { completeItem } from './completeItem.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('completes an item once; calling it again changes nothing', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const completed = await board.call(completeItem(board), { id });
  board.advanceDays(1);
  const again = await board.call(completeItem(board), { id });

  expect(completed).toMatchObject({ done: true, doneAt: '2027-01-01T00:00:00.000Z', version: 2 });
  expect(again).toEqual(completed);
});

test('answers an unknown id with a NotFoundError', async () => {
  await expect(board.call(completeItem(board), { id: 'gone' })).rejects.toThrow(NotFoundError);
});
