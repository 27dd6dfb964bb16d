import type { ResourceContext, StaticResourceOptions, TemplateResourceOptions } from '@callboard/actions-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestBoard, type TestBoard } from '../testing/openTestBoard.js';
import { board as boardResource } from './board.js';
import { item, itemUri } from './item.js';

let board: TestBoard;

beforeEach(async () => {
  board = await openTestBoard();
});

afterEach(() => board.close());

const read = (resource: StaticResourceOptions | TemplateResourceOptions, variables: Record<string, string> = {}) =>
  resource.read({ variables } as unknown as ResourceContext) as Promise<{ text: string } | undefined>;

test('the board has the open items, oldest first, each with a link', async () => {
  const first = await board.store.createItem({ title: 'Call [Ada]\nback', labels: ['life'], dueDate: '2027-02-28' });
  const done = await board.store.createItem({ title: 'done' });
  await board.store.completeItem(done.id);
  board.advanceDays(1);
  const second = await board.store.createItem({ title: 'Tidy up' });

  const contents = await read(boardResource(board));

  expect(contents?.text).toBe(
    `# To-do board\n\n- [Call \\[Ada\\] back](${itemUri(first.id)}), due 2027-02-28, #life\n- [Tidy up](${itemUri(second.id)})`,
  );
});

test('the board says that nothing is open, or that there is more', async () => {
  const empty = await read(boardResource(board));
  for (let index = 0; index < 101; index += 1) {
    await board.store.createItem({ title: `${index}` });
  }
  const full = await read(boardResource(board));

  expect(empty?.text).toContain('Nothing is open.');
  expect(full?.text.match(/^- /gm)).toHaveLength(100);
  expect(full?.text).toContain('There are more');
});

test('an item is read as JSON, open ones are listed, and ids completed', async () => {
  const { id } = await board.store.createItem({ title: 'Water the plants' });
  const done = await board.store.createItem({ title: 'done' });
  await board.store.completeItem(done.id);
  const resource = item(board);

  const found = await read(resource, { id });
  const missing = await read(resource, { id: 'none' });
  const listed = await resource.list?.({} as never);
  const completed = await resource.complete?.id?.(id.slice(0, 8), {} as never);

  expect(JSON.parse(found?.text ?? '')).toEqual(await board.store.getItem(id));
  expect(missing).toBeUndefined();
  expect(listed).toEqual([
    { uri: `todo://items/${id}`, name: id, title: 'Water the plants', mimeType: 'application/json' },
  ]);
  expect(completed).toEqual([id]);
});
