import type { AuthService } from '@backstage/backend-plugin-api';
import { deferred } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRemoteSource, nobody, plainAuth, service, user } from '../testing/remoteSource.js';
import {
  listedAction,
  type SourceServer,
  startSourceServer,
  withActions,
  withError,
  withJson,
} from '../testing/sourceServer.js';

let server: SourceServer;
const remoteSource = (options?: Parameters<typeof createRemoteSource>[1]) =>
  createRemoteSource(server.baseUrl, options);

beforeEach(async () => {
  server = await startSourceServer();
  server.answer = withActions('todo:one', 'todo:two');
});

afterEach(() => server.stop());

describe('a list', () => {
  test('is asked for at the endpoint of the contract, with a token for the source', async () => {
    const { idsFor } = remoteSource();

    const ids = await idsFor(user('ann'));

    expect(ids).toEqual(['todo:one', 'todo:two']);
    expect(server.requests).toMatchObject([{ method: 'GET', path: '/v1/actions', token: 'user:default/ann to todo' }]);
  });

  test('is fetched once for many asked for within its time', async () => {
    const { idsFor, advanceSeconds } = remoteSource({ remote: { cacheSeconds: 30 } });

    for (let turn = 0; turn < 10; turn += 1) {
      expect(await idsFor()).toEqual(['todo:one', 'todo:two']);
      advanceSeconds(2.9);
    }

    expect(server.requests).toHaveLength(1);
  });

  test('is fetched once for many that ask at the same time', async () => {
    const { idsFor } = remoteSource();

    const lists = await Promise.all(Array.from({ length: 20 }, () => idsFor()));

    expect(new Set(lists.map(ids => ids.join()))).toEqual(new Set(['todo:one,todo:two']));
    expect(server.requests).toHaveLength(1);
  });

  test('past its time is still answered at once, while a new one is fetched once', async () => {
    const { idsFor, refresh, advanceSeconds } = remoteSource();
    await refresh();
    const released = deferred();
    server.answer = async (...args) => {
      await released.promise;
      await withActions('todo:three')(...args);
    };
    advanceSeconds(30);

    const stale = [await idsFor(), await idsFor()];
    const refreshed = refresh();
    released.resolve();
    await refreshed;

    expect(stale).toEqual(Array(2).fill(['todo:one', 'todo:two']));
    expect(await idsFor()).toEqual(['todo:three']);
    expect(server.requests).toHaveLength(2);
  });

  test('with a time of zero is refreshed every time', async () => {
    const { refresh } = remoteSource({ remote: { cacheSeconds: 0 } });

    await refresh();
    await refresh();

    expect(server.requests).toHaveLength(2);
  });

  test('leaves out what the filter keeps out', async () => {
    const { idsFor, source } = remoteSource({ isIncluded: id => id !== 'todo:one' });

    expect(await idsFor()).toEqual(['todo:two']);
    expect(source.known.map(({ id }) => id)).toEqual(['todo:two']);
  });

  test('leaves out what the source has no business to offer', async () => {
    server.answer = withActions(
      'todo:one',
      'catalog:delete-entity',
      'todolist:one',
      'todo',
      listedAction('todo:posing', { pluginId: 'catalog' }),
      listedAction('todo:misnamed', { name: 'one' }),
    );
    const { idsFor } = remoteSource();

    expect(await idsFor()).toEqual(['todo:one']);
  });

  test('keeps what newer backends say of an action beyond the contract', async () => {
    const action = { ...listedAction('todo:one'), examples: [{ title: 'One', input: {} }], novelty: { level: 11 } };
    server.answer = withActions(action);
    const { source } = remoteSource();

    const { descriptors } = await source.list(service('plugin:caller'));

    expect(descriptors).toEqual([action]);
  });
});

