import type { StaticResourceOptions } from '@callboard/actions-api';
import type { TodoStore } from '../TodoStore.js';
import type { TodoItem } from '../todoItem.js';
import { itemUri } from './item.js';

/** Whoever reads the board reads no more than these. */
const maxItems = 100;

export const board = ({ store }: { store: TodoStore }): StaticResourceOptions => ({
  name: 'board',
  title: 'To-do board',
  description: `The open items of the board as Markdown, oldest first, at most ${maxItems}`,
  uri: 'todo://board',
  mimeType: 'text/markdown',
  read: async () => {
    const found = await store.listItems({ done: false, limit: maxItems + 1 });
    const lines = found.slice(0, maxItems).map(describe);
    const more = found.length > maxItems ? ['', 'There are more: list-items has them in pages.'] : [];
    return { text: ['# To-do board', '', ...(lines.length > 0 ? lines : ['Nothing is open.']), ...more].join('\n') };
  },
});

const describe = ({ id, title, dueDate, labels }: TodoItem): string =>
  [
    `- [${title.replace(/\s+/g, ' ').replace(/[[\]\\]/g, '\\$&')}](${itemUri(id)})`,
    ...(dueDate ? [`due ${dueDate}`] : []),
    ...labels.map(label => `#${label}`),
  ].join(', ');
