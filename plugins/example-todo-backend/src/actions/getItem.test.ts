import { NotFoundError } from '@backstage/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { getItem } from './getItem.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('returns the item', async () => {
  const item = await board.store.createItem({ title: 'Water the plants' });

  expect(await board.call(getItem(board), { id: item.id })).toEqual(item);
});

test('answers an unknown id with a NotFoundError that names it', async () => {
  const failure = board.call(getItem(board), { id: '__proto__' });

  await expect(failure).rejects.toThrow(NotFoundError);
  await expect(failure).rejects.toThrow('Item "__proto__" not found');
});
