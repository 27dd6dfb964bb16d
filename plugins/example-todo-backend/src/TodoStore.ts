import { randomUUID } from 'node:crypto';
import type { DatabaseService } from '@backstage/backend-plugin-api';
import { NotFoundError } from '@backstage/errors';
import { openPluginDatabase } from '@callboard/actions-api';
import type { Knex } from 'knex';
import type { TodoItem } from './todoItem.js';

// From src/ and from dist/ alike.
const migrations = new URL('../migrations', import.meta.url);

/** As many as MCP takes, and one that says that there are more. */
const maxCompletions = 101;

/** What a person or an agent may write on an item. */
export interface ItemContent {
  title: string;
  notes?: string | null;
  labels?: string[];
  dueDate?: string | null;
}

/** The place in the order of items after which a page starts. */
export interface ItemPosition {
  createdAt: string;
  id: string;
}

export interface ItemQuery {
  done?: boolean;
  label?: string;
  after?: ItemPosition;
  limit: number;
}

interface ItemRow {
  id: string;
  title: string;
  notes: string | null;
  due_date: string | null;
  done_at: string | null;
  created_at: string;
  updated_at: string;
  version: number;
}

interface LabelRow {
  item_id: string;
  label: string;
}

/** The items in the plugin's own database. */
export class TodoStore {
  readonly #db: Knex;
  readonly #now: () => Date;
  readonly #listeners: ((id: string | undefined) => void)[] = [];

  constructor(options: { db: Knex; now: () => Date }) {
    this.#db = options.db;
    this.#now = options.now;
  }

  static async open(options: { database: DatabaseService; now: () => Date }): Promise<TodoStore> {
    return new TodoStore({ db: await openPluginDatabase(options.database, { migrations }), now: options.now });
  }

  /** @param listener - told of every change, with the id of the item if it is one. */
  onChange(listener: (id: string | undefined) => void): void {
    this.#listeners.push(listener);
  }

