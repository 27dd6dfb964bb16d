import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { createItem } from './createItem.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('creates an open item; what is not given is empty', async () => {
  const item = await board.call(createItem(board), { title: '  Water the plants ' });

  expect(item).toMatchObject({
    title: 'Water the plants',
    notes: null,
    labels: [],
    dueDate: null,
    done: false,
    doneAt: null,
    version: 1,
  });
  expect(await board.store.getItem(item.id)).toEqual(item);
});

test.each([
  ['a title of spaces', { title: '   ' }, 'title'],
  ['a title that is too long', { title: 'x'.repeat(201) }, 'title'],
  ['a NUL character', { title: 'a\0b' }, 'title'],
  ['a day that does not exist', { title: 'x', dueDate: '2027-02-29' }, 'dueDate'],
  ['a time instead of a day', { title: 'x', dueDate: '2027-02-28T00:00:00Z' }, 'dueDate'],
  ['an empty label', { title: 'x', labels: ['ok', ''] }, 'labels'],
  ['an unknown field', { title: 'x', tags: ['ok'] }, 'tags'],
])('refuses %s and creates nothing', async (_case, input, named) => {
  await expect(board.call(createItem(board), input)).rejects.toThrow(named);
  expect(await board.store.listItems({ limit: 10 })).toEqual([]);
});

test('accepts a title of 200 characters', async () => {
  const { title } = await board.call(createItem(board), { title: 'x'.repeat(200) });

  expect(title).toHaveLength(200);
});
