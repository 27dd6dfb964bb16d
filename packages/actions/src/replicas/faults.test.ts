import { readFile } from 'node:fs/promises';
import { NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import {
  deferred,
  describeWithRedisServer,
  freePort,
  type OpenedReplicas,
  type OwnRedis,
  openReplicas,
  recordingLogger,
  startRedis,
  startTcpProxy,
} from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RedisReplicas } from './RedisReplicas.js';

const timing = {
  connectTimeoutMs: 300,
  commandTimeoutMs: 300,
  firstRetryMs: 10,
  maxRetryMs: 50,
  heartbeatMs: 50,
  lifetimeMs: 400,
  patienceMs: 5_000,
};
const soon = { timeoutMs: 20_000 };

describeWithRedisServer('when Redis', () => {
  let redis: OwnRedis;
  let opened: OpenedReplicas;
  let one: RedisReplicas;
  let two: RedisReplicas;

  beforeEach(async () => {
    redis = await startRedis();
    opened = await openReplicas(2, { redis, timing });
    [one, two] = opened.replicas as [RedisReplicas, RedisReplicas];
  });

  afterEach(() => opened.drop());

  const nextReturn = (replica: RedisReplicas) =>
    new Promise<{ isEmptied: boolean }>(resolve => onTestFinished(replica.redis.onReturn(resolve)));
  const linesOf = (level: string) => opened.logs.filter(entry => entry.level === level).map(({ message }) => message);

  const awaitLine = (text: string) =>
    vi.waitUntil(() => opened.logs.some(({ message }) => message.includes(text)), { timeout: 20_000, interval: 10 });

  /** A request that is answered when the test wants it. */
  async function begin() {
    const begun = deferred();
    const answer = deferred<string>();
    let runs = 0;
    two.answer('work', async (_payload, { tell }) => {
      runs += 1;
      tell('begun');
      begun.resolve();
      return answer.promise;
    });
    const told: unknown[] = [];
    const asking = one.ask(two.id, 'work', null, { ...soon, onTold: payload => told.push(payload) });
    asking.catch(() => {});
    await begun.promise;
    return { asking, answer, told, runs: () => runs };
  }

  test('is started anew, what is under way goes on, and nothing runs twice', async () => {
    const { asking, answer, told, runs } = await begin();
    const returned = [nextReturn(one), nextReturn(two)];

    await redis.kill();
    answer.resolve('done');
    await expect(one.redis.command(['PING'])).rejects.toThrow(ServiceUnavailableError);
    expect(one.redis.isReady).toBe(false);
    await redis.start();

    expect(await asking).toBe('done');
    expect(told).toEqual(['begun']);
    expect(runs()).toBe(1);
    expect(await Promise.all(returned)).toContainEqual({ isEmptied: true });
    expect(one.redis.isReady).toBe(true);
  });

  test('is away, each process says so once, and once that it is back', async () => {
    const returned = [nextReturn(one), nextReturn(two)];

    await redis.kill();
    await Promise.allSettled(Array.from({ length: 20 }, () => one.redis.command(['PING'])));
    await redis.start();
    await Promise.all(returned);

    expect(linesOf('warn')).toHaveLength(2);
    expect(linesOf('warn')[0]).toContain(`Redis at 127.0.0.1:${redis.port} is away`);
    expect(linesOf('info')).toHaveLength(2);
    expect(linesOf('info')[0]).toMatch(/is back after [\d.]+ seconds/);
  });

  test('is away for too long, what waits for another replica fails', async () => {
    const impatient = await opened.add({ timing: { patienceMs: 100 } });
    two.answer('work', async () => new Promise(() => {}));
    const asking = impatient.ask(two.id, 'work', null, soon);
    asking.catch(() => {});
    await one.broadcast('anything', null);

    await redis.kill();

    await expect(asking).rejects.toThrow(ServiceUnavailableError);
    await expect(impatient.broadcast('news', 1)).rejects.toThrow(ServiceUnavailableError);
    await expect(impatient.askOthers('work', 1, soon)).rejects.toThrow(ServiceUnavailableError);
    await expect(impatient.ask(two.id, 'work', 1, soon)).rejects.toThrow(ServiceUnavailableError);
  });

  test('does not answer, commands fail in bounded time, and work when it answers again', async () => {
    const returned = nextReturn(one);

    redis.pause();
    await expect(one.redis.command(['PING'])).rejects.toThrow(ServiceUnavailableError);
    redis.resume();

    expect(await returned).toEqual({ isEmptied: false });
    expect(await one.redis.command(['PING'])).toBe('PONG');
  });

  test('drops every connection, what is under way goes on', async () => {
    const { asking, answer, runs } = await begin();
    const returned = [nextReturn(one), nextReturn(two)];

    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'normal');
    answer.resolve('done');

    expect(await asking).toBe('done');
    expect(runs()).toBe(1);
    expect(await Promise.all(returned)).toEqual([{ isEmptied: false }, { isEmptied: false }]);
  });

  test('drops the connection over which a replica hears, it is asked again and found', async () => {
    two.answer('greet', async () => 'hello');
    const returned = [nextReturn(one), nextReturn(two)];

    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');

    expect(await one.ask(two.id, 'greet', null, soon)).toBe('hello');
    await Promise.all(returned);
    expect(await one.broadcast('news', 1)).toBe(1);
  });

  test('comes back, replicas that are still on their way are not taken for gone', async () => {
    two.answer('greet', async () => 'hello');
    const slow = await opened.add({ timing: { firstRetryMs: 300, maxRetryMs: 300 } });
    slow.answer('greet', async () => 'hello, slowly');
    const returned = nextReturn(one);

    await redis.kill();
    await redis.start();
    await returned;

    expect(await one.ask(slow.id, 'greet', null, soon)).toBe('hello, slowly');
  });

  test('becomes a copy that cannot be written, connections are made until it can', async () => {
    const returned = nextReturn(one);
    const noticed = awaitLine('READONLY');

    await redis.command('REPLICAOF', '127.0.0.1', String(await freePort()));
    await expect(one.redis.command(['SET', one.redis.key('text'), 'x'])).rejects.toThrow(ServiceUnavailableError);
    await noticed;
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await returned;

    expect(await one.redis.command(['SET', one.redis.key('text'), 'x'])).toBe('OK');
  });

  describe('loses a replica', () => {
    async function addBehindProxy() {
      const proxy = await startTcpProxy(redis.port);
      onTestFinished(() => proxy.close());
      const far = await opened.add({ url: `redis://127.0.0.1:${proxy.port}` });
      return { far, proxy };
    }

    test.each(['cut', 'stall'] as const)('(%s), who waits for its answer is told that it is gone', async how => {
      const { far, proxy } = await addBehindProxy();
      const begun = deferred();
      far.answer('work', async () => {
        begun.resolve();
        return new Promise(() => {});
      });
      const asking = one.ask(far.id, 'work', null, soon);
      asking.catch(() => {});
      await begun.promise;

      proxy[how]();

      await expect(asking).rejects.toThrow(NotFoundError);
      await expect(one.ask(far.id, 'work', null, soon)).rejects.toThrow(NotFoundError);
      proxy.cut();
    });

    test('that has asked, who works for it is told that nobody waits', async () => {
      const { far, proxy } = await addBehindProxy();
      const begun = deferred();
      const abandoned = deferred();
      one.answer('work', async (_payload, { signal }) => {
        signal.addEventListener('abort', () => abandoned.resolve());
        begun.resolve();
        return new Promise(() => {});
      });
      far.ask(one.id, 'work', null, soon).catch(() => {});
      await begun.promise;

      proxy.cut();

      await abandoned.promise;
    });

    test('for a moment, both go on', async () => {
      const { far, proxy } = await addBehindProxy();
      const answer = deferred<string>();
      const begun = deferred();
      far.answer('work', async () => {
        begun.resolve();
        return answer.promise;
      });
      const asking = one.ask(far.id, 'work', null, soon);
      await begun.promise;
      const returned = nextReturn(far);

      proxy.cut();
      proxy.mend();
      answer.resolve('done');
      await returned;

      expect(await asking).toBe('done');
    });
  });
});

