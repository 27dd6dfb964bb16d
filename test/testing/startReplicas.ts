import { freePort, openPostgres, openRedis, type TestApp, type TestRedis } from '@callboard/test-utils';
import { startBalancer } from './startBalancer.js';
import { startWholeApp, type WholeAppOptions } from './startWholeApp.js';

/** One replica: a backend at an address that only the balancer and the test know. */
export interface Replica {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Two backends that share nothing but a database, and a Redis if they are to, behind one address. */
export interface Replicas {
  /** What clients and people see. */
  readonly url: string;
  readonly replicas: readonly [Replica, Replica];
  /** Keeps requests to the shared address from the others meanwhile. */
  only<T>(replicas: readonly Replica[], work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

type Backend = NonNullable<WholeAppOptions['backend']>;

/**
 * Starts them on a PostgreSQL database of their own, which `stop` drops.
 *
 * @param options.redis - through which they reach each other: this one, or any.
 * @param options.startApp - starts one of them, in place of the whole app with the example.
 */
export async function startReplicas(
  options: Pick<WholeAppOptions, 'auth'> & {
    redis?: TestRedis | true;
    startApp?: (options: { port: number; backend: Backend }) => Promise<Pick<TestApp, 'stop'>>;
  } = {},
): Promise<Replicas> {
  const { startApp = ({ port, backend }) => startWholeApp({ auth: options.auth, port, backend }) } = options;
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) {
      await close();
    }
  };
  try {
    const database = await openPostgres();
    closers.push(database.drop);
    const balancer = await startBalancer();
    closers.push(balancer.stop);
    const redis = options.redis === true ? await openRedis() : options.redis;
    if (options.redis === true && redis) {
      closers.push(redis.drop);
    }
    const actions: Backend = redis
      ? { replicas: { redis: redis.url, prefix: redis.prefix, secret: 'a secret of the replicas of a test' } }
      : {};

    const createReplica = async (): Promise<Replica> => {
      const port = await freePort();
      let app: Pick<TestApp, 'stop'> | undefined;
      const replica: Replica = {
        url: `http://localhost:${port}`,
        port,
        async start() {
          app = await startApp({
            port,
            backend: {
              actions,
              baseUrl: balancer.url,
              listen: { host: '127.0.0.1', port },
              database: { client: 'pg', connection: database.url, pluginDivisionMode: 'schema' },
            },
          });
          balancer.targets.push(port);
        },
        async stop() {
          balancer.targets = balancer.targets.filter(target => target !== port);
          await app?.stop();
          app = undefined;
        },
      };
      closers.push(replica.stop);
      // One after the other: Backstage's own migrations do not wait for each other.
      await replica.start();
      return replica;
    };
    return {
      url: balancer.url,
      replicas: [await createReplica(), await createReplica()],
      async only(replicas, work) {
        const { targets } = balancer;
        balancer.targets = replicas.map(({ port }) => port);
        try {
          return await work();
        } finally {
          balancer.targets = targets;
        }
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
