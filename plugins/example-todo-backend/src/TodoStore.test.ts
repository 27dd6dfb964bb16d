import { fileURLToPath } from 'node:url';
import { NotFoundError } from '@backstage/errors';
import { describeOnPostgres, openPostgres, openSqlite, type TestDatabase } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TodoStore } from './TodoStore.js';

describe('TodoStore on SQLite', () => todoStoreSuite(openSqlite));

await describeOnPostgres('TodoStore on PostgreSQL', () => todoStoreSuite(openPostgres));

function todoStoreSuite(openDatabase: () => Promise<TestDatabase>): void {
  let database: TestDatabase;
  let store: TodoStore;
  let now: Date;

  const openStore = () => TodoStore.open({ database: { getClient: async () => database.db }, now: () => now });

  const createAMinuteLater = (title: string) => {
    now = new Date(now.getTime() + 60_000);
    return store.createItem({ title });
  };

  beforeEach(async () => {
    now = new Date('2027-01-01T00:00:00.000Z');
    database = await openDatabase();
    store = await openStore();
  });

  afterEach(() => database.drop());

  test('returns a created item as it was given', async () => {
    const created = await store.createItem({
      title: 'Water the plants 🌱',
      notes: "Bobby'); drop table items;--",
      labels: ['office', 'green', 'office'],
      dueDate: '2027-02-28',
    });

    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      title: 'Water the plants 🌱',
      notes: "Bobby'); drop table items;--",
      labels: ['green', 'office'],
      dueDate: '2027-02-28',
      done: false,
      doneAt: null,
      createdAt: '2027-01-01T00:00:00.000Z',
      updatedAt: '2027-01-01T00:00:00.000Z',
      version: 1,
    });
    expect(await store.getItem(created.id)).toEqual(created);
  });

  test('keeps its items when it is opened again', async () => {
    const item = await createAMinuteLater('Stay');

    const reopened = await openStore();

    expect(await reopened.listItems({ limit: 10 })).toEqual([item]);
  });

  test('leaves the tables to others when the database service says to skip migrations', async () => {
    await database.db.migrate.rollback({ directory: fileURLToPath(new URL('../migrations', import.meta.url)) });

    await TodoStore.open({
      database: { getClient: async () => database.db, migrations: { skip: true } },
      now: () => now,
    });

    expect(await database.db.schema.hasTable('items')).toBe(false);
    expect(await database.db.schema.hasTable('item_labels')).toBe(false);
  });

  test('says which item it did not find', async () => {
    const failure = store.getItem('no-such-item');

    await expect(failure).rejects.toThrow(NotFoundError);
    await expect(failure).rejects.toThrow('Item "no-such-item" not found');
  });

  test('lists oldest first, and items of the same millisecond always in the same order', async () => {
    const oldest = await createAMinuteLater('oldest');
    now = new Date('2027-01-02T00:00:00.000Z');
    const twins = await Promise.all([1, 2, 3].map(() => store.createItem({ title: 'twin' })));
    const newest = await createAMinuteLater('newest');

    const ids = (await store.listItems({ limit: 10 })).map(item => item.id);

    expect(ids).toEqual([oldest.id, ...twins.map(twin => twin.id).sort(), newest.id]);
  });

  test('lists only items that match all filters', async () => {
    await createAMinuteLater('first');
    const second = await createAMinuteLater('second');
    const third = await createAMinuteLater('third');
    await store.updateItem({ id: second.id, changes: { labels: ['release', 'urgent'] } });
    await store.updateItem({ id: third.id, changes: { labels: ['release'] } });
    await store.completeItem(third.id);

    const titles = async (query: { done?: boolean; label?: string }) =>
      (await store.listItems({ ...query, limit: 10 })).map(item => item.title);

    expect(await titles({})).toEqual(['first', 'second', 'third']);
    expect(await titles({ done: false })).toEqual(['first', 'second']);
    expect(await titles({ done: true })).toEqual(['third']);
    expect(await titles({ label: 'release' })).toEqual(['second', 'third']);
    expect(await titles({ label: 'release', done: false })).toEqual(['second']);
    expect(await titles({ label: 'rel' })).toEqual([]);
  });

  test('goes on after a position without gaps or repeats, also between items of the same millisecond', async () => {
    const items = await Promise.all([1, 2, 3, 4, 5].map(() => store.createItem({ title: 'twin' })));

    const found = [];
    for (let page = await store.listItems({ limit: 2 }); page.length > 0; ) {
      found.push(...page);
      page = await store.listItems({ limit: 2, after: page.at(-1) });
    }

    expect(found.map(item => item.id)).toEqual(items.map(item => item.id).sort());
  });

  test('changes the given fields only and counts the version up', async () => {
    const created = await store.createItem({
      title: 'Plants',
      notes: 'Two',
      labels: ['office'],
      dueDate: '2027-02-28',
    });
    now = new Date('2027-01-05T00:00:00.000Z');

    const changed = await store.updateItem({ id: created.id, changes: { title: 'Ferns' } });

    expect(changed).toEqual({ ...created, title: 'Ferns', updatedAt: '2027-01-05T00:00:00.000Z', version: 2 });
    expect(await store.getItem(created.id)).toEqual(changed);
  });

  test('empties fields that are changed to null, and replaces labels', async () => {
    const created = await store.createItem({
      title: 'Plants',
      notes: 'Two',
      labels: ['office'],
      dueDate: '2027-02-28',
    });

    const changed = await store.updateItem({
      id: created.id,
      changes: { notes: null, dueDate: null, labels: ['green', 'garden'] },
    });

    expect(changed).toMatchObject({ title: 'Plants', notes: null, dueDate: null, labels: ['garden', 'green'] });
  });

  test('changes nothing when the item is not at the expected version, or does not exist', async () => {
    const { id } = await store.createItem({ title: 'Plants', labels: ['office'] });
    const current = await store.updateItem({ id, changes: { notes: 'Mine' } });

    const stale = await store.updateItem({ id, changes: { title: 'Yours', labels: [] }, expectedVersion: 1 });
    const missing = await store.updateItem({ id: 'no-such-item', changes: { title: 'Yours' } });

    expect(stale).toBeUndefined();
    expect(missing).toBeUndefined();
    expect(await store.getItem(id)).toEqual(current);
  });

  test('lets exactly one of many writers win who expect the same version', async () => {
    const { id } = await store.createItem({ title: 'Contested' });

    const results = await Promise.all(
      Array.from({ length: 20 }, (_, writer) =>
        store.updateItem({ id, changes: { title: `by ${writer}`, labels: [`${writer}`] }, expectedVersion: 1 }),
      ),
    );

    const [winner, ...others] = results.filter(result => result !== undefined);
    expect(others).toEqual([]);
    expect(await store.getItem(id)).toEqual(winner);
    expect(winner?.version).toBe(2);
  });

  test('loses no change when writers expect no version', async () => {
    const { id } = await store.createItem({ title: 'Busy' });

    await Promise.all(Array.from({ length: 20 }, (_, n) => store.updateItem({ id, changes: { labels: [`${n}`] } })));

    const { version, labels } = await store.getItem(id);
    expect(version).toBe(21);
    expect(labels).toHaveLength(1);
  });

  test('keeps the time of the first completion', async () => {
    const { id } = await store.createItem({ title: 'Plants' });
    now = new Date('2027-01-05T00:00:00.000Z');
    const completed = await store.completeItem(id);
    now = new Date('2027-01-06T00:00:00.000Z');

    const again = await Promise.all([store.completeItem(id), store.completeItem(id)]);

    expect(completed).toMatchObject({
      done: true,
      doneAt: '2027-01-05T00:00:00.000Z',
      updatedAt: '2027-01-05T00:00:00.000Z',
      version: 2,
    });
    expect(again).toEqual([completed, completed]);
  });

  test('does not complete what is not there', async () => {
    await expect(store.completeItem('no-such-item')).rejects.toThrow(NotFoundError);
  });

  test('deletes items done until a time, with their labels, and no others', async () => {
    const open = await createAMinuteLater('open');
    const doneEarly = await createAMinuteLater('done early');
    const doneLate = await createAMinuteLater('done late');
    await store.updateItem({ id: doneEarly.id, changes: { labels: ['office'] } });
    now = new Date('2027-02-01T00:00:00.000Z');
    await store.completeItem(doneEarly.id);
    now = new Date('2027-02-01T00:00:00.001Z');
    await store.completeItem(doneLate.id);

    const deletedCount = await store.deleteItemsDoneUntil(new Date('2027-02-01T00:00:00.000Z'));

    expect(deletedCount).toBe(1);
    expect((await store.listItems({ limit: 10 })).map(item => item.id)).toEqual([open.id, doneLate.id]);
    expect(await database.db('item_labels')).toEqual([]);
  });

  test('completes ids and labels as they are typed, whatever the letters mean to the database', async () => {
    const { id } = await store.createItem({ title: 'Plants', labels: ['50%', '50 liters', '5_'] });
    await store.createItem({ title: 'More plants', labels: ['50%', '🌱 green'] });

    expect(await store.listIds(id)).toEqual([id]);
    expect(await store.listIds('')).toHaveLength(2);
    expect(await store.listLabels('50%')).toEqual(['50%']);
    expect(await store.listLabels('5_')).toEqual(['5_']);
    expect(await store.listLabels('🌱')).toEqual(['🌱 green']);
    expect(await store.listLabels('50\0')).toEqual([]);
  });

  test('tells of what has changed, and of nothing else', async () => {
    const changes: unknown[] = [];
    store.onChange(id => changes.push(id));

    const { id } = await store.createItem({ title: 'Plants' });
    await store.updateItem({ id, changes: { notes: 'Two cans' } });
    await store.updateItem({ id, changes: { notes: 'Three' }, expectedVersion: 1 });
    await store.completeItem(id);
    await store.completeItem(id);
    await store.deleteItemsDoneUntil(now);
    await store.deleteItemsDoneUntil(now);

    expect(changes).toEqual([id, id, id, undefined]);
  });
}
