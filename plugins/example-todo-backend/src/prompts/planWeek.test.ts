import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { planWeek } from './planWeek.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

test('has the days and the open items of the label', async () => {
  const mine = await board.store.createItem({ title: 'Water the plants', labels: ['life'] });
  await board.store.createItem({ title: 'Release', labels: ['work'] });
  const prompt = planWeek(board);

  const { messages } = await prompt.get({ arguments: { days: 3, label: 'life' } } as never);

  expect(messages[0]?.content).toMatchObject({
    type: 'text',
    text: expect.stringContaining('next 3 working days with the open to-do items labelled "life"'),
  });
  expect(messages[1]?.content).toEqual({
    type: 'resource',
    resource: { uri: 'todo://board', mimeType: 'application/json', text: JSON.stringify([mine]) },
  });
});

test('completes labels that are on the board', async () => {
  await board.store.createItem({ title: 'one', labels: ['life', 'light'] });
  await board.store.createItem({ title: 'two', labels: ['life', 'work'] });

  expect(await planWeek(board).complete?.label?.('li', {} as never)).toEqual(['life', 'light']);
});
