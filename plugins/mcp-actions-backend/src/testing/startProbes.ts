import { createBackendPlugin } from '@backstage/backend-plugin-api';
import type { JsonObject } from '@backstage/types';
import { type RedisReplicas, type Replicas, replicasServiceRef } from '@callboard/actions';
import { openRedis, type TestRedis } from '@callboard/test-utils';
import { openEventStream } from './openEventStream.js';
import { type Answer, backendOfTwo, initialize, type SendOptions, startProbe, TOKENS } from './startProbe.js';

export interface Probe extends Awaited<ReturnType<typeof startProbe>> {
  /** As if it were killed, for the others: they do not reach it any more, and it tells them nothing. */
  cutOff(): Promise<void>;
}

/** Backends of one deployment, which share nothing but a Redis. */
export interface Probes {
  readonly probes: readonly Probe[];
  readonly redis: TestRedis;
  /** Opens a session at one of them. */
  openSession(options?: SessionOptions): Promise<ProbeSession>;
  /** Starts one more. */
  add(): Promise<Probe>;
  stop(): Promise<void>;
}

export interface SessionOptions {
  /** Where it is opened. */
  at?: number;
  token?: string;
  version?: string;
  capabilities?: JsonObject;
}

type Stream = Awaited<ReturnType<typeof openEventStream>>;

/** A session, whose requests go where the test says. */
export interface ProbeSession {
  readonly id: string;
  readonly headers: Record<string, string>;
  send(at: number, body: unknown, options?: Pick<SendOptions, 'method' | 'token' | 'path'>): Promise<Answer>;
  /** The stream of a request that is not answered at once. */
  call(at: number, name: string, options?: { args?: object; id?: number | string }): Promise<Stream>;
  /** The stream of the session, or one that was lost. */
  listen(at: number, lastEventId?: string): Promise<Stream>;
}

/**
 * @param options.features - of each of them.
 * @param options.redis - this one, or any.
 */
export async function startProbes(
  count: number,
  options: { features?: (index: number) => unknown[]; config?: JsonObject; redis?: TestRedis } = {},
): Promise<Probes> {
  const redis = options.redis ?? (await openRedis());
  const probes: Probe[] = [];
  const streams: Stream[] = [];
  const { backend, ...config } = options.config ?? {};
  const add = async () => {
    let replicas: Replicas | undefined;
    const spy = createBackendPlugin({
      pluginId: 'spy',
      register(env) {
        env.registerInit({
          deps: { service: replicasServiceRef },
          async init({ service }) {
            replicas = service;
          },
        });
      },
    });
    const started = await startProbe({
      features: [spy, ...(options.features?.(probes.length) ?? [])],
      config: {
        ...config,
        backend: {
          ...backendOfTwo,
          actions: {
            ...backendOfTwo.actions,
            ...(backend as JsonObject | undefined),
            replicas: { redis: redis.url, prefix: redis.prefix, secret: 'a secret of the replicas of a test' },
          },
        },
      },
    });
    const probe = { ...started, cutOff: async () => (replicas as RedisReplicas).close() };
    probes.push(probe);
    return probe;
  };
  for (let started = 0; started < count; started += 1) {
    await add();
  }
  const at = (index: number) => probes[index] as Probe;
  return {
    probes,
    redis,
    add,
    async openSession({ at: first = 0, token = TOKENS.ada, version = '2025-11-25', capabilities = {} } = {}) {
      const opened = await at(first).send(initialize(version, capabilities), { token });
      const id = opened.headers.get('mcp-session-id') as string;
      const headers = { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': version };
      const open = async (index: number, init: RequestInit) => {
        const stream = await openEventStream(at(index).url, {
          ...init,
          headers: {
            Authorization: `Bearer ${token}`,
            Accept: 'application/json, text/event-stream',
            ...headers,
            ...(init.headers as Record<string, string>),
          },
        });
        streams.push(stream);
        return stream;
      };
      return {
        id,
        headers,
        send: (index, body, rest) => at(index).send(body, { token, headers, ...rest }),
        call: (index, name, { args = {}, id: messageId = 1 } = {}) =>
          open(index, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({
              jsonrpc: '2.0',
              id: messageId,
              method: 'tools/call',
              params: { name, arguments: args, _meta: { progressToken: messageId } },
            }),
          }),
        listen: (index, lastEventId) =>
          open(index, { headers: lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId } }),
      };
    },
    async stop() {
      for (const stream of streams) {
        stream.close();
      }
      await Promise.all(probes.map(probe => probe.stop()));
      await redis.drop();
    },
  };
}
