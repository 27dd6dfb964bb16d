import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { createPermission } from '@backstage/plugin-permission-common';
import {
  explanationsServiceRef,
  type PromptsRegistryService,
  promptsRegistryServiceRef,
  type RegisteredResource,
  type ResourcesRegistryService,
  resourcesRegistryServiceRef,
  visibilityRulesServiceRef,
} from '@callboard/actions-api';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type CatalogueChange, catalogueEventsServiceRef } from '../catalogue/CatalogueEvents.js';
import { decidingPermissions } from '../testing/permissions.js';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';
import { localPromptsServiceRef, localResourcesServiceRef } from './localOffers.js';
import { type OfferCatalogues, offerCataloguesServiceRef } from './offerCataloguesServiceFactory.js';

type Registries = { resources: ResourcesRegistryService; prompts: PromptsRegistryService };

const board = {
  name: 'board',
  title: 'The board',
  description: 'All of it',
  uri: 'todo://board',
  read: async () => ({ text: 'all' }),
};
const item = { ...board, name: 'item', uri: undefined, uriTemplate: 'todo://items/{id}' };
const plan = {
  name: 'plan',
  title: 'Plan',
  description: 'Makes a plan',
  get: async () => ({ messages: [] }),
};

let backend: TestBackend | undefined;

afterEach(async () => {
  await backend?.stop();
  backend = undefined;
});

/** A plugin that registers resources and prompts, at its start and later. */
function offering(pluginId: string, register: (registries: Registries) => void) {
  let registries: Registries | undefined;
  const feature = createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { resources: resourcesRegistryServiceRef, prompts: promptsRegistryServiceRef },
        async init(deps) {
          registries = deps;
          register(deps);
        },
      });
    },
  });
  return { feature, later: (act: (registries: Registries) => void) => act(registries as Registries) };
}

/** Looks at what is there once all plugins have started. */
function watching() {
  const seen = {
    changes: [] as CatalogueChange[],
    ids: () => [] as string[],
    refused: () => [] as { id: string; reason: string }[],
    offers: undefined as OfferCatalogues | undefined,
    credentials: async () => undefined as never,
    explain: async (_action: string, _server?: string) => '',
    asked: [] as string[],
  };
  const feature = createBackendPlugin({
    pluginId: 'watcher',
    register(env) {
      env.registerInit({
        deps: {
          auth: coreServices.auth,
          events: catalogueEventsServiceRef,
          explanations: explanationsServiceRef,
          offers: offerCataloguesServiceRef,
          prompts: localPromptsServiceRef,
          resources: localResourcesServiceRef,
          rules: visibilityRulesServiceRef,
        },
        async init({ auth, events, explanations, offers, prompts, resources, rules }) {
          events.subscribe(change => seen.changes.push(change));
          rules.add({ id: 'watching', version: '1', allows: ({ id }) => seen.asked.push(id) > 0 });
          seen.offers = offers;
          seen.credentials = () => auth.getOwnServiceCredentials() as never;
          seen.ids = () => [...resources.list(), ...prompts.list()].flatMap(({ actionIds }) => actionIds);
          seen.refused = () => [...resources.list(), ...prompts.list()].flatMap(({ refused }) => refused);
          seen.explain = async action => {
            const explained = await explanations.explain({
              action,
              principal: 'external:tester',
              clientId: undefined,
              door: 'in-process',
              server: undefined,
              scopes: undefined,
            });
            return explained.summary;
          };
        },
      });
    },
  });
  return { seen, feature };
}

async function start(
  features: { feature: Parameters<typeof startTestBackend>[0]['features'][number] }[],
  more: Partial<Parameters<typeof startTestBackend>[0]> = {},
) {
  backend = await startTestBackend({ ...more, features: features.map(({ feature }) => feature) });
  return backend;
}

