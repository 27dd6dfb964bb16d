import type { TemplateResourceOptions } from '@callboard/actions-api';
import type { TodoStore } from '../TodoStore.js';

const maxListedItems = 100;

export const itemUri = (id: string): string => `todo://items/${encodeURIComponent(id)}`;

export const item = ({ store }: { store: TodoStore }): TemplateResourceOptions => ({
  name: 'item',
  title: 'To-do item',
  description: 'One item of the board, as get-item returns it',
  uriTemplate: 'todo://items/{id}',
  mimeType: 'application/json',
  // Undefined says that there is no such item.
  read: async ({ variables }) => {
    const found = await store.findItem(variables.id as string);
    return found && { text: JSON.stringify(found) };
  },
  list: async () => {
    const items = await store.listItems({ done: false, limit: maxListedItems });
    return items.map(({ id, title }) => ({ uri: itemUri(id), name: id, title, mimeType: 'application/json' }));
  },
  complete: { id: typed => store.listIds(typed) },
});
