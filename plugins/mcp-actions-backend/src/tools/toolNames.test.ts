import { describe, expect, it } from 'vitest';
import { assignToolNames, mayBelongTo, type ToolNaming } from './toolNames.js';

const dotted: ToolNaming = { namespaced: true, style: 'dotted' };
const safe: ToolNaming = { namespaced: true, style: 'safe' };
const bare: ToolNaming = { namespaced: false, style: 'dotted' };
const action = (id: string) => {
  const [pluginId, name] = id.split(':') as [string, string];
  return { id, pluginId, name };
};
const namesOf = (ids: string[], naming: ToolNaming) =>
  Object.fromEntries(assignToolNames(ids.map(action), naming).nameOf);

describe('tool names', () => {
  it('are the plugin and the action with a dot, as upstream has them', () => {
    expect(namesOf(['catalog:get-entity', 'todo:list'], dotted)).toEqual({
      'catalog:get-entity': 'catalog.get-entity',
      'todo:list': 'todo.list',
    });
  });

  it('are the action alone without namespaces', () => {
    expect(namesOf(['catalog:get-entity', 'todo:list'], bare)).toEqual({
      'catalog:get-entity': 'get-entity',
      'todo:list': 'list',
    });
  });

  it('have only characters that every client takes in the safe style', () => {
    const ids = ['catalog:get.entity', 'todo:List_All', `todo:${'long'.repeat(30)}`, 'my-plugin:a'];

    const names = Object.values(namesOf(ids, safe));

    expect(names).toHaveLength(4);
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9_-]{1,64}$/);
    }
    expect(names).toContain('catalog_get_entity');
    expect(names).toContain('my-plugin_a');
  });

  it('stay the same whatever the order in which actions come', () => {
    const ids = ['b:x', 'a:x', 'a:y', 'c:x'];

    expect(namesOf([...ids].reverse(), bare)).toEqual(namesOf(ids, bare));
  });

  it('spell a name out for all that want it, and report it', () => {
    const { nameOf, collisions } = assignToolNames(['a:list', 'b:list', 'b:other'].map(action), bare);

    expect(Object.fromEntries(nameOf)).toEqual({ 'a:list': 'a.list', 'b:list': 'b.list', 'b:other': 'other' });
    expect(collisions).toEqual([
      {
        wanted: 'list',
        given: [
          { id: 'a:list', name: 'a.list' },
          { id: 'b:list', name: 'b.list' },
        ],
      },
    ]);
  });

  it('end in a hash where even the spelled out name is taken', () => {
    const { idOf, collisions } = assignToolNames(['todo:a.b', 'todo:a_b', 'todo:A_B'].map(action), safe);

    expect(idOf.size).toBe(3);
    expect(collisions).toHaveLength(1);
    for (const name of idOf.keys()) {
      expect(name).toMatch(/^todo_a_b-[0-9a-f]{8}$/);
    }
  });

  it('never lose an action, whatever the names', () => {
    const parts = ['a', 'b', 'a.b', 'a_b', 'A', 'x'.repeat(70), '__proto__', 'constructor'];
    const ids = ['a', 'b', 'a-b'].flatMap(plugin => parts.map(part => `${plugin}:${part}`));
    for (const namespaced of [true, false]) {
      for (const style of ['dotted', 'safe'] as const) {
        const { idOf, nameOf } = assignToolNames(ids.map(action), { namespaced, style });

        expect(nameOf.size).toBe(ids.length);
        expect([...idOf.values()].sort()).toEqual([...ids].sort());
      }
    }
  });

  describe('that actions declare', () => {
    const exact: ToolNaming = { ...dotted, exact: true };
    const named = (id: string, toolName: string) => ({ ...action(id), toolName });

    it('are theirs where names are exact, while others keep the usual ones', () => {
      const actions = [named('docs:search', 'search_docs'), action('docs:list')];

      expect(Object.fromEntries(assignToolNames(actions, exact).nameOf)).toEqual({
        'docs:search': 'search_docs',
        'docs:list': 'docs.list',
      });
      expect(assignToolNames(actions, dotted).nameOf.get('docs:search')).toBe('docs.search');
    });

    it.each([
      ['two actions declare', [named('docs:search', 'find'), named('logs:search', 'find')], 'find'],
      [
        'one declares what another is called',
        [named('logs:search', 'docs.search'), action('docs:search')],
        'docs.search',
      ],
    ])("are nobody's where %s", (_case, actions, wanted) => {
      const { idOf, collisions } = assignToolNames(actions, exact);

      expect([...idOf.values()].sort()).toEqual(['docs:search', 'logs:search']);
      expect(idOf.has(wanted)).toBe(false);
      expect(collisions).toMatchObject([{ wanted }]);
    });

    it('tell nothing of where a tool comes from', () => {
      expect(mayBelongTo('search_docs', 'logs', exact)).toBe(true);
    });
  });

  it('are never those of tools that the server has itself', () => {
    const reserved = new Set(['search_tools']);
    const actions = [action('search:tools'), { ...action('docs:find'), toolName: 'search_tools' }];

    const { idOf, collisions } = assignToolNames(actions, { ...safe, exact: true, reserved });

    expect(idOf.has('search_tools')).toBe(false);
    expect(idOf.get('docs_find')).toBe('docs:find');
    expect([...idOf.keys()].find(name => idOf.get(name) === 'search:tools')).toMatch(/^search_tools-[0-9a-f]{8}$/);
    expect(collisions).toMatchObject([{ wanted: 'search_tools' }]);
  });

  it('never become the longer name of another action, whatever one declares', () => {
    const longer = assignToolNames([action('a:x'), { ...action('b:x'), toolName: 'a.x' }], { ...dotted, exact: true });
    const taken = [...longer.idOf.keys()].map((toolName, index) => ({ ...action(`c:${index}`), toolName }));
    const all = [action('a:x'), { ...action('b:x'), toolName: 'a.x' }, ...taken];

    const { idOf } = assignToolNames(all, { ...dotted, exact: true });

    expect(idOf.size).toBe(all.length);
  });

  it('tell which plugin a namespaced tool can come from', () => {
    expect(mayBelongTo('catalog.get', 'catalog', dotted)).toBe(true);
    expect(mayBelongTo('catalog.get', 'cat', dotted)).toBe(false);
    expect(mayBelongTo('catalog_get', 'catalog', safe)).toBe(true);
    expect(mayBelongTo('get', 'catalog', bare)).toBe(true);
  });
});
