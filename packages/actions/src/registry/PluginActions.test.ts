import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';
import { createPermission } from '@backstage/plugin-permission-common';
import { recordingLogger } from '@callboard/test-utils';
import { expect, test } from 'vitest';
import { decidingPermissions } from '../testing/permissions.js';
import { withSeeds } from '../testing/random.js';
import { LocalActions } from './localActions.js';
import { PluginActions } from './PluginActions.js';
import { prepareAction, type RegisteredAction } from './prepareAction.js';

const credentials = { principal: { type: 'service', toString: () => 'tester' } } as unknown as BackstageCredentials;

function action(name: string, permissionName?: string): RegisteredAction {
  return prepareAction('todo', {
    name,
    title: name,
    description: '',
    schema: {},
    ...(permissionName && { visibilityPermission: createPermission({ name: permissionName, attributes: {} }) }),
    action: async () => ({ output: name }),
  }) as RegisteredAction;
}

function pluginActions(options: { isAllowed?: (name: string) => boolean; isPublished?: (id: string) => boolean } = {}) {
  const { isAllowed = () => true, isPublished = () => true } = options;
  const { permissions, asked } = decidingPermissions(isAllowed);
  const actions = new PluginActions({
    pluginId: 'todo',
    auth: {} as AuthService,
    logger: recordingLogger().logger,
    permissions,
    isPublished: ({ id }) => isPublished(id),
  });
  return { actions, asked };
}

test('whatever the permissions and the filter decide, what is listed is what can be called', () =>
  withSeeds(200, async random => {
    const allowed = new Set<string>();
    const published = new Set<string>();
    const { actions } = pluginActions({
      isAllowed: name => allowed.has(name),
      isPublished: id => published.has(id),
    });
    const expected: string[] = [];
    for (let index = 0; index < 12; index += 1) {
      const permissionName = random() < 0.6 ? `todo.p${Math.floor(random() * 6)}` : undefined;
      if (permissionName && random() < 0.5) {
        allowed.add(permissionName);
      }
      const added = action(`a${index}`, permissionName);
      if (random() < 0.8) {
        published.add(added.descriptor.id);
      }
      actions.add(added);
    }
    for (let index = 0; index < 12; index += 1) {
      const id = `todo:a${index}`;
      if (await actions.find(id, credentials)) {
        expected.push(id);
      }
    }

    const { descriptors } = await actions.list(async () => credentials);

    expect(descriptors.map(({ id }) => id)).toEqual(expected);
    expect(expected.every(id => published.has(id))).toBe(true);
  }));

test('all permissions of a list are asked for at once', async () => {
  const { actions, asked } = pluginActions();
  actions.add(action('one', 'todo.one'));
  actions.add(action('two'));
  actions.add(action('three', 'todo.three'));

  await actions.list(async () => credentials);

  expect(asked).toEqual([{ names: ['todo.one', 'todo.three'], principal: 'tester' }]);
});

test('permissions of actions that are not published are not asked for', async () => {
  const { actions, asked } = pluginActions({ isPublished: id => id !== 'todo:one' });
  actions.add(action('one', 'todo.one'));

  await actions.list(async () => credentials);
  await actions.find('todo:one', credentials);

  expect(asked).toEqual([]);
});

test('credentials are worked out only if an action needs a permission to be seen', async () => {
  const { actions } = pluginActions();
  actions.add(action('one'));
  const unaskedFor = async () => {
    throw new Error('asked for');
  };

  const { descriptors } = await actions.list(unaskedFor);
  actions.add(action('two', 'todo.two'));

  expect(descriptors).toHaveLength(1);
  await expect(actions.list(unaskedFor)).rejects.toThrow('asked for');
});

test('equal fingerprints mean equal lists', () =>
  withSeeds(50, async random => {
    const allowed = new Set<string>();
    const { actions } = pluginActions({ isAllowed: name => allowed.has(name) });
    const listOf = new Map<string, string>();

    for (let turn = 0; turn < 30; turn += 1) {
      if (turn < 6) {
        actions.add(action(`a${turn}`, `todo.p${turn}`));
      }
      const name = `todo.p${Math.floor(random() * 6)}`;
      if (!allowed.delete(name)) {
        allowed.add(name);
      }
      const { descriptors, fingerprint } = await actions.list(async () => credentials);
      const ids = descriptors.map(({ id }) => id).join();
      expect(listOf.get(fingerprint) ?? ids).toBe(ids);
      listOf.set(fingerprint, ids);
    }
  }));

test('what is known does not depend on who asks, and its fingerprint changes with it', () => {
  const { actions } = pluginActions({ isAllowed: () => false, isPublished: id => id !== 'todo:two' });
  const before = actions.knownFingerprint;

  actions.add(action('one', 'todo.one'));
  actions.add(action('two'));

  expect(actions.known.map(({ id }) => id)).toEqual(['todo:one']);
  expect(actions.knownFingerprint).not.toBe(before);
});

test('a permission service that answers too little hides what it left out', async () => {
  const { actions } = pluginActions();
  const silent = new PluginActions({
    pluginId: 'todo',
    auth: actions.auth,
    logger: recordingLogger().logger,
    permissions: { authorize: async () => [], authorizeConditional: async () => [] },
    isPublished: () => true,
  });
  silent.add(action('one', 'todo.one'));

  expect((await silent.list(async () => credentials)).descriptors).toEqual([]);
  expect(await silent.find('todo:one', credentials)).toBeUndefined();
});

test('what a check of all actions refuses is not published, whether it comes before or after the check', async () => {
  const local = new LocalActions();
  const refuseB = ({ name }: { name: string }) => {
    if (name === 'b') {
      throw new Error('There must be no b');
    }
  };
  const { permissions } = decidingPermissions(() => true);
  const actions = new PluginActions({
    pluginId: 'todo',
    auth: {} as AuthService,
    logger: recordingLogger().logger,
    permissions,
    isPublished: ({ id }) => id !== 'todo:hidden',
    check: added => local.check(added),
  });
  local.add(actions);
  actions.add(action('a'));

  local.addCheck(refuseB);
  const adding = () => actions.add(action('b'));

  expect(adding).toThrow('There must be no b');
  expect(actions.known.map(({ name }) => name)).toEqual(['a']);
  expect(() => actions.add(action('hidden'))).not.toThrow();
  expect(() =>
    local.addCheck(({ name }) => {
      throw new Error(`There must be no ${name}`);
    }),
  ).toThrow('There must be no a');
});
