import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { listItems } from './listItems.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('turns pages with nextCursor until the last, which has none', async () => {
  for (const title of ['1', '2', '3', '4']) {
    await board.store.createItem({ title });
    board.advanceDays(1);
  }

  const first = await board.call(listItems(board), { limit: 2 });
  const second = await board.call(listItems(board), { limit: 2, cursor: first.nextCursor });

  expect(first.items.map(item => item.title)).toEqual(['1', '2']);
  expect(first.nextCursor).toEqual(expect.any(String));
  expect(second.items.map(item => item.title)).toEqual(['3', '4']);
  expect(second).not.toHaveProperty('nextCursor');
});

test('a page goes on where it ended even if that item is gone by then', async () => {
  for (const title of ['1', '2', '3']) {
    const { id } = await board.store.createItem({ title });
    if (title === '2') await board.store.completeItem(id);
    board.advanceDays(1);
  }
  const first = await board.call(listItems(board), { limit: 2 });
  await board.store.deleteItemsDoneUntil(board.now());

  const second = await board.call(listItems(board), { limit: 2, cursor: first.nextCursor });

  expect(second.items.map(item => item.title)).toEqual(['3']);
});

test('filters by done and label', async () => {
  const { id } = await board.store.createItem({ title: 'done', labels: ['release'] });
  await board.store.completeItem(id);
  await board.store.createItem({ title: 'open', labels: ['release'] });
  await board.store.createItem({ title: 'other' });

  const { items } = await board.call(listItems(board), { done: false, label: 'release' });

  expect(items.map(item => item.title)).toEqual(['open']);
});

test('gives 50 items unless told otherwise', async () => {
  await Promise.all(Array.from({ length: 51 }, (_, n) => board.store.createItem({ title: `${n}` })));

  const page = await board.call(listItems(board), {});

  expect(page.items).toHaveLength(50);
  expect(page.nextCursor).toBeDefined();
});

test.each([
  ['limit', { limit: 0 }],
  ['limit', { limit: 101 }],
  ['limit', { limit: 1.5 }],
  ['nextCursor', { cursor: 'page 2' }],
])('refuses a %s that is out of bounds: %j', async (named, input) => {
  await expect(board.call(listItems(board), input)).rejects.toThrow(named);
});

test('shows models a table, and how to get the next page', async () => {
  const { id } = await board.store.createItem({ title: 'Water the plants', labels: ['life', 'office'] });
  board.advanceDays(1);
  await board.store.createItem({ title: 'Tidy up' });
  const action = listItems(board);

  const view = action.textView?.(await board.call(action, { limit: 1 }));

  expect(view).toEqual({
    kind: 'table',
    title: expect.stringMatching(/^There is another page: call again with cursor 2027-/),
    columns: ['id', 'title', 'labels', { key: 'dueDate', title: 'due' }, 'done'],
    rows: [{ id, title: 'Water the plants', labels: 'life, office', dueDate: null, done: false }],
  });
});