describe('one that cannot be published', () => {
  test.each<[string, (registries: Registries) => void, RegExp]>([
    ['no object', ({ resources }) => resources.register(null as never), /describes the resource, got null/],
    ['a bad name', ({ resources }) => resources.register({ ...board, name: 'a/b' }), /^name: /],
    [
      'an invisible title',
      ({ resources }) => resources.register({ ...board, title: 'a\u200bb' }),
      /^title: .*invisible/,
    ],
    ['no URI', ({ resources }) => resources.register({ ...board, uri: undefined } as never), /either a uri or/],
    ['both', ({ resources }) => resources.register({ ...item, uri: 'todo://x' } as never), /either a uri or/],
    ['a relative URI', ({ resources }) => resources.register({ ...board, uri: 'board' }), /^uri: expected an absolute/],
    ["the server's scheme", ({ resources }) => resources.register({ ...board, uri: 'callboard://x' }), /the server's/],
    [
      'a template of level 2',
      ({ resources }) => resources.register({ ...item, uriTemplate: 'a://{+b}' } as never),
      /level 1/,
    ],
    ['a bad MIME type', ({ resources }) => resources.register({ ...board, mimeType: 'text' }), /^mimeType: /],
    ['a bad size', ({ resources }) => resources.register({ ...board, size: -1 }), /^size: /],
    [
      'bad annotations',
      ({ resources }) => resources.register({ ...board, annotations: { priority: 2 } }),
      /^annotations: /,
    ],
    [
      'no read',
      ({ resources }) => resources.register({ ...board, read: undefined } as never),
      /^read: expected a function/,
    ],
    ['a list of one', ({ resources }) => resources.register({ ...board, list: async () => [] } as never), /^list: /],
    [
      'completion of what is no variable',
      ({ resources }) => resources.register({ ...item, complete: { name: () => [] } } as never),
      /^complete\.name: expected one of id/,
    ],
    [
      'a time-out of nothing',
      ({ resources }) => resources.register({ ...board, timeoutSeconds: 0 }),
      /^timeoutSeconds: /,
    ],
    ['a prompt that is none', ({ prompts }) => prompts.register(undefined as never), /describes the prompt/],
    ['no get', ({ prompts }) => prompts.register({ ...plan, get: 1 } as never), /^get: expected a function/],
    [
      'arguments with parts',
      ({ prompts }) => prompts.register({ ...plan, arguments: z.object({ days: z.array(z.string()) }) }),
      /^arguments: expected texts, numbers, booleans and choices, got more at days/,
    ],
    [
      'arguments that are one of two objects inside',
      ({ prompts }) =>
        prompts.register({ ...plan, arguments: z.object({ a: z.union([z.string(), z.object({ b: z.string() })]) }) }),
      /got more at a/,
    ],
    [
      'arguments that cannot be described',
      ({ prompts }) => prompts.register({ ...plan, arguments: z.object({ due: z.date() }) }),
      /^arguments: /,
    ],
    ['a bad exact name', ({ prompts }) => prompts.register({ ...plan, exactName: 'a b' }), /^exactName: /],
    [
      'completion of what is no argument',
      ({ prompts }) => prompts.register({ ...plan, complete: { day: () => [] } }),
      /^complete\.day: expected one of no names/,
    ],
    [
      'completion that is no function',
      ({ prompts }) =>
        prompts.register({ ...plan, arguments: z.object({ day: z.string() }), complete: { day: 'x' as never } }),
      /^complete\.day: expected a function/,
    ],
  ])('because of %s is refused with a line in the log, and costs no other', async (_why, register, reason) => {
    const watcher = watching();
    const { logs } = await start([
      watcher,
      offering('todo', registries => {
        register(registries);
        registries.resources.register({ ...board, name: 'other', uri: 'todo://other' });
        registries.prompts.register({ ...plan, name: 'other' });
      }),
    ]);

    expect(watcher.seen.ids()).toEqual(['todo:resource:other', 'todo:prompt:other']);
    expect(watcher.seen.refused()).toEqual([{ id: expect.any(String), reason: expect.stringMatching(reason) }]);
    expect(logs).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringMatching(/^(Resource|Prompt) "todo:(resource|prompt):.*" is not published: /),
      }),
    );
  });

  test('because its URI is that of another plugin, or its template stands for the same, is the later one', async () => {
    const watcher = watching();
    const second = offering('zebra', () => {});
    await start([
      watcher,
      offering('todo', ({ resources }) => {
        resources.register(board);
        resources.register(item as never);
      }),
      second,
    ]);

    second.later(({ resources }) => {
      resources.register({ ...board, name: 'usurper' });
      resources.register({ ...item, name: 'items', uriTemplate: 'todo://items/{name}' } as never);
      resources.register({ ...board, name: 'own', uri: 'todo://zebras' });
    });

    expect(watcher.seen.ids()).toEqual(['todo:resource:board', 'todo:resource:item', 'zebra:resource:own']);
    expect(watcher.seen.refused()).toEqual([
      { id: 'zebra:resource:usurper', reason: 'todo://board is that of "todo:resource:board" already' },
      { id: 'zebra:resource:items', reason: 'todo://items/{name} is that of "todo:resource:item" already' },
    ]);
  });
});

