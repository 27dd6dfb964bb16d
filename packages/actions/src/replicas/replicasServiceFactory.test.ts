import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import { describeOnRedis, freePort, openRedis } from '@callboard/test-utils';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTestBackend } from '../testing/startTestBackend.js';
import { LoneReplica } from './LoneReplica.js';
import { type Replicas, replicasServiceRef } from './Replicas.js';

/** Starts a backend without a plugin that keeps approvals. */
async function start(replicas?: { redis: string; prefix?: string; secret?: string }) {
  const given: Replicas[] = [];
  const plugin = createBackendPlugin({
    pluginId: 'asker',
    register(env) {
      env.registerInit({
        deps: { service: replicasServiceRef },
        init: async ({ service }) => void given.push(service),
      });
    },
  });
  const backend = await startTestBackend({
    features: [plugin],
    backendConfig: replicas && { actions: { replicas } },
  });
  onTestFinished(() => backend.stop());
  return { backend, replica: given[0] as Replicas };
}

test('a backend whose configuration names no Redis is on its own', async () => {
  expect((await start()).replica).toBeInstanceOf(LoneReplica);
});

test('a backend whose Redis cannot be reached does not start, and says where it was looked for', async () => {
  const port = await freePort();

  const starting = start({ redis: `redis://:hunter2@127.0.0.1:${port}` }).catch((error: Error) => error.message);

  const message = await starting;
  expect(message).toContain(`Redis at 127.0.0.1:${port} (backend.actions.replicas.redis) cannot be used`);
  expect(message).not.toContain('hunter2');
});

await describeOnRedis('backends that share a Redis', () => {
  test('reach each other by a secret', async () => {
    const { url, prefix, drop } = await openRedis();
    onTestFinished(drop);
    const shared = { redis: url, prefix, secret: 'the same in all of them, and long enough' };
    const [one, two] = [await start(shared), await start(shared)];
    two.replica.answer('greet', async () => 'hello');
    // A backend that has started joins the others without waiting for it.
    await vi.waitFor(() => expect([one, two].map(({ replica }) => replica.redis?.isReady)).toEqual([true, true]));

    expect(await one.replica.ask(two.replica.id, 'greet', null, { timeoutMs: 10_000 })).toBe('hello');
  });

  test('say what is missing where there is neither a secret nor a database for it', async () => {
    const { url, prefix, drop } = await openRedis();
    onTestFinished(drop);

    const { backend, replica } = await start({ redis: url, prefix });

    await vi.waitFor(() =>
      expect(backend.logs).toContainEqual(
        expect.objectContaining({
          level: 'error',
          error: expect.objectContaining({ message: expect.stringContaining('backend.actions.replicas.secret') }),
        }),
      ),
    );
    expect(replica.redis?.isReady).toBe(false);
    await expect(replica.redis?.seal('text', 'place')).rejects.toThrow(ServiceUnavailableError);
  });
});
