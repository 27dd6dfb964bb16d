import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { type RegisteredResource, resourcesRegistryServiceRef } from '@callboard/actions-api';
import {
  deferred,
  describeOnRedis,
  describeWithRedisServer,
  type OpenedReplicas,
  openRedis,
  openReplicas,
  startRedis,
} from '@callboard/test-utils';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { RedisReplicas } from '../replicas/RedisReplicas.js';
import { startTestBackend } from '../testing/startTestBackend.js';
import { type CatalogueChange, CatalogueEvents, catalogueEventsServiceRef } from './CatalogueEvents.js';

const board = { kind: 'resource', pluginId: 'todo', uri: 'todo://boards/1' } as const;

function listen(replicas?: RedisReplicas) {
  const events = new CatalogueEvents(replicas && { replicas, returnMs: 200 });
  events.connect();
  const heard: CatalogueChange[] = [];
  const waiting = new Set<() => void>();
  events.subscribe(change => {
    heard.push(change);
    for (const look of waiting) {
      look();
    }
  });
  /** Waits until that many have been heard. */
  const hear = (count: number) =>
    new Promise<void>(resolve => {
      const look = () => heard.length >= count && resolve();
      waiting.add(look);
      look();
    });
  return { events, heard, hear };
}

test('what a process on its own announces, its listeners hear at once', () => {
  const { events, heard } = listen();

  events.announce(board);
  events.emit({ kind: 'tools' });

  expect(heard).toEqual([board, { kind: 'tools' }]);
});

await describeOnRedis('with other replicas', () => {
  let opened: OpenedReplicas;
  let one: ReturnType<typeof listen>;
  let two: ReturnType<typeof listen>;
  let three: ReturnType<typeof listen>;

  beforeEach(async () => {
    opened = await openReplicas(3);
    [one, two, three] = opened.replicas.map(listen) as [typeof one, typeof one, typeof one];
  });

  afterEach(() => opened.drop());

  test('what one announces, all hear once, and nothing of it comes back', async () => {
    one.events.announce(board);
    await Promise.all([two.hear(1), three.hear(1)]);

    // What came back would have come before this.
    two.events.announce({ kind: 'resources' });
    await Promise.all([one.hear(2), two.hear(2), three.hear(2)]);
    const all = [board, { kind: 'resources' }];
    expect([one.heard, two.heard, three.heard]).toEqual([all, all, all]);
  });

  test('what changes often within a moment, others hear once', async () => {
    for (let count = 0; count < 1_500; count += 1) {
      one.events.announce(board);
      one.events.announce({ ...board, uri: `todo://boards/${count}` });
    }

    await two.hear(1_500);

    expect(new Set(two.heard.map(change => JSON.stringify(change))).size).toBe(1_500);
    expect(two.heard).toHaveLength(1_500);
  });

  test('what each finds out by itself, others are not told', async () => {
    one.events.emit({ kind: 'tools' });
    one.events.announce(board);
    await two.hear(1);

    expect(two.heard).toEqual([board]);
  });

  test('what is of no kind that is known, nobody hears', async () => {
    const [first] = opened.replicas as [RedisReplicas];

    for (const changes of ['text', [null, { kind: 'later' }, { kind: 'resource', uri: 1 }, board]]) {
      await first.broadcast('catalogue-changes', changes as never);
    }
    await two.hear(1);

    expect(two.heard).toEqual([board]);
  });
});

await describeOnRedis('what a plugin says of its resources in one backend', () => {
  test('is heard in the others, and what it registers there is not', async () => {
    const redis = await openRedis();
    onTestFinished(() => redis.drop());
    const replicas = { redis: redis.url, prefix: redis.prefix, secret: 'the same in all of them, and long enough' };
    const resources: RegisteredResource[] = [];
    const heard: CatalogueChange[][] = [];
    const heardAll = deferred();
    for (const index of [0, 1]) {
      const feature = createBackendPlugin({
        pluginId: 'todo',
        register(env) {
          env.registerInit({
            deps: { registry: resourcesRegistryServiceRef, events: catalogueEventsServiceRef },
            async init({ registry, events }) {
              const changes: CatalogueChange[] = [];
              heard.push(changes);
              events.subscribe(change => {
                changes.push(change);
                if (index === 1 && change.kind === 'resource') {
                  heardAll.resolve();
                }
              });
              const read = async () => ({ text: 'Much to do' });
              const described = { title: 'Board', description: 'What is to be done', uri: board.uri };
              resources.push(registry.register({ ...described, name: 'board', read }));
            },
          });
        },
      });
      const backend = await startTestBackend({
        features: [feature],
        backendConfig: { actions: { replicas, pluginSources: ['todo'] } },
      });
      onTestFinished(() => backend.stop());
    }

    resources[0]?.listChanged();
    resources[0]?.updated();
    await heardAll.promise;

    const registered = { kind: 'resources' };
    expect(heard).toEqual(Array(2).fill([registered, { kind: 'resources' }, board]));
  });
});

describeWithRedisServer('while Redis is away', () => {
  test('announcing does not fail, and others hear of it when it is back', async () => {
    const redis = await startRedis();
    const opened = await openReplicas(2, { redis, timing: { firstRetryMs: 10, maxRetryMs: 20 } });
    onTestFinished(() => opened.drop());
    const [first, second] = opened.replicas as [RedisReplicas, RedisReplicas];
    const [one, two] = [listen(first), listen(second)];

    await redis.kill();
    one.events.announce(board);
    expect(one.heard).toEqual([board]);
    await expect(first.broadcast('news', 1)).rejects.toThrow();
    await redis.start();

    await two.hear(1);
    expect(two.heard).toEqual([board]);
  });
});