  async createItem(content: ItemContent): Promise<TodoItem> {
    const id = randomUUID();
    const at = this.#now().toISOString();
    const created = await this.#db.transaction(async tx => {
      await tx<ItemRow>('items').insert({
        id,
        title: content.title,
        notes: content.notes ?? null,
        due_date: content.dueDate ?? null,
        done_at: null,
        created_at: at,
        updated_at: at,
        version: 1,
      });
      await insertLabels(tx, id, content.labels ?? []);
      return getItem(tx, id);
    });
    this.#changed(id);
    return created;
  }

  /** @throws NotFoundError if no item has this id. */
  async getItem(id: string): Promise<TodoItem> {
    return getItem(this.#db, id);
  }

  async findItem(id: string): Promise<TodoItem | undefined> {
    return findItem(this.#db, id);
  }

  /** Of items, those that begin so, in their order. */
  async listIds(beginning: string): Promise<string[]> {
    return this.#db<ItemRow>('items')
      .where(beginsWith('id', beginning))
      .orderBy('id')
      .limit(maxCompletions)
      .pluck('id');
  }

  /** Of items on the board, those that begin so, in their order. */
  async listLabels(beginning: string): Promise<string[]> {
    return this.#db<LabelRow>('item_labels')
      .where(beginsWith('label', beginning))
      .distinct()
      .orderBy('label')
      .limit(maxCompletions)
      .pluck('label');
  }

  /** Oldest first; items of the same millisecond by id. */
  async listItems({ done, label, after, limit }: ItemQuery): Promise<TodoItem[]> {
    const query = this.#db<ItemRow>('items').orderBy(['created_at', 'id']).limit(limit);
    if (done === true) query.whereNotNull('done_at');
    if (done === false) query.whereNull('done_at');
    if (label !== undefined) {
      query.whereIn('id', this.#db<LabelRow>('item_labels').where({ label }).select('item_id'));
    }
    if (after) {
      query.where(later =>
        later
          .where('created_at', '>', after.createdAt)
          .orWhere(tie => tie.where('created_at', after.createdAt).where('id', '>', after.id)),
      );
    }
    return toItems(this.#db, await query);
  }

  /**
   * Changes the given fields; `null` empties one.
   *
   * @param expectedVersion - Without it, the last writer wins.
   * @returns `undefined` if nothing was changed: there is no such item, or not at `expectedVersion`.
   */
  async updateItem(options: {
    id: string;
    changes: Partial<ItemContent>;
    expectedVersion?: number;
  }): Promise<TodoItem | undefined> {
    const { id, changes, expectedVersion } = options;
    const updated = await this.#db.transaction(async tx => {
      const atVersion = expectedVersion === undefined ? { id } : { id, version: expectedVersion };
      const changedRows = await tx<ItemRow>('items')
        .where(atVersion)
        .update({
          ...(changes.title !== undefined && { title: changes.title }),
          ...(changes.notes !== undefined && { notes: changes.notes }),
          ...(changes.dueDate !== undefined && { due_date: changes.dueDate }),
          updated_at: this.#now().toISOString(),
          version: tx.raw('version + 1'),
        });
      if (changedRows === 0) {
        return undefined;
      }
      if (changes.labels) {
        await tx<LabelRow>('item_labels').where({ item_id: id }).delete();
        await insertLabels(tx, id, changes.labels);
      }
      return getItem(tx, id);
    });
    if (updated) {
      this.#changed(id);
    }
    return updated;
  }

  /**
   * Marks the item done; one that is done already keeps its time and version.
   *
   * @throws NotFoundError if no item has this id.
   */
  async completeItem(id: string): Promise<TodoItem> {
    const at = this.#now().toISOString();
    const changedRows = await this.#db<ItemRow>('items')
      .where({ id })
      .whereNull('done_at')
      .update({ done_at: at, updated_at: at, version: this.#db.raw('version + 1') });
    if (changedRows > 0) {
      this.#changed(id);
    }
    return getItem(this.#db, id);
  }

  /** @returns The titles of what `deleteItemsDoneUntil` would delete, those done first before others. */
  async listTitlesDoneUntil(until: Date): Promise<string[]> {
    return this.#db<ItemRow>('items')
      .where('done_at', '<=', until.toISOString())
      .orderBy(['done_at', 'id'])
      .pluck('title');
  }

  /** @returns How many items were deleted. */
  async deleteItemsDoneUntil(until: Date): Promise<number> {
    const deletedCount = await this.#db<ItemRow>('items').where('done_at', '<=', until.toISOString()).delete();
    if (deletedCount > 0) {
      this.#changed(undefined);
    }
    return deletedCount;
  }

  #changed(id: string | undefined): void {
    for (const listener of this.#listeners) {
      listener(id);
    }
  }
}

// In place of LIKE, in which % and _ mean something. PostgreSQL cannot take NUL, and no text here has it.
const beginsWith = (column: string, beginning: string) => (query: Knex.QueryBuilder) =>
  void query.whereRaw('substr(??, 1, ?) = ?', [column, [...beginning].length, beginning.replaceAll('\0', '\ufffd')]);

async function findItem(db: Knex, id: string): Promise<TodoItem | undefined> {
  const [item] = await toItems(db, await db<ItemRow>('items').where({ id }));
  return item;
}

async function getItem(db: Knex, id: string): Promise<TodoItem> {
  const item = await findItem(db, id);
  if (!item) {
    throw new NotFoundError(`Item "${id}" not found: expected the id of an item that is on the board`);
  }
  return item;
}

async function insertLabels(db: Knex, itemId: string, labels: string[]): Promise<void> {
  const rows = [...new Set(labels)].map(label => ({ item_id: itemId, label }));
  if (rows.length > 0) {
    await db<LabelRow>('item_labels').insert(rows);
  }
}

async function toItems(db: Knex, rows: ItemRow[]): Promise<TodoItem[]> {
  const labelRows = await db<LabelRow>('item_labels').whereIn(
    'item_id',
    rows.map(row => row.id),
  );
  const labelsById = new Map<string, string[]>(rows.map(row => [row.id, []]));
  for (const { item_id, label } of labelRows) {
    labelsById.get(item_id)?.push(label);
  }
  return rows.map(row => ({
    id: row.id,
    title: row.title,
    notes: row.notes,
    labels: labelsById.get(row.id)?.sort() ?? [],
    dueDate: row.due_date,
    done: row.done_at !== null,
    doneAt: row.done_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  }));
}
