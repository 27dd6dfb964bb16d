import fc from 'fast-check';
import { assignToolNames, mayBelongTo } from '../../../plugins/mcp-actions-backend/src/tools/toolNames.js';
import { hold, holdEqual } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';

interface ToolNamesCase {
  readonly actions: readonly { pluginId: string; name: string; toolName?: string | undefined }[];
  readonly naming: { namespaced: boolean; style: 'dotted' | 'safe'; exact: boolean };
  readonly reserved: readonly string[];
}

const names = [
  'list',
  'List',
  'list-items',
  'list.items',
  'list_items',
  '__proto__',
  'constructor',
  'a'.repeat(128),
  `${'a'.repeat(127)}b`,
  'call-tool',
];
const pluginIds = ['todo', 'todo-list', 'todo_list', 'Todo', 'a'.repeat(64), '__proto__', 'todo.list'];

/** Every action has one name and every name one action, whatever the others are called, in whatever order they come. */
export const toolNames: Kind<ToolNamesCase> = {
  name: 'tool names',
  weight: 1,
  cases: fc.record({
    actions: fc.uniqueArray(
      fc.record({
        pluginId: fc.constantFrom(...pluginIds),
        name: fc.constantFrom(...names),
        toolName: fc.option(fc.constantFrom(...names, 'todo.list', 'todo_list'), { nil: undefined }),
      }),
      { maxLength: 12, selector: ({ pluginId, name }) => `${pluginId}:${name}` },
    ),
    naming: fc.record({ namespaced: fc.boolean(), style: fc.constantFrom('dotted', 'safe'), exact: fc.boolean() }),
    reserved: fc.subarray(['call-tool', 'todo.list', 'list', 'todo_list']),
  }),
  check({ actions, naming, reserved }) {
    const given = actions.map(action => ({ ...action, id: `${action.pluginId}:${action.name}` }));
    const options = { ...naming, reserved: new Set(reserved) };

    const { idOf, nameOf } = assignToolNames(given as never, options);
    const reversed = assignToolNames([...given].reverse() as never, options);

    holdEqual([...reversed.nameOf].sort(), [...nameOf].sort(), 'names that depend on the order');
    holdEqual(nameOf.size, given.length, 'actions without a name');
    holdEqual(idOf.size, given.length, 'names of several actions');
    for (const { id, pluginId } of given) {
      const name = nameOf.get(id) ?? '';
      holdEqual(idOf.get(name), id, 'a name that leads to another action');
      hold(!reserved.includes(name), 'a name that the server has itself', { name });
      hold(naming.style === 'dotted' || naming.exact || /^[a-z0-9_-]{1,64}$/.test(name), 'a name that is not safe', {
        name,
      });
      hold(mayBelongTo(name, pluginId, naming), 'a name whose plugin would not be asked', { name, pluginId });
    }
  },
};