describeWithRedisServer('a user of Redis that may do what docs/replicas.md says, and no more,', () => {
  test('is enough', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.drop());
    const page = await readFile(new URL('../../../../docs/replicas.md', import.meta.url), 'utf8');
    const rights = /the user needs `([^`]+)` and `([^`]+)`/.exec(page)?.slice(1).join(' ') ?? '';
    const user = rights.replaceAll('callboard', redis.prefix).split(' ');
    await redis.command('ACL', 'SETUSER', 'board', 'on', '>hunter2', ...user);
    const opened = await openReplicas(2, {
      redis: { ...redis, url: redis.url.replace('//', '//board:hunter2@'), drop: async () => {} },
      timing,
    });
    onTestFinished(() => opened.drop());
    const [one, two] = opened.replicas as [RedisReplicas, RedisReplicas];
    two.answer('greet', async () => 'hello');

    expect(await one.askOthers('greet', null, soon)).toEqual(['hello']);
    expect(await one.redis.command(['EVAL', 'return redis.call("GET", KEYS[1])', '1', one.redis.key('a')])).toBeNull();
    await expect(one.redis.command(['GET', 'of somebody else'])).rejects.toThrow('NOPERM');
    await two.close();
    await expect(one.ask(two.id, 'greet', null, soon)).rejects.toThrow(NotFoundError);
    expect(rights).not.toBe('');
  });
});

describe('when Redis cannot be used at the start', () => {
  const open = (url: string) => {
    const { logger } = recordingLogger();
    const replicas = new RedisReplicas({ url, prefix: 'test', getKey: async () => Buffer.alloc(32), logger, timing });
    onTestFinished(() => replicas.close());
    return replicas.open().catch((error: Error) => error.message);
  };

  test('the start fails, and says where it was looked for, without the password', async () => {
    const port = await freePort();

    const message = await open(`redis://ada:hunter2@127.0.0.1:${port}`);

    expect(message).toContain(`Redis at 127.0.0.1:${port} (backend.actions.replicas.redis) cannot be used`);
    expect(message).toContain('ECONNREFUSED');
    expect(message).not.toContain('hunter2');
  });

  describeWithRedisServer('because', () => {
    test('the password is wrong, that is said, without it', async () => {
      const redis = await startRedis({ args: ['--requirepass', 'correct horse'] });
      onTestFinished(() => redis.drop());

      const message = await open(`redis://:hunter2@127.0.0.1:${redis.port}`);

      expect(message).toContain('WRONGPASS');
      expect(message).not.toContain('hunter2');
    });

    test('it does not answer, the start does not wait for ever', async () => {
      const redis = await startRedis();
      onTestFinished(() => redis.drop());
      redis.pause();

      expect(await open(redis.url)).toContain('no answer within 300 ms');
      redis.resume();
    });
  });
});