test('a resource that configuration does not let out keeps its URI and its template from nobody', async () => {
  const watcher = watching();
  const second = offering('todo', () => {});
  await start(
    [
      watcher,
      offering('zebra', ({ resources }) => {
        resources.register(board);
        resources.register(item as never);
      }),
      second,
    ],
    { backendConfig: { actions: { pluginSources: ['todo'] } } },
  );

  second.later(({ resources }) => {
    resources.register(board);
    resources.register(item as never);
  });

  expect(watcher.seen.ids()).toEqual(['todo:resource:board', 'todo:resource:item']);
  expect(watcher.seen.refused()).toEqual([]);
});

test('a name that is taken throws, and the first one stays', async () => {
  const errors: unknown[] = [];
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      errors.push(error);
    }
  };
  const watcher = watching();
  await start([
    watcher,
    offering('todo', ({ resources, prompts }) => {
      resources.register(board);
      prompts.register(plan);
      attempt(() => resources.register({ ...board, uri: 'todo://second' }));
      attempt(() => prompts.register(plan));
    }),
  ]);

  expect(errors).toEqual([
    new Error('Resource with id "todo:resource:board" is already registered'),
    new Error('Prompt with id "todo:prompt:plan" is already registered'),
  ]);
  expect(watcher.seen.ids()).toEqual(['todo:resource:board', 'todo:prompt:plan']);
});

test('what is registered is described as an action that reads', async () => {
  const watcher = watching();
  await start(
    [
      watcher,
      offering('todo', ({ resources, prompts }) => {
        resources.register({ ...item, mimeType: 'application/json', capability: 'todo:look' } as never);
        prompts.register({
          ...plan,
          exactName: 'make_plan',
          arguments: z.object({ days: z.coerce.number().default(7).describe('How many'), who: z.string() }),
        });
      }),
    ],
    { backendConfig: { actions: { pluginSources: ['todo'] } } },
  );

  const { offers, credentials } = watcher.seen;
  const [resource] = (await offers?.resources.list(await credentials()))?.descriptors ?? [];
  const [prompt] = (await offers?.prompts.list(await credentials()))?.descriptors ?? [];

  expect(resource).toMatchObject({
    id: 'todo:resource:item',
    pluginId: 'todo',
    name: 'item',
    attributes: { readOnly: true, destructive: false },
    capability: 'todo:look',
    schema: { input: { properties: { uri: { type: 'string' } }, required: ['uri'] } },
    resource: { uriTemplate: 'todo://items/{id}', mimeType: 'application/json' },
  });
  expect(prompt).toMatchObject({
    id: 'todo:prompt:plan',
    attributes: { readOnly: true, destructive: false },
    schema: { input: { properties: { days: { type: 'number' } } } },
    prompt: {
      exactName: 'make_plan',
      arguments: [
        { name: 'days', description: 'How many', required: false },
        { name: 'who', required: true },
      ],
    },
  });
  expect(prompt).not.toHaveProperty('toolName');
});

describe('configuration', () => {
  const two = () => [
    offering('todo', ({ resources, prompts }) => {
      resources.register(board);
      prompts.register(plan);
    }),
    offering('other', ({ resources }) => void resources.register({ ...board, uri: 'other://board' })),
  ];

  test('keeps in what is no source', async () => {
    const watcher = watching();
    await start([watcher, ...two()], { backendConfig: { actions: { pluginSources: ['todo'] } } });

    expect(watcher.seen.ids()).toEqual(['todo:resource:board', 'todo:prompt:plan']);
  });

  test.each([
    ['todo:*', ['other:resource:board']],
    ['*:resource:*', ['todo:prompt:plan']],
    ['todo:prompt:plan', ['other:resource:board', 'todo:resource:board']],
  ])('keeps in what a filter excludes: %s', async (id, left) => {
    const watcher = watching();
    await start([watcher, ...two()], { backendConfig: { actions: { filter: { exclude: [{ id }] } } } });

    expect(watcher.seen.ids().sort()).toEqual(left);
  });
});

