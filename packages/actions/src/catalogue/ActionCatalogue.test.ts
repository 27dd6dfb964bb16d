import type { AuthService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { createPermission } from '@backstage/plugin-permission-common';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noClient } from '../client/noClient.js';
import { LocalActions } from '../registry/localActions.js';
import { PluginActions } from '../registry/PluginActions.js';
import { prepareAction, type RegisteredAction } from '../registry/prepareAction.js';
import { callerOf } from '../testing/callers.js';
import { decidingPermissions } from '../testing/permissions.js';
import { createRemoteSource, plainAuth, service, user } from '../testing/remoteSource.js';
import { type SourceServer, startSourceServer, withActions, withJson, withSilence } from '../testing/sourceServer.js';
import { ActionCatalogue } from './ActionCatalogue.js';

const caller = service('plugin:caller');
const auth = {
  ...plainAuth,
  getOwnServiceCredentials: async () => caller,
  authenticate: async (token: string) => user(token.split(/[/ ]/)[1] as string),
} as AuthService;

/** A catalogue of the local plugin `here` and of remote plugins, each at the server of its name. */
function catalogueOf(
  remotes: Record<string, SourceServer>,
  options: { isAllowed?: () => boolean; timeoutSeconds?: number; sourceIds?: string[] } = {},
) {
  const { isAllowed = () => true, timeoutSeconds = 1 } = options;
  const { logger, logs } = recordingLogger();
  const local = new LocalActions();
  const { permissions } = decidingPermissions(isAllowed);
  const here = new PluginActions({ pluginId: 'here', auth, permissions, logger, isPublished: () => true });
  const register = (name: string, permissionName?: string) =>
    here.add(
      prepareAction('here', {
        name,
        title: name,
        description: '',
        schema: {},
        ...(permissionName && { visibilityPermission: createPermission({ name: permissionName, attributes: {} }) }),
        action: async ({ credentials }) => ({ output: credentials.principal }),
      }) as RegisteredAction,
    );
  local.add(here);
  const catalogue = new ActionCatalogue({
    auth,
    logger,
    local,
    sourceIds: options.sourceIds ?? ['here', ...Object.keys(remotes)],
    createRemote: pluginId =>
      createRemoteSource((remotes[pluginId] as SourceServer).baseUrl, { pluginId, auth, remote: { timeoutSeconds } })
        .source,
  });
  return { catalogue, register, logs };
}

const run = {
  input: {},
  secrets: undefined,
  signal: new AbortController().signal,
  call: { ...callerOf(), requestId: 'one', mode: 'full_access' as const },
  client: noClient,
};
let healthy: SourceServer;
let hanging: SourceServer;

beforeEach(async () => {
  [healthy, hanging] = await Promise.all([startSourceServer(), startSourceServer()]);
  healthy.answer = withActions('healthy:one');
  hanging.answer = withSilence;
});

afterEach(() => Promise.all([healthy.stop(), hanging.stop()]));

describe('a source that hangs', () => {
  test('holds up a list until its time-out and no longer, and the other sources are in it', async () => {
    const { catalogue, register } = catalogueOf({ hanging, healthy });
    register('one');
    const startedAt = performance.now();

    const first = await catalogue.list(caller);
    const firstMs = performance.now() - startedAt;
    const second = await catalogue.list(caller);
    const secondMs = performance.now() - startedAt - firstMs;

    expect(first.descriptors.map(({ id }) => id)).toEqual(['here:one', 'healthy:one']);
    expect(second.descriptors).toEqual(first.descriptors);
    expect(firstMs).toBeLessThan(5_000);
    expect(secondMs).toBeLessThan(500);
  });

  test('does not hold up looking up and calling the actions of others', async () => {
    const { catalogue, register } = catalogueOf({ hanging, healthy }, { timeoutSeconds: 300 });
    register('one');
    void catalogue.list(caller);

    const here = await catalogue.find('here:one', caller);
    const there = await catalogue.find('healthy:one', caller);
    healthy.answer = withJson({ output: 'done' });

    expect(await here?.run(run)).toMatchObject({ output: { type: 'service' } });
    expect(await there?.run(run)).toEqual({ output: 'done' });
  });

  test('is not asked at all when another is looked up', async () => {
    const { catalogue } = catalogueOf({ hanging, healthy });

    await catalogue.find('healthy:one', caller);
    await catalogue.find('here:one', caller);
    await catalogue.find('unheard-of:one', caller);

    expect(hanging.requests).toEqual([]);
  });
});