describe('lists are kept', () => {
  test('for each user apart', async () => {
    server.answer = (res, request) =>
      withActions(request.token?.includes('ann') ? 'todo:of-ann' : 'todo:of-bob')(res, request);
    const { idsFor, source } = remoteSource();

    const [ann, bob, annAgain] = [await idsFor(user('ann')), await idsFor(user('bob')), await idsFor(user('ann'))];

    expect([ann, bob, annAgain]).toEqual([['todo:of-ann'], ['todo:of-bob'], ['todo:of-ann']]);
    expect(server.requests).toHaveLength(2);
    expect(source.known.map(({ id }) => id).sort()).toEqual(['todo:of-ann', 'todo:of-bob']);
  });

  test('for all services together, because the source sees them all as the calling plugin', async () => {
    const { idsFor } = remoteSource();

    await idsFor(service('external:ci'));
    await idsFor(service('plugin:caller'));
    await idsFor(user('ann'));

    expect(server.requests.map(({ token }) => token)).toEqual(['service to todo', 'user:default/ann to todo']);
  });

  test('for nobody apart from those of services', async () => {
    const { idsFor } = remoteSource();
    await idsFor(service('plugin:caller'));

    expect(await idsFor(nobody)).toEqual([]);
    expect(await idsFor(service('plugin:caller'))).toEqual(['todo:one', 'todo:two']);
    expect(server.requests).toHaveLength(1);
  });

  test('where anonymous callers are let through, without a token', async () => {
    const auth = { ...plainAuth, getPluginRequestToken: async () => ({ token: '' }) } as AuthService;
    const { idsFor } = remoteSource({ auth });

    expect(await idsFor(nobody)).toEqual(['todo:one', 'todo:two']);
    expect(server.requests[0]?.token).toBeUndefined();
  });

  test('for a thousand principals, of whom the one unused for longest makes room', async () => {
    const { idsFor } = remoteSource();
    const askFor = (number: number) => idsFor(user(`u${number}`));
    for (let number = 0; number < 1_000; number += 1) {
      await askFor(number);
    }
    await askFor(0);
    await askFor(1_000);
    server.requests.length = 0;

    await askFor(0);
    await askFor(1);

    expect(server.requests.map(({ token }) => token)).toEqual(['user:default/u1 to todo']);
  });
});

describe('fingerprints', () => {
  test('are equal for equal lists, whoever is shown them, and differ for others', async () => {
    const { source, refresh, advanceSeconds } = remoteSource();
    const fingerprintFor = async (name: string) => (await source.list(user(name))).fingerprint;
    const [ann, bob] = [await fingerprintFor('ann'), await fingerprintFor('bob')];

    server.answer = withActions('todo:one');
    advanceSeconds(30);
    await refresh(user('ann'));

    expect(ann).toBe(bob);
    expect(await fingerprintFor('ann')).not.toBe(ann);
  });

  test('of what is known change when a list does, and only then', async () => {
    const { source, refresh, advanceSeconds } = remoteSource();
    const seen = [source.knownFingerprint];
    for (const answer of [server.answer, server.answer, withActions('todo:three')]) {
      server.answer = answer;
      advanceSeconds(30);
      await refresh();
      seen.push(source.knownFingerprint);
    }

    const [before, first, unchanged, changed] = seen;
    expect(first).not.toBe(before);
    expect(unchanged).toBe(first);
    expect(changed).not.toBe(first);
  });
});

test('a user whom the source refuses has an empty list, and others keep theirs', async () => {
  server.answer = (res, request) =>
    (request.token?.includes('bob') ? withError(401, 'AuthenticationError', 'No') : withActions('todo:one'))(
      res,
      request,
    );
  const { idsFor } = remoteSource();

  expect(await idsFor(user('bob'))).toEqual([]);
  expect(await idsFor(user('ann'))).toEqual(['todo:one']);
});