test('permissions to see them are registered, and asked about for each caller', async () => {
  const permission = createPermission({ name: 'todo.board.read', attributes: { action: 'read' } });
  const { feature, asked } = decidingPermissions(() => false);
  const watcher = watching();
  const { request } = await start(
    [
      watcher,
      { feature },
      offering('todo', ({ resources, prompts }) => {
        resources.register({ ...board, visibilityPermission: permission });
        prompts.register({ ...plan, visibilityPermission: permission });
      }),
    ],
    { backendConfig: { actions: { pluginSources: ['todo'] } } },
  );
  const { offers, credentials } = watcher.seen;

  const listed = await offers?.resources.list(await credentials());
  const found = await offers?.prompts.find('todo:prompt:plan', await credentials());
  const { body } = await request('/api/todo/.well-known/backstage/permissions/metadata');

  expect(listed?.descriptors).toEqual([]);
  expect(found).toBeUndefined();
  expect(asked.map(({ principal }) => principal)).toEqual([
    'servicePrincipal{plugin:watcher}',
    'servicePrincipal{plugin:watcher}',
  ]);
  expect(body.permissions.map(({ name }: { name: string }) => name)).toContain('todo.board.read');
});

describe('what changes', () => {
  test('is told of: new ones, other contents, another list', async () => {
    const watcher = watching();
    const todo = offering('todo', () => {});
    await start([watcher, todo]);
    let single: RegisteredResource | undefined;
    let many: RegisteredResource | undefined;

    todo.later(({ resources, prompts }) => {
      single = resources.register(board);
      many = resources.register(item as never);
      prompts.register(plan);
    });
    single?.updated();
    single?.updated('todo://board');
    many?.updated('todo://items/1');
    many?.listChanged();

    expect(watcher.seen.changes).toEqual([
      { kind: 'resources' },
      { kind: 'resources' },
      { kind: 'prompts' },
      { kind: 'resource', pluginId: 'todo', uri: 'todo://board' },
      { kind: 'resource', pluginId: 'todo', uri: 'todo://board' },
      { kind: 'resource', pluginId: 'todo', uri: 'todo://items/1' },
      { kind: 'resources' },
    ]);
  });

  test('at a URI that is not the resource’s is logged and told to nobody', async () => {
    const watcher = watching();
    const todo = offering('todo', () => {});
    const { logs } = await start([watcher, todo]);
    let told = 0;

    todo.later(({ resources }) => {
      const single = resources.register(board);
      const many = resources.register(item as never);
      told = watcher.seen.changes.length;
      single.updated('todo://items/1');
      many.updated();
      many.updated('todo://board');
    });

    expect(watcher.seen.changes.slice(told)).toEqual([]);
    expect(
      logs.filter(({ level, message }) => level === 'warn' && String(message).includes('has changed')),
    ).toHaveLength(3);
  });

  test('in what is not published is told to nobody', async () => {
    const watcher = watching();
    const todo = offering('todo', () => {});
    await start([watcher, todo], { backendConfig: { actions: { filter: { exclude: [{ id: '**' }] } } } });

    todo.later(({ resources, prompts }) => {
      const left = resources.register(board);
      const refused = resources.register({ ...board, name: 'a b' });
      prompts.register(plan);
      for (const resource of [left, refused]) {
        resource.updated();
        resource.listChanged();
      }
    });

    expect(watcher.seen.changes).toEqual([]);
  });
});

test('rules that hold back what is new are asked about each as it is registered', async () => {
  const watcher = watching();
  const todo = offering('todo', () => {});
  await start([watcher, todo]);

  todo.later(({ resources, prompts }) => {
    resources.register(board);
    prompts.register(plan);
  });

  expect(watcher.seen.asked).toEqual(['todo:resource:board', 'todo:prompt:plan']);
});

test('why a call would be refused is explained by their ids, too', async () => {
  const watcher = watching();
  await start([watcher, offering('todo', ({ resources }) => void resources.register(board))], {
    backendConfig: { actions: { pluginSources: ['todo', 'elsewhere'] } },
  });

  expect(await watcher.seen.explain('elsewhere:resource:board')).toContain('there is no resource');
  expect(await watcher.seen.explain('todo:resource:board')).toBe('todo:resource:board: external:tester may call it');
  expect(await watcher.seen.explain('todo:prompt:plan')).toContain('there is no prompt "todo:prompt:plan"');
  expect(await watcher.seen.explain('todo:resource:other')).toContain('there is no resource "todo:resource:other"');
});