describe('looking up', () => {
  test.each(['healthy:two', 'healthy', 'healthy:', ':one', '', 'one', '__proto__:one', 'constructor'])(
    '"%s" finds nothing',
    async id => {
      const { catalogue } = catalogueOf({ healthy });

      expect(await catalogue.find(id, caller)).toBeUndefined();
    },
  );

  test('finds in other backends exactly what is listed for the same principal', async () => {
    healthy.answer = (res, { token }) =>
      withActions(token?.includes('ann') ? 'healthy:one' : 'healthy:two')(res, {} as never);
    const { catalogue } = catalogueOf({ healthy });

    for (const [name, own, other] of [
      ['ann', 'healthy:one', 'healthy:two'],
      ['bob', 'healthy:two', 'healthy:one'],
    ] as const) {
      const { descriptors } = await catalogue.list(user(name));
      expect(descriptors.map(({ id }) => id)).toEqual([own]);
      expect(await catalogue.find(own, user(name))).toMatchObject({ descriptor: { id: own } });
      expect(await catalogue.find(other, user(name))).toBeUndefined();
    }
  });

  test('finds nothing in plugins that are no sources, here or elsewhere, and asks nobody for it', async () => {
    const { catalogue, register, logs } = catalogueOf({ healthy }, { sourceIds: [] });
    register('one');

    expect(await catalogue.find('here:one', caller)).toBeUndefined();
    expect(await catalogue.find('healthy:one', caller)).toBeUndefined();
    expect((await catalogue.list(caller)).descriptors).toEqual([]);
    expect(healthy.requests).toEqual([]);
    expect(logs).toEqual([]);
  });

  test('leaves the checks of input and output to the backend that owns the action', async () => {
    const { catalogue } = catalogueOf({ healthy });

    expect(await catalogue.find('healthy:one', caller)).not.toHaveProperty('checks');
  });
});

describe('a local source that fails', () => {
  const broken = () => {
    throw new ServiceUnavailableError('Permissions are away');
  };

  test('is left out of the list with a warning, and costs no other', async () => {
    const { catalogue, register, logs } = catalogueOf({ healthy }, { isAllowed: broken });
    register('one', 'here.one');

    const { descriptors } = await catalogue.list(caller);

    expect(descriptors.map(({ id }) => id)).toEqual(['healthy:one']);
    expect(logs).toMatchObject([{ level: 'warn', message: 'Failed to list the actions of here' }]);
  });

  test('says so when its actions are looked up, rather than that there are none', async () => {
    const { catalogue, register } = catalogueOf({}, { isAllowed: broken });
    register('one', 'here.one');

    await expect(catalogue.find('here:one', caller)).rejects.toThrow('Permissions are away');
  });
});

describe('what is known', () => {
  test('is of the local sources at once, and of remote ones when they have been asked', async () => {
    const { catalogue, register } = catalogueOf({ healthy });
    register('one');
    const before = { ids: catalogue.known.map(({ id }) => id), fingerprint: catalogue.knownFingerprint };

    await catalogue.discover('healthy', caller);

    expect(before.ids).toEqual(['here:one']);
    expect(catalogue.known.map(({ id }) => id)).toEqual(['here:one', 'healthy:one']);
    expect(catalogue.knownFingerprint).not.toBe(before.fingerprint);
    expect(catalogue.remoteSourceIds).toEqual(['healthy']);
  });

  test('changes with what a local plugin registers late', () => {
    const { catalogue, register } = catalogueOf({});
    const before = catalogue.knownFingerprint;

    register('late');

    expect(catalogue.known.map(({ id }) => id)).toEqual(['here:late']);
    expect(catalogue.knownFingerprint).not.toBe(before);
  });
});

test('a fingerprint tells lists of different principals apart', async () => {
  healthy.answer = (res, { token }) =>
    withActions(token?.includes('ann') ? 'healthy:one' : 'healthy:two')(res, {} as never);
  const { catalogue } = catalogueOf({ healthy });

  const [ann, annAgain, bob] = [
    await catalogue.list(user('ann')),
    await catalogue.list(user('ann')),
    await catalogue.list(user('bob')),
  ];

  expect(annAgain.fingerprint).toBe(ann.fingerprint);
  expect(bob.fingerprint).not.toBe(ann.fingerprint);
});