describe('a definition for a call', () => {
  const caller = service('plugin:caller');
  const readOnly = { readOnly: true, destructive: false, idempotent: false };
  const destructive = { readOnly: false, destructive: true, idempotent: false };
  const answerOf = (action: object) => withJson({ actions: [listedAction('todo:one', action)] });

  test('is no older than the time of the list, however long nobody asked', async () => {
    server.answer = answerOf({ attributes: readOnly });
    const { source, refresh, advanceSeconds } = remoteSource();
    await refresh();
    server.answer = answerOf({ attributes: destructive });
    advanceSeconds(36_000);

    const action = await source.find('todo:one', caller);

    expect(action?.attributes).toEqual(destructive);
  });

  test('that the source does not tell any more will do for a read only', async () => {
    const both = [
      listedAction('todo:look', { attributes: readOnly }),
      listedAction('todo:purge', { attributes: destructive }),
    ];
    server.answer = withJson({ actions: both });
    const { source, refresh, advanceSeconds } = remoteSource();
    await refresh();
    server.answer = withError(500, 'Error', 'broken');
    advanceSeconds(31);

    expect((await source.find('todo:look', caller))?.id).toBe('todo:look');
    await expect(source.find('todo:purge', caller)).rejects.toThrow(
      'Action source "todo" does not say how it defines "todo:purge" now',
    );
  });

  test.each([
    [{ attributes: destructive, effect: 'read' }, undefined],
    [{ attributes: { ...destructive, destructive: false }, effect: 'read' }, undefined],
    [{ attributes: readOnly, effect: 'read' }, 'read'],
    [{ attributes: readOnly, effect: 'by-input' }, 'execute'],
    [{ attributes: destructive, effect: 'update' }, 'update'],
  ])('of %j has the effect %s', async (given, effect) => {
    server.answer = answerOf(given);
    const { source, refresh } = remoteSource();
    await refresh();

    expect((await source.find('todo:one', caller)) as { effect?: string }).toMatchObject({ ...(effect && { effect }) });
    expect(((await source.find('todo:one', caller)) as { effect?: string }).effect).toBe(effect);
  });
});

describe('a change', () => {
  const observed = () => {
    const changes = { count: 0 };
    const remote = remoteSource({
      onChange: () => {
        changes.count += 1;
      },
    });
    /** Has the list fetched anew, and says how many changes that made. */
    const changesBy = async (answer: SourceServer['answer'], credentials = service('plugin:caller')) => {
      const before = changes.count;
      server.answer = answer;
      remote.advanceSeconds(120);
      await remote.refresh(credentials);
      return changes.count - before;
    };
    return { ...remote, changesBy };
  };

  test('is told when somebody is shown something else than before', async () => {
    const { changesBy } = observed();
    await changesBy(withActions('todo:one'));

    expect(await changesBy(withActions('todo:one', 'todo:two'))).toBe(1);
    expect(await changesBy(withActions('todo:one'))).toBe(1);
    expect(await changesBy(withActions('todo:one'))).toBe(0);
  });

  test('is not told when somebody asks for the first time, who is waiting for the answer', async () => {
    const { changesBy } = observed();

    expect(await changesBy(withActions('todo:one'), user('ann'))).toBe(0);
    expect(await changesBy(withActions('todo:two'), user('bob'))).toBe(0);
  });

  test('is told when a source that was away comes, and not when it goes: what it had stays listed', async () => {
    const { changesBy } = observed();

    expect(await changesBy(withError(503, 'ServiceUnavailableError', 'away'))).toBe(0);
    expect(await changesBy(withActions('todo:one'))).toBe(1);
    expect(await changesBy(withError(503, 'ServiceUnavailableError', 'away'))).toBe(0);
    expect(await changesBy(withActions('todo:one'))).toBe(0);
  });

  test('is told, and known, when the source shows somebody nothing any more', async () => {
    const { changesBy, source } = observed();
    await changesBy(withActions('todo:one'));
    const before = source.knownFingerprint;

    expect(await changesBy(withError(403, 'NotAllowedError', 'no'))).toBe(1);
    expect(source.known).toEqual([]);
    expect(source.knownFingerprint).not.toBe(before);
  });
});
