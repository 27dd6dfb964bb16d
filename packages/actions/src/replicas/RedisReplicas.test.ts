import { once } from 'node:events';
import { ConflictError, InputError, NotFoundError, ServiceUnavailableError } from '@backstage/errors';
import { TooManyRequestsError } from '@callboard/actions-api';
import { deferred, describeOnRedis, type OpenedReplicas, openReplicas } from '@callboard/test-utils';
import { createClient } from '@redis/client';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { LoneReplica } from './LoneReplica.js';
import type { RedisReplicas } from './RedisReplicas.js';
import type { Replicas } from './Replicas.js';

const soon = { timeoutMs: 10_000 };

/** What holds for a process that has no others, whether or not it looks for them. */
function aloneSuite(open: () => Promise<Replicas>): void {
  let replica: Replicas;

  beforeEach(async () => {
    replica = await open();
  });

  test('has an id that can stand at the beginning of others', () => {
    expect(replica.id).toMatch(/^[\w-]{12}$/);
  });

  test('tells nobody, and does not hear itself', async () => {
    const heard: unknown[] = [];
    replica.onBroadcast('news', payload => heard.push(payload));

    expect(await replica.broadcast('news', 'extra')).toBe(0);
    expect(heard).toEqual([]);
  });

  test('finds nobody to ask', async () => {
    replica.answer('greet', async () => 'hello');

    expect(await replica.askOthers('greet', null, soon)).toEqual([]);
    await expect(replica.ask('AAAAAAAAAAAA', 'greet', null, soon)).rejects.toThrow(NotFoundError);
  });

  test('has one answer to each topic, until it is taken back', () => {
    const takeBack = replica.answer('greet', async () => 'hello');

    expect(() => replica.answer('greet', async () => 'bye')).toThrow('"greet"');
    takeBack();
    expect(() => replica.answer('greet', async () => 'bye')).not.toThrow();
  });
}

describe('a process without Redis', () => aloneSuite(async () => new LoneReplica()));

await describeOnRedis('a process that has a Redis to itself', () =>
  aloneSuite(async () => {
    const opened = await openReplicas(1);
    onTestFinished(() => opened.drop());
    return opened.replicas[0] as RedisReplicas;
  }),
);

