import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { createPermission } from '@backstage/plugin-permission-common';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { catalogueEventsServiceRef } from '../catalogue/CatalogueEvents.js';
import { actionsPlugin } from '../testing/actionsPlugin.js';
import { decidingPermissions } from '../testing/permissions.js';
import { archivePermission, samplePlugin } from '../testing/sampleActions.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';
import { type Contribution, localActionsServiceRef } from './localActions.js';

const good = (name: string) => ({
  name,
  title: 'Good',
  description: 'Works.',
  schema: { input: z.object({}), output: z.object({ name: z.string() }) },
  action: async () => ({ output: { name } }),
});

let backend: TestBackend | undefined;

afterEach(async () => {
  await backend?.stop();
  backend = undefined;
});

const start = async (options: Parameters<typeof startTestBackend>[0]) => {
  backend = await startTestBackend(options);
  return backend;
};

const idsOf = async (from: TestBackend, pluginId: string): Promise<string[]> => {
  const { body } = await from.listActions(pluginId);
  return body.actions.map(({ id }: { id: string }) => id);
};

/** Reads what `localActions` knows once all plugins have started. */
function contributions() {
  let read: () => Contribution[] = () => [];
  const feature = createBackendPlugin({
    pluginId: 'observer',
    register(env) {
      env.registerInit({
        deps: { local: localActionsServiceRef },
        async init({ local }) {
          read = () => local.list();
        },
      });
    },
  });
  return { feature, list: () => read() };
}

describe('one refused action', () => {
  test('costs no other: the plugin starts, the others are listed and callable, and the log says why', async () => {
    const observer = contributions();
    const { listActions, invokeAction, logs } = await start({
      features: [
        observer.feature,
        actionsPlugin('todo', registry => {
          registry.register(good('first'));
          registry.register({
            ...good('dated'),
            schema: { input: z.object({ due: z.date() }), output: z.object({}) },
          } as never);
          registry.register({ ...good('bad\u202ename\n'), title: undefined } as never);
          registry.register(null as never);
          registry.register(good('last'));
        }),
      ],
    });

    const { body } = await listActions('todo');
    const { status } = await invokeAction('todo:last');

    expect(body.actions.map(({ id }: { id: string }) => id)).toEqual(['todo:first', 'todo:last']);
    expect(status).toBe(200);
    const [contribution] = observer.list();
    expect(contribution).toMatchObject({ pluginId: 'todo', actionIds: ['todo:first', 'todo:last'] });
    expect(contribution?.refused).toEqual([
      { id: 'todo:dated', reason: expect.stringMatching(/^schema\.input: .*Date/) },
      { id: 'todo:bad\\u{202e}name\\n', reason: expect.stringMatching(/^name: .*; title: /) },
      { id: 'todo:undefined', reason: 'expected an object that describes the action, got null' },
    ]);
    const errors = logs.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(errors).toEqual(contribution?.refused.map(({ id, reason }) => `Action "${id}" is not published: ${reason}`));
  });

  test('is no action: calling it answers as for an unknown one', async () => {
    const { invokeAction } = await start({
      features: [actionsPlugin('todo', registry => registry.register({ ...good('one'), title: 1 } as never))],
    });

    const { status, body } = await invokeAction('todo:one');

    expect(status).toBe(404);
    expect(body.error.message).toBe('Action "todo:one" not found');
  });
});

test('registering a name twice throws, as in Backstage', async () => {
  const errors: unknown[] = [];
  const { invokeAction } = await start({
    features: [
      actionsPlugin('todo', registry => {
        registry.register(good('one'));
        try {
          registry.register({ ...good('one'), action: async () => ({ output: { name: 'usurper' } }) });
        } catch (error) {
          errors.push(error);
        }
      }),
    ],
  });

  const { body } = await invokeAction('todo:one');

  expect(errors).toEqual([new Error('Action with id "todo:one" is already registered')]);
  expect(body).toEqual({ output: { name: 'one' } });
});

test('only plugins that registered or tried to are contributions, by id', async () => {
  const observer = contributions();
  await start({
    features: [
      observer.feature,
      actionsPlugin('zebra', registry => registry.register(good('one'))),
      actionsPlugin('idle', () => {}),
      actionsPlugin('ant', registry => registry.register(good('one'))),
    ],
  });

  expect(observer.list().map(({ pluginId }) => pluginId)).toEqual(['ant', 'zebra']);
});

