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

test('shows who approves the item before and after, and changes nothing', async () => {
  const item = await board.store.createItem({ title: 'Plants', labels: ['office'] });

  const preview = await board.preview(completeItem(board), { id: item.id });

  const before = { title: 'Plants', notes: null, labels: ['office'], dueDate: null, done: false };
  expect(preview).toEqual({ summary: 'Marks "Plants" done', before, after: { ...before, done: true } });
  expect(await board.store.getItem(item.id)).toEqual(item);
});

test('says to who approves that an item is done already', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });
  await board.store.completeItem(id);

  const preview = await board.preview(completeItem(board), { id });

  expect(preview?.summary).toBe('"Plants" is done already and stays as it is');
  expect(preview?.after).toEqual(preview?.before);
});

test('has nothing to show of an unknown item', async () => {
  await expect(board.preview(completeItem(board), { id: 'gone' })).rejects.toThrow(NotFoundError);
});
