import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { ConflictError, ServiceUnavailableError } from '@backstage/errors';
import { TooManyRequestsError } from '@callboard/actions-api';
import {
  ApprovalDesk,
  deferred,
  describeOnRedis,
  describeWithRedisServer,
  type OpenedReplicas,
  openReplicas,
  recordingLogger,
  startRedis,
} from '@callboard/test-utils';
import { createClient } from '@redis/client';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { Approvals } from '../approval/Approvals.js';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { Invocation } from '../invocation/Invocation.js';
import { invokeAction } from '../invocation/invokeAction.js';
import { CallPolicy } from '../policy/CallPolicy.js';
import { compileSchema } from '../registry/compileSchema.js';
import type { RedisReplicas } from '../replicas/RedisReplicas.js';
import { openPolicy } from '../testing/openPolicy.js';
import { listedAction } from '../testing/sourceServer.js';
import { SecretsDesk } from './SecretsDesk.js';
import type { SecretsRequiredError } from './secretsErrors.js';

const ada = { principal: { type: 'user', userEntityRef: 'user:default/Ada' } } as unknown as BackstageCredentials;
const secret = 'k-0123456789';
const never = new AbortController().signal;
const input = compileSchema(z.object({ name: z.string(), note: z.string().default('none') }), 'input');
const secrets = compileSchema(z.object({ key: z.string().min(4) }), 'input');

type CallOptions = Partial<ConstructorParameters<typeof Invocation>[0]>;
/** One replica, with a door. */
interface Host {
  readonly replica: RedisReplicas;
  readonly desk: SecretsDesk;
  call(parts?: CallOptions): Promise<{ output: unknown; error: Error | undefined }>;
}

let nowMs = Date.parse('2027-01-01T00:00:00.000Z');
/** What reached the handlers of all replicas. */
const ran: unknown[] = [];
const book = new ApprovalDesk();

function createHost(replica: RedisReplicas, mode: 'safe' | 'full_access' = 'full_access'): Host {
  const desk = new SecretsDesk({ environment: 'production', replicas: replica, nowMs: () => nowMs });
  desk.open({ urlOf: id => `https://board.example/secrets/${id}`, lifetimeMs: 60_000, users: [] });
  onTestFinished(() => desk.stop());
  const { logger } = recordingLogger();
  const approvals = new Approvals({ environment: 'production', asksClients: false, lifetimeMs: 600_000, logger });
  approvals.provide(book);
  const policy = openPolicy({
    logger,
    secrets: desk,
    approvals,
    rules: new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles: {}, callers: [] }),
  });
  const visible: VisibleAction = {
    descriptor: listedAction('vault:store', {
      attributes: { readOnly: false, destructive: false, idempotent: false },
      schema: { input: input.jsonSchema, output: {}, secrets: secrets.jsonSchema },
    }),
    checks: { input: input.parse, output: value => ({ ok: true, value }), secrets: secrets.parse },
    run: async call => {
      ran.push({ input: call.input, secrets: call.secrets });
      return { output: 'done' };
    },
  };
  return {
    replica,
    desk,
    call: async parts => {
      const call = new Invocation({
        name: 'vault.store',
        find: async () => visible,
        input: { name: 'one' },
        credentials: ada,
        door: 'mcp',
        takesSecrets: true,
        ...parts,
      });
      const auditor = { createEvent: async () => ({ success: async () => {}, fail: async () => {} }) };
      return invokeAction(call, { policy, auditor, audit: { eventId: 'test' } }).then(
        output => ({ output, error: undefined }),
        (error: Error) => ({ output: undefined, error }),
      );
    },
  };
}

const idIn = (error: Error | undefined) => {
  expect(error?.name).toBe('SecretsRequiredError');
  return (error as SecretsRequiredError).secrets.url.split('/').at(-1) as string;
};

beforeEach(() => {
  ran.length = 0;
  book.all.length = 0;
  book.expiresAt = new Date(nowMs + 600_000).toISOString();
});

