import { InputError } from '@backstage/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { exportItems } from './exportItems.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('exports all matching items with the time', async () => {
  const { id } = await board.store.createItem({ title: 'done' });
  const done = await board.store.completeItem(id);
  await board.store.createItem({ title: 'open' });

  const exported = await board.call(exportItems(board), { done: true });

  expect(exported).toEqual({ exportedAt: '2027-01-01T00:00:00.000Z', items: [done] });
});

test('answers a board that is too large with an InputError that says how to narrow it', async () => {
  for (let n = 0; n < 1001; n++) {
    await board.store.createItem({ title: `${n}`, labels: n < 1000 ? ['some'] : [] });
  }

  const failure = board.call(exportItems(board), {});
  await expect(failure).rejects.toThrow(InputError);
  await expect(failure).rejects.toThrow('at most 1000');

  const narrowed = await board.call(exportItems(board), { label: 'some' });
  expect(narrowed.items).toHaveLength(1000);
});

test('is there only for callers who may export items', () => {
  expect(exportItems(board).visibilityPermission?.name).toBe('todo.item.export');
});