await describeOnRedis('three replicas', () => {
  let opened: OpenedReplicas;
  let one: RedisReplicas;
  let two: RedisReplicas;
  let three: RedisReplicas;

  beforeEach(async () => {
    opened = await openReplicas(3);
    [one, two, three] = opened.replicas as [RedisReplicas, RedisReplicas, RedisReplicas];
  });

  afterEach(() => opened.drop());

  describe('tell each other', () => {
    test('what all others hear, in its order, and not the one that tells', async () => {
      const heard: unknown[][] = [[], [], []];
      const done = [deferred(), deferred()];
      for (const [index, replica] of [one, two, three].entries()) {
        replica.onBroadcast('news', (payload, from) => {
          heard[index]?.push([payload, from]);
          if (payload === 99) {
            done[index - 1]?.resolve();
          }
        });
      }

      const counts = await Promise.all(Array.from({ length: 100 }, (_, count) => one.broadcast('news', count)));
      await Promise.all(done.map(({ promise }) => promise));

      expect(new Set(counts)).toEqual(new Set([2]));
      const all = Array.from({ length: 100 }, (_, count) => [count, one.id]);
      expect(heard).toEqual([[], all, all]);
    });

    test('nothing under other topics, and nothing after the subscription', async () => {
      const heard: unknown[] = [];
      const last = deferred();
      two.onBroadcast('weather', payload => heard.push(payload));
      const end = two.onBroadcast('news', payload => heard.push(payload));
      two.onBroadcast('last', () => last.resolve());

      await one.broadcast('news', 1);
      await one.broadcast('last', null);
      await last.promise;
      end();
      await one.broadcast('news', 2);
      await two.ask(three.id, 'nothing', null, soon).catch(() => {});

      expect(heard).toEqual([1]);
    });

    test('and a listener that fails keeps nobody else from hearing', async () => {
      const heard = deferred<unknown>();
      two.onBroadcast('news', () => {
        throw new Error('not today');
      });
      two.onBroadcast('weather', payload => heard.resolve(payload));

      await one.broadcast('news', 1);
      await one.broadcast('weather', 'rain');

      expect(await heard.promise).toBe('rain');
      expect(opened.logs).toContainEqual(expect.objectContaining({ level: 'error' }));
    });
  });

  describe('ask each other', () => {
    test('and are answered after what they are told, in its order', async () => {
      const told: unknown[] = [];
      two.answer('count', async (payload, { from, tell }) => {
        for (let step = 1; step <= 50; step += 1) {
          tell({ step });
        }
        return { payload, from };
      });

      const answer = await one.ask(two.id, 'count', [1, 'two', null], { ...soon, onTold: step => told.push(step) });

      expect(answer).toEqual({ payload: [1, 'two', null], from: one.id });
      expect(told).toEqual(Array.from({ length: 50 }, (_, index) => ({ step: index + 1 })));
    });

    test('many things at once', async () => {
      two.answer('double', async payload => Number(payload) * 2);
      three.answer('double', async payload => Number(payload) * 2);

      const answers = await Promise.all(
        Array.from({ length: 300 }, (_, count) => one.ask(count % 2 ? two.id : three.id, 'double', count, soon)),
      );

      expect(answers).toEqual(Array.from({ length: 300 }, (_, count) => count * 2));
    });

    test('nothing that somebody tells after the answer', async () => {
      let tell: (payload: string) => void = () => {};
      two.answer('greet', async (_payload, asked) => {
        tell = asked.tell;
        return 'hello';
      });
      const told: unknown[] = [];
      await one.ask(two.id, 'greet', null, { ...soon, onTold: payload => told.push(payload) });

      tell('too late');
      await one.ask(two.id, 'greet', null, soon);

      expect(told).toEqual([]);
    });

    test.each([
      [new NotFoundError('no such thing'), { name: 'NotFoundError', message: 'no such thing' }],
      [new ConflictError('again'), { name: 'ConflictError', message: 'again' }],
      [new TooManyRequestsError('slow down'), { name: 'TooManyRequestsError', message: 'slow down' }],
      [
        Object.assign(new Error('bad cursor'), { name: 'ProtocolError', code: -32602, data: { cursor: 'x' } }),
        { name: 'ProtocolError', message: 'bad cursor', code: -32602, data: { cursor: 'x' } },
      ],
    ])('and get the error %s', async (error, expected) => {
      two.answer('fail', async () => {
        throw error;
      });

      const failure = await one.ask(two.id, 'fail', null, soon).catch(thrown => thrown);

      expect({ ...failure, name: failure.name, message: failure.message }).toMatchObject(expected);
      expect(failure).toBeInstanceOf(expected.name === 'ProtocolError' ? Error : error.constructor);
    });

    test.each([
      new Error('the password is hunter2'),
      Object.assign(new Error('the password is hunter2'), { code: 14 }),
    ])('and learn nothing of other errors but where to look', async error => {
      two.answer('fail', async () => {
        throw error;
      });

      const failure = await one.ask(two.id, 'fail', null, soon).catch(thrown => thrown);

      const [, reference] = /request id ([\w-]{12})/.exec(failure.message) ?? [];
      expect(failure.message).not.toContain('hunter2');
      expect(opened.logs).toContainEqual(
        expect.objectContaining({ level: 'error', error, message: expect.stringContaining(String(reference)) }),
      );
    });

    test('what nobody there answers, in vain', async () => {
      await expect(one.ask(two.id, 'greet', null, soon)).rejects.toThrow(NotFoundError);
    });

    test('until they do not want to know any more', async () => {
      const begun = deferred();
      const given = deferred<AbortSignal>();
      two.answer('wait', async (_payload, { signal }) => {
        begun.resolve();
        await once(signal, 'abort');
        given.resolve(signal);
        return null;
      });
      const enough = new AbortController();

      const asking = one.ask(two.id, 'wait', null, { ...soon, signal: enough.signal });
      await begun.promise;
      enough.abort(new Error('never mind'));

      await expect(asking).rejects.toThrow('never mind');
      expect((await given.promise).aborted).toBe(true);
    });

    test('for so long, and tell the other when it is over', async () => {
      const over = deferred();
      two.answer('wait', async (_payload, { signal }) => {
        await once(signal, 'abort');
        over.resolve();
        return null;
      });

      await expect(one.ask(two.id, 'wait', null, { timeoutMs: 50 })).rejects.toThrow(ServiceUnavailableError);
      await over.promise;
    });

    test('all at once, and get what those say who can', async () => {
      two.answer('who', async () => 'two');
      three.answer('who', async () => {
        throw new ConflictError('not now');
      });

      expect(await one.askOthers('who', null, soon)).toEqual(['two']);
    });

    test('one that has left, and are told so at once', async () => {
      two.answer('greet', async () => 'hello');
      await two.close();

      await expect(one.ask(two.id, 'greet', null, soon)).rejects.toThrow(NotFoundError);
      expect(await one.broadcast('news', 1)).toBe(1);
    });

    test('and what is too long for a message is refused, where it is said', async () => {
      const long = 'x'.repeat(5 * 1024 * 1024);
      two.answer('repeat', async payload => String(payload).repeat(5 * 1024 * 1024));
      two.answer('tell', async (_payload, { tell }) => {
        tell(long);
        return 'not reached';
      });

      await expect(one.ask(two.id, 'repeat', long, soon)).rejects.toThrow(InputError);
      await expect(one.broadcast('news', long)).rejects.toThrow(InputError);
      await expect(one.ask(two.id, 'repeat', 'x', soon)).rejects.toThrow('failed unexpectedly');
      await expect(one.ask(two.id, 'tell', null, soon)).rejects.toThrow('failed unexpectedly');
    });
  });

  describe('share a Redis', () => {
    test('in which keys of the deployment have its prefix', async () => {
      const key = one.redis.key('sessions', 'a');

      expect(key).toBe(`${opened.redis.prefix}:sessions:a`);
      expect(await one.redis.command(['SET', key, 'kept'])).toBe('OK');
      expect(await two.redis.command(['GET', key])).toBe('kept');
      expect(one.redis.isReady).toBe(true);
    });

    test('which says what it has against a command', async () => {
      const key = one.redis.key('text');
      await one.redis.command(['SET', key, 'text']);

      await expect(one.redis.command(['INCR', key])).rejects.toThrow('not an integer');
      await expect(one.redis.command(['NOSUCH'])).rejects.not.toThrow(ServiceUnavailableError);
    });

    test('in which what is sealed opens for all of them, as from its place', async () => {
      const sealed = await one.redis.seal('a session', 'sessions:a');

      expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('session');
      expect(await two.redis.unseal(sealed, 'sessions:a')).toBe('a session');
      expect(await two.redis.unseal(sealed, 'sessions:b')).toBeUndefined();
      expect(await two.redis.unseal(`${sealed.slice(0, -2)}AA`, 'sessions:a')).toBeUndefined();
      expect(await two.redis.unseal('', 'sessions:a')).toBeUndefined();
    });

    test('whose messages nobody reads there, and nobody sends a second time', async () => {
      const ran: unknown[] = [];
      two.answer('run', async payload => {
        ran.push(payload);
        return 'ran';
      });
      const channel = one.redis.key('to', two.id);
      const { messages, publish } = await listenIn(opened, channel);

      await one.ask(two.id, 'run', 'the password is hunter2', soon);
      for (const message of [...messages]) {
        await publish(channel, message);
        await publish(channel, Buffer.concat([message.subarray(0, -1), Buffer.from([1 ^ Number(message.at(-1))])]));
        await publish(one.redis.key('to', three.id), message);
      }
      await publish(channel, Buffer.from(JSON.stringify({ kind: 'ask', ask: 1, topic: 'run', payload: 'forged' })));
      await one.ask(two.id, 'run', 'again', soon);

      expect(messages.length).toBeGreaterThan(0);
      expect(messages.map(String).join()).not.toContain('hunter2');
      expect(ran).toEqual(['the password is hunter2', 'again']);
      const warnings = opened.logs.filter(({ level }) => level === 'warn');
      expect(warnings.map(({ message }) => message)).toEqual([
        expect.stringContaining('that no replica of this deployment has sent'),
        expect.stringContaining('that no replica of this deployment has sent'),
      ]);
    });

    test('with replicas of another key, which they do not listen to', async () => {
      const stranger = await opened.add({ getKey: async () => Buffer.alloc(32, 1) });
      two.answer('greet', async () => 'hello');

      await expect(stranger.ask(two.id, 'greet', null, { timeoutMs: 200 })).rejects.toThrow(ServiceUnavailableError);
      expect(await stranger.redis.unseal(await one.redis.seal('text', 'place'), 'place')).toBeUndefined();
    });
  });

  test('cannot be reached before the common key is there, and join as soon as it is', async () => {
    let attempts = 0;
    const getKey = async () => {
      attempts += 1;
      if (attempts === 1) {
        throw new Error('the database is away');
      }
      return Buffer.alloc(32, 1);
    };

    const late = await opened.add({ getKey, timing: { heartbeatMs: 20 } });

    expect(late.redis.isReady).toBe(true);
    expect(attempts).toBe(2);
    expect(opened.logs.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

/** Somebody else who may use the same Redis. */
async function listenIn({ redis }: OpenedReplicas, channel: string) {
  const clients = [createClient({ url: redis.url }), createClient({ url: redis.url })] as const;
  onTestFinished(() => clients.forEach(client => void client.destroy()));
  await Promise.all(clients.map(client => client.connect()));
  const messages: Buffer[] = [];
  await clients[0].subscribe(channel, message => void messages.push(message), true);
  return {
    messages,
    publish: (to: string, message: Buffer) => clients[1].sendCommand(['PUBLISH', to, message]),
  };
}