await describeOnRedis('secrets of three replicas', () => {
  let opened: OpenedReplicas;
  let one: Host;
  let two: Host;
  let three: Host;

  beforeEach(async () => {
    opened = await openReplicas(3);
    [one, two, three] = opened.replicas.map(replica => createHost(replica)) as [Host, Host, Host];
  });

  afterEach(() => opened.drop());

  test('have their page at each, wherever the call was refused', async () => {
    const id = idIn((await one.call()).error);

    const [here, there] = await Promise.all([one.desk.find(id), two.desk.find(id)]);

    expect(id.startsWith(`${one.replica.id}.`)).toBe(true);
    expect(there).toEqual({ ...here, request: { ...JSON.parse(JSON.stringify(here?.request)) } });
    expect(there && two.desk.mayEnter(there.request, 'user:default/ada')).toBe(true);
    expect(there && two.desk.mayEnter(there.request, 'user:default/eve')).toBe(false);
  });

  test('are entered at one, and used by the call at another, once', async () => {
    const id = idIn((await one.call()).error);

    expect(await two.desk.enter(id, { key: secret })).toEqual([]);
    expect((await one.desk.find(id))?.isEntered).toBe(true);
    const done = await three.call();

    expect(done).toEqual({ output: 'done', error: undefined });
    expect(ran).toEqual([{ input: { name: 'one', note: 'none' }, secrets: { key: secret } }]);
    expect(await Promise.all([one, two, three].map(({ desk }) => desk.find(id)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(idIn((await two.call()).error)).not.toBe(id);
  });

  test('are checked where the call was refused, and what is wrong is said where they are entered', async () => {
    const id = idIn((await one.call()).error);

    const issues = await two.desk.enter(id, { key: 'abc' });

    expect(issues).toEqual([{ path: ['key'], message: expect.stringContaining('>=4 characters') }]);
    expect((await three.desk.find(id))?.isEntered).toBe(false);
  });

  test('are entered once, and not after their time', async () => {
    const id = idIn((await one.call()).error);
    await two.desk.enter(id, { key: secret });
    const late = idIn((await one.call({ input: { name: 'two' } })).error);
    nowMs += 60_000;

    await expect(three.desk.enter(late, { key: secret })).rejects.toThrow(ConflictError);
    expect(await three.desk.find(late)).toBeUndefined();
    expect(ran).toEqual([]);
  });

  test('are asked for on one page, however many replicas the call comes to', async () => {
    const ids = [];
    for (const host of [one, two, three, one]) {
      ids.push(idIn((await host.call()).error));
    }

    expect(new Set(ids).size).toBe(1);
  });

  test('go to one of many calls, at once and everywhere', async () => {
    const id = idIn((await one.call()).error);
    await two.desk.enter(id, { key: secret });

    const calls = Array.from({ length: 30 }, (_, count) => [one, two, three][count % 3]?.call());
    const results = await Promise.all(calls);

    expect(results.filter(result => result?.output === 'done')).toHaveLength(1);
    expect(ran).toHaveLength(1);
  });

  test.each<[string, CallOptions]>([
    ['other arguments', { input: { name: 'two' } }],
    ['another client of the same person', { clientId: 'other' }],
    ['another server', { server: 'ops' }],
  ])('are not for a call elsewhere with %s', async (_, parts) => {
    const id = idIn((await one.call()).error);
    await two.desk.enter(id, { key: secret });

    expect(idIn((await three.call(parts)).error)).not.toBe(id);
    expect(ran).toEqual([]);
    expect((await three.call()).output).toBe('done');
  });

  test('are waited for at any of them', async () => {
    const id = idIn((await one.call()).error);

    const waits = [one, two, three].map(({ desk }) => desk.whenEntered(id, { signal: never, timeoutMs: 10_000 }));
    const aborted = new AbortController();
    const given = two.desk.whenEntered(id, { signal: aborted.signal, timeoutMs: 10_000 });
    aborted.abort(new Error('never mind'));
    await expect(given).rejects.toThrow('never mind');
    expect(await two.desk.whenEntered(id, { signal: never, timeoutMs: 20 })).toBe(false);
    await three.desk.enter(id, { key: secret });

    expect(await Promise.all(waits)).toEqual([true, true, true]);
  });

  test.each(['decline', 'cancel'] as const)('are forgotten everywhere by %s', async answer => {
    const id = idIn((await one.call()).error);
    await one.desk.enter(id, { key: secret });

    await two.call({ answeredSecrets: { id, answer } });

    expect(await one.desk.find(id)).toBeUndefined();
    expect(idIn((await one.call()).error)).not.toBe(id);
  });

  test('that the answer of another call declines stay', async () => {
    const id = idIn((await one.call()).error);
    await one.desk.enter(id, { key: secret });

    await two.call({ answeredSecrets: { id, answer: 'decline' }, input: { name: 'two' } });

    expect((await three.call()).output).toBe('done');
  });

  test('wait for an approval wherever the call came to, and are used with it once', async () => {
    for (const { desk } of [one, two, three]) {
      desk.stop();
    }
    const hosts = opened.replicas.map(replica => createHost(replica, 'safe')) as [Host, Host, Host];
    const id = idIn((await hosts[0].call()).error);
    await hosts[1].desk.enter(id, { key: secret });

    const pending = await hosts[2].call();
    nowMs += 300_000;
    book.decide('approved');
    const results = await Promise.all(hosts.map(host => host.call()));

    expect(pending.error?.name).toBe('ApprovalRequiredError');
    expect(results.filter(({ output }) => output === 'done')).toHaveLength(1);
    expect(ran).toHaveLength(1);
  });

  test('are counted together', async () => {
    for (let count = 0; count < 50; count += 1) {
      await [one, two, three][count % 3]?.call({ input: { name: `n-${count}` } });
    }

    expect((await two.call()).error).toBeInstanceOf(TooManyRequestsError);
  });

  test('are gone with the replica that held them, and asked for anew', async () => {
    const id = idIn((await one.call()).error);
    await two.desk.enter(id, { key: secret });

    await one.replica.close();

    expect(await two.desk.find(id)).toBeUndefined();
    expect(await two.desk.whenEntered(id, { signal: never, timeoutMs: 10_000 })).toBe(false);
    await expect(two.desk.enter(id, { key: secret })).rejects.toThrow(ConflictError);
    expect(idIn((await two.call()).error)).not.toBe(id);
    expect(ran).toEqual([]);
  });

  test('are read by nobody on their way', async () => {
    const client = createClient({ url: opened.redis.url });
    onTestFinished(() => void client.destroy());
    await client.connect();
    const seen: string[] = [];
    const last = deferred();
    await client.pSubscribe(`${opened.redis.prefix}*`, message => {
      seen.push(message);
      if (message === 'last') {
        last.resolve();
      }
    });

    const id = idIn((await one.call()).error);
    await two.desk.enter(id, { key: secret });
    expect((await three.call()).output).toBe('done');
    await opened.redis.command('PUBLISH', `${opened.redis.prefix}:end`, 'last');
    await last.promise;

    expect(seen.length).toBeGreaterThan(6);
    expect(seen.join('\n')).not.toMatch(/k-0123456789|vault|ada/);
  });
});

describeWithRedisServer('while replicas do not reach each other', () => {
  test('a call fails rather than have its secrets entered again, and finds them afterwards', async () => {
    const redis = await startRedis();
    const opened = await openReplicas(2, { redis, timing: { firstRetryMs: 10, maxRetryMs: 20 } });
    onTestFinished(() => opened.drop());
    const [one, two] = opened.replicas.map(replica => createHost(replica)) as [Host, Host];
    const id = idIn((await one.call()).error);
    await one.desk.enter(id, { key: secret });
    const returned = opened.replicas.map(({ redis }) => new Promise(resolve => redis.onReturn(resolve)));

    await redis.kill();
    const refused = await two.call();
    const notFound = two.desk.find(id);
    await expect(notFound).rejects.toThrow(ServiceUnavailableError);
    await redis.start();
    await Promise.all(returned);

    expect(refused.error).toBeInstanceOf(ServiceUnavailableError);
    expect((await two.call()).output).toBe('done');
  });
});

describe('a call whose secrets are here', () => {
  test('asks nobody else', async () => {
    const asked: string[] = [];
    const lone = {
      id: 'AAAAAAAAAAAA',
      redis: undefined,
      broadcast: async () => 0,
      onBroadcast: () => () => {},
      answer: () => () => {},
      ask: async () => null,
      askOthers: async (_topic: string, question: unknown) => {
        asked.push((question as { do: string }).do);
        return [];
      },
    };
    const host = createHost(lone as unknown as RedisReplicas);
    const id = idIn((await host.call()).error);
    await host.desk.enter(id, { key: secret });
    asked.length = 0;

    expect((await host.call()).output).toBe('done');
    expect(asked).toEqual([]);
  });
});
