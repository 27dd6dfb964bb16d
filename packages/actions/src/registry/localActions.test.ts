import type { AuthService, PermissionsService } from '@backstage/backend-plugin-api';
import { recordingLogger } from '@callboard/test-utils';
import { expect, test } from 'vitest';
import { LocalActions } from './localActions.js';
import { PluginActions } from './PluginActions.js';
import { prepareAction, type RegisteredAction } from './prepareAction.js';

/** The actions of a plugin with one. */
function pluginOf(pluginId: string): PluginActions {
  const actions = new PluginActions({
    pluginId,
    auth: {} as AuthService,
    permissions: {} as PermissionsService,
    logger: recordingLogger().logger,
    isPublished: () => true,
  });
  const given = { name: 'one', title: 'One', description: '', schema: {}, action: async () => undefined };
  actions.add(prepareAction(pluginId, given) as RegisteredAction);
  return actions;
}

test('a check that comes late sees plugins by their ids, whichever has started first', () => {
  const local = new LocalActions();
  local.add(pluginOf('logs'));
  local.add(pluginOf('docs'));
  const checked: string[] = [];

  local.addCheck(({ id }) => checked.push(id));

  expect(checked).toEqual(['docs:one', 'logs:one']);
});
