import { expect, test } from 'vitest';
import { OutputStore } from './OutputStore.js';

const output = (owner: string, characters = 1_000) => ({
  owner,
  actionId: 'a:b',
  toolName: 'a.b',
  json: 'x'.repeat(characters),
  content: [],
  missing: [],
});

test('an output is there for its owner only, under an id that nobody can guess', async () => {
  const store = new OutputStore();
  const ids = Array.from({ length: 100 }, () => store.keep(output('ada'))?.id ?? '');

  expect((await (await store.find(ids[0] as string, 'ada'))?.whole())?.json).toHaveLength(1_000);
  expect(await store.find(ids[0] as string, 'eve')).toBeUndefined();
  expect(await store.find('', 'ada')).toBeUndefined();
  expect(new Set(ids).size).toBe(100);
  expect(ids.every(id => Buffer.from(id.split('.')[1] as string, 'base64url').length * 8 >= 128)).toBe(true);
  store.close();
});

test('it is gone after its time, and its memory with the next one that is kept', async () => {
  let nowMs = 0;
  const store = new OutputStore({ nowMs: () => nowMs, lifetimeMs: 1_000 });
  const id = store.keep(output('ada'))?.id ?? '';

  nowMs = 999;
  const before = await store.find(id, 'ada');
  nowMs = 1_000;
  const after = await store.find(id, 'ada');
  store.keep(output('eve'));

  expect(before).toBeDefined();
  expect(after).toBeUndefined();
  expect(store.size).toBe(1);
  store.close();
});

test("the oldest of an owner's own give way to the newest, and nobody else's", async () => {
  const store = new OutputStore({ bytesPerOwner: 10_000 });
  const others = store.keep(output('eve'))?.id ?? '';
  const ids = Array.from({ length: 10 }, () => store.keep(output('ada'))?.id ?? '');

  const found = await Promise.all(ids.map(id => store.find(id, 'ada')));
  expect(found.map(output => output !== undefined)).toEqual([...Array(7).fill(false), true, true, true]);
  expect(await store.find(others, 'eve')).toBeDefined();
  store.close();
});

test('all together have a limit, too', () => {
  const store = new OutputStore({ bytes: 10_000 });

  for (let index = 0; index < 100; index += 1) {
    store.keep(output(`caller ${index}`));
  }

  expect(store.size).toBe(3);
  store.close();
});

test('what is longer than an owner may keep is not kept, and drives nothing out', async () => {
  const store = new OutputStore({ bytesPerOwner: 10_000 });
  const id = store.keep(output('ada'))?.id ?? '';

  expect(store.keep(output('ada', 5_000))).toBeUndefined();
  expect(await store.find(id, 'ada')).toBeDefined();
  store.close();
});

test('nothing is left when it is closed', () => {
  const store = new OutputStore();
  store.keep(output('ada'));

  store.close();

  expect(store.size).toBe(0);
});
