import { expect, it } from 'vitest';
import { assignToolNames, mayBelongTo } from './toolNames.js';

it.each([54, 55, 56, 63, 64, 100])('a tool of a plugin whose id has %i characters leads to that plugin', length => {
  const naming = { namespaced: true, style: 'safe' as const };
  const pluginId = 'p'.repeat(length);
  const actions = ['list', 'list-of-everything-there-is', 'List'].map(name => ({
    id: `${pluginId}:${name}`,
    pluginId,
    name,
  }));

  const { nameOf } = assignToolNames(actions, naming);

  expect([...nameOf.values()].filter(name => !mayBelongTo(name, pluginId, naming))).toEqual([]);
});
