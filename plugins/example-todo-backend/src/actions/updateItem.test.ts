import { ConflictError, InputError, NotFoundError } from '@backstage/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { updateItem } from './updateItem.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('changes the item when it is at the expected version', async () => {
  const { id } = await board.store.createItem({ title: 'Plants', notes: 'Two' });

  const changed = await board.call(updateItem(board), { id, title: 'Ferns', notes: null, expectedVersion: 1 });

  expect(changed).toMatchObject({ id, title: 'Ferns', notes: null, version: 2 });
});

test('answers a stale version with a ConflictError that names both versions', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });
  await board.store.updateItem({ id, changes: { title: 'Ferns' } });

  const failure = board.call(updateItem(board), { id, title: 'Cacti', expectedVersion: 1 });

  await expect(failure).rejects.toThrow(ConflictError);
  await expect(failure).rejects.toThrow(`Item "${id}" has changed: expected version 1, got 2`);
  expect(await board.store.getItem(id)).toMatchObject({ title: 'Ferns', version: 2 });
});

test('answers an unknown id with a NotFoundError, with and without a version', async () => {
  const update = updateItem(board);

  await expect(board.call(update, { id: 'gone', title: 'x' })).rejects.toThrow(NotFoundError);
  await expect(board.call(update, { id: 'gone', title: 'x', expectedVersion: 1 })).rejects.toThrow(NotFoundError);
});

test('answers an update of nothing with an InputError that names the fields', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const failure = board.call(updateItem(board), { id, expectedVersion: 1 });

  await expect(failure).rejects.toThrow(InputError);
  await expect(failure).rejects.toThrow('expected at least one of title, notes, labels and dueDate, got none');
  expect(await board.store.getItem(id)).toMatchObject({ version: 1 });
});

test('refuses a misspelt expectedVersion rather than overwriting without the check', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });

  const failure = board.call(updateItem(board), { id, title: 'Ferns', expectedVerison: 7 });

  await expect(failure).rejects.toThrow('expectedVerison');
  expect(await board.store.getItem(id)).toMatchObject({ title: 'Plants', version: 1 });
});

test('shows who approves the item before and after, just as the call would leave it, and changes nothing', async () => {
  const created = await board.store.createItem({ title: 'Plants', notes: 'Two', labels: ['b'], dueDate: '2027-02-28' });
  const input = { id: created.id, title: ' Ferns ', notes: null, labels: ['c', 'a', 'c'], expectedVersion: 1 };

  const preview = await board.preview(updateItem(board), input);
  const untouched = await board.store.getItem(created.id);
  const changed = await board.call(updateItem(board), input);

  expect(preview?.summary).toBe('Changes "Plants"');
  expect(untouched).toEqual(created);
  expect(created).toMatchObject(preview?.before as object);
  expect(changed).toMatchObject(preview?.after as object);
  expect(preview?.after).toEqual({
    title: 'Ferns',
    notes: null,
    labels: ['a', 'c'],
    dueDate: '2027-02-28',
    done: false,
  });
});

test('says to who approves that a stale version changes nothing', async () => {
  const { id } = await board.store.createItem({ title: 'Plants' });
  await board.store.updateItem({ id, changes: { title: 'Ferns' } });

  const preview = await board.preview(updateItem(board), { id, title: 'Cacti', expectedVersion: 1 });

  expect(preview?.summary).toBe('Changes nothing: "Ferns" is at version 2, expected 1');
  expect(preview?.after).toEqual(preview?.before);
});