describe('an action that configuration keeps in', () => {
  const twoPlugins = [
    actionsPlugin('todo', registry => {
      registry.register(good('read'));
      registry.register(good('purge'));
    }),
    actionsPlugin('other', registry => registry.register(good('read'))),
  ];

  test('by a filter is neither listed nor callable', async () => {
    const backend = await start({
      features: twoPlugins,
      backendConfig: { actions: { filter: { exclude: [{ id: 'todo:purge' }] } } },
    });

    const { status, body } = await backend.invokeAction('todo:purge');

    expect(await idsOf(backend, 'todo')).toEqual(['todo:read']);
    expect(status).toBe(404);
    expect(body.error.message).toBe('Action "todo:purge" not found');
  });

  test('because its plugin is no source is neither listed nor callable', async () => {
    const backend = await start({ features: twoPlugins, backendConfig: { actions: { pluginSources: ['todo'] } } });

    const { status } = await backend.invokeAction('other:read');

    expect(await idsOf(backend, 'todo')).toEqual(['todo:read', 'todo:purge']);
    expect(await idsOf(backend, 'other')).toEqual([]);
    expect(status).toBe(404);
  });

  test('still holds its name', async () => {
    const failed = start({
      features: [
        actionsPlugin('todo', registry => {
          registry.register(good('hidden'));
          registry.register(good('hidden'));
        }),
      ],
      backendConfig: { actions: { filter: { exclude: [{ id: '**' }] } } },
    });

    await expect(failed).rejects.toThrow('Action with id "todo:hidden" is already registered');
  });
});

test('without configuration every plugin serves its actions', async () => {
  const backend = await start({ features: [actionsPlugin('todo', registry => registry.register(good('one')))] });

  expect(await idsOf(backend, 'todo')).toEqual(['todo:one']);
});

describe('a visibility permission', () => {
  test.each([
    [true, 200],
    [false, 404],
  ])('that is granted: %s', async (granted, expectedStatus) => {
    const { feature, asked } = decidingPermissions(() => granted);
    const backend = await start({ features: [samplePlugin, feature] });

    const ids = await idsOf(backend, 'sample');
    const { status, body } = await backend.invokeAction('sample:archive');

    expect(ids.includes('sample:archive')).toBe(granted);
    expect(ids).toContain('sample:echo');
    expect(status).toBe(expectedStatus);
    expect(granted || body.error.message).toBe(granted || 'Action "sample:archive" not found');
    expect(asked).toEqual([
      { names: ['sample.archive'], principal: 'servicePrincipal{external:tester}' },
      { names: ['sample.archive'], principal: 'servicePrincipal{external:tester}' },
    ]);
  });

  test('is registered with the permissions of its plugin', async () => {
    const backend = await start({ features: [samplePlugin] });

    const { status, body } = await backend.request('/api/sample/.well-known/backstage/permissions/metadata');

    expect(status).toBe(200);
    expect(body.permissions).toEqual([JSON.parse(JSON.stringify(archivePermission))]);
  });

  test('of a refused action is not registered', async () => {
    const permission = createPermission({ name: 'todo.none', attributes: {} });
    const backend = await start({
      features: [
        createBackendPlugin({
          pluginId: 'todo',
          register(env) {
            env.registerInit({
              deps: { registry: actionsRegistryServiceRef, permissionsRegistry: coreServices.permissionsRegistry },
              async init({ registry, permissionsRegistry }) {
                registry.register({ ...good('one'), title: 1, visibilityPermission: permission } as never);
                permissionsRegistry.addPermissions([createPermission({ name: 'todo.other', attributes: {} })]);
              },
            });
          },
        }),
      ],
    });

    const { body } = await backend.request('/api/todo/.well-known/backstage/permissions/metadata');

    expect(body.permissions.map(({ name }: { name: string }) => name)).toEqual(['todo.other']);
  });
});

test('what is registered and published changes the tools, also after the start', async () => {
  let register = (_name: string) => {};
  const changes: unknown[] = [];
  await start({
    backendConfig: { actions: { filter: { exclude: [{ id: 'todo:hidden' }] } } },
    features: [
      actionsPlugin('todo', registry => {
        register = name => registry.register(good(name) as never);
      }),
      createBackendPlugin({
        pluginId: 'observer',
        register(env) {
          env.registerInit({
            deps: { events: catalogueEventsServiceRef },
            async init({ events }) {
              events.subscribe(change => changes.push(change));
            },
          });
        },
      }),
    ],
  });

  register('late');
  register('hidden');

  expect(changes).toEqual([{ kind: 'tools' }]);
});

test('an action whose permission comes too late is not published', async () => {
  let register = () => {};
  const backend = await start({
    features: [
      actionsPlugin('todo', registry => {
        registry.register(good('early') as never);
        register = () => registry.register({ ...good('late'), visibilityPermission: archivePermission } as never);
      }),
    ],
  });

  expect(register).toThrow('Cannot add permissions after the plugin has started');
  expect(await idsOf(backend, 'todo')).toEqual(['todo:early']);
});
