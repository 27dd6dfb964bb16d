import { setTimeout } from 'node:timers/promises';
import type { JsonObject } from '@backstage/types';
import type { RegisteredResource } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type Answering,
  type ConnectedClient,
  clientKinds,
  connectClient,
  deferred,
  describeOnPostgres,
  describeOnRedis,
  type LogMessage,
  startTestApp,
} from '@callboard/test-utils';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { createLibraryPlugin } from '../plugins/mcp-actions-backend/src/testing/libraryPlugin.js';
import { createScriptPlugin } from '../plugins/mcp-actions-backend/src/testing/scriptPlugin.js';
import { type Replicas, startReplicas } from './testing/startReplicas.js';

const TOKEN = 'token-of-ada-0123456789';
const NEWS = 'test://news';

/** What the test sees of one replica. */
interface Seen {
  readonly library: ReturnType<typeof createLibraryPlugin>;
  news?: RegisteredResource;
  /** The calls that ran there. */
  readonly runs: string[];
  readonly aborted: ReturnType<typeof deferred<void>>;
}

function createScripts(runs: string[], aborted: Seen['aborted']) {
  return createScriptPlugin({
    async where({ input }) {
      runs.push(String(input.name));
      return {};
    },
    async ask({ client }) {
      const { content } = await client.elicit({ message: 'Your name?', schema: z.object({ name: z.string() }) });
      const { idea, folders } = await client.ask({
        idea: {
          method: 'sampling/createMessage',
          params: { messages: [{ role: 'user', content: { type: 'text', text: 'Think' } }], maxTokens: 10 },
        },
        folders: { method: 'roots/list' },
      });
      return { name: content?.name ?? null, idea, folders } as never;
    },
    async tell({ client }) {
      for (let progress = 1; progress <= 3; progress += 1) {
        client.reportProgress({ progress, total: 3 });
        client.log('debug', progress);
        client.log('warning', progress);
        // Clients of the SDKs lose what comes in one packet with the answer.
        await setTimeout(60);
      }
      return {};
    },
    async wait({ signal }) {
      runs.push('wait');
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve();
          reject(signal.reason);
        });
      });
    },
  });
}

await describeOnPostgres('a client that reaches another replica with each request', () =>
  describeOnRedis('of those that share a Redis', () => {
    let shared: Replicas;
    let url: string;
    const seen: Seen[] = [];
    const clients: ConnectedClient[] = [];

    beforeAll(async () => {
      shared = await startReplicas({
        redis: true,
        startApp: ({ port, backend }) => {
          const library = createLibraryPlugin();
          const runs: string[] = [];
          const aborted = deferred<void>();
          seen.push({ library, runs, aborted });
          return startTestApp({
            port,
            features: [mcpFeatures, createScripts(runs, aborted).plugin, ...library.features] as never,
            config: {
              backend: {
                ...backend,
                actions: { ...(backend.actions as JsonObject), pluginSources: ['script', 'library'] },
                auth: {
                  externalAccess: [{ type: 'static', options: { token: TOKEN, subject: 'ada' } }],
                },
              },
            },
          });
        },
      });
      for (const replica of seen) {
        const { resources } = replica.library;
        const texts = { name: 'news', title: 'News', description: 'News' };
        replica.news = resources.register({ ...texts, uri: NEWS, read: async () => ({ text: 'x' }) });
      }
      url = `${shared.url}/api/mcp-actions/v1`;
    });
    afterAll(() => shared?.stop());
    afterEach(async () => {
      await Promise.all(clients.splice(0).map(client => client.close()));
      for (const { runs } of seen) {
        runs.splice(0);
      }
    });

    async function connect(options: Omit<Parameters<typeof connectClient>[0], 'url' | 'token'>) {
      const client = await connectClient({ url, token: TOKEN, ...options });
      clients.push(client);
      return client;
    }

    describe.each(clientKinds)('the client %s', kind => {
      it('is served by all of them', async () => {
        const client = await connect({ kind });
        const tools = await client.listTools();

        for (let number = 0; number < 6; number += 1) {
          await client.callTool('script.where', { name: `${number}` });
        }

        expect(tools.map(({ name }) => name)).toContain('script.where');
        expect(seen.flatMap(({ runs }) => runs).sort()).toEqual(['0', '1', '2', '3', '4', '5']);
        expect(seen.map(({ runs }) => runs.length > 0)).toEqual([true, true]);
      });

      it('is asked by its calls, and its answers reach them', async () => {
        const answer: Answering = async () => ({ action: 'accept', content: { name: 'Ada' } });
        const idea = { role: 'assistant', content: { type: 'text', text: 'Done' }, model: 'test' };
        const client = await connect({ kind, answer, sample: () => idea, roots: ['file:///work'] });

        const results = [await client.callTool('script.ask'), await client.callTool('script.ask')];

        for (const { structuredContent } of results) {
          expect(structuredContent).toMatchObject({
            name: 'Ada',
            idea: { content: { text: 'Done' } },
            folders: { roots: [{ uri: 'file:///work' }] },
          });
        }
      });

      it('hears of progress, and what its calls log from the level on that it has set', async () => {
        const logs: LogMessage[] = [];
        const client = await connect({ kind, onLog: message => void logs.push(message), logLevel: 'warning' });
        const progress: number[] = [];

        for (let calls = 0; calls < 2; calls += 1) {
          await client.callTool('script.tell', {}, { onProgress: told => void progress.push(told.progress) });
        }

        expect(progress.filter(told => told === 1)).toHaveLength(2);
        expect(new Set(logs.map(({ level }) => level))).toEqual(new Set(['warning']));
      });

      it('cancels its calls', async () => {
        const client = await connect({ kind });
        const controller = new AbortController();

        const call = client.callTool('script.wait', {}, { signal: controller.signal }).catch(error => error);
        const runner = await vi.waitFor(() => {
          const found = seen.find(({ runs }) => runs.includes('wait'));
          expect(found).toBeDefined();
          return found as Seen;
        });
        controller.abort();

        expect(await call).toBeInstanceOf(Error);
        await runner.aborted.promise;
      });

      it('hears of resources that change at any of them', async () => {
        const client = await connect({ kind });
        const heard: string[] = [];
        const raw = client.raw as never as {
          setNotificationHandler(schema: unknown, handler: (message: { params: { uri: string } }) => void): void;
          subscribeResource(params: { uri: string }): Promise<unknown>;
          listen(filter: object): Promise<unknown>;
        };
        raw.setNotificationHandler(
          kind.startsWith('sdk-v1') ? ResourceUpdatedNotificationSchema : 'notifications/resources/updated',
          ({ params }) => void heard.push(params.uri),
        );
        if (client.era === 'modern') {
          await raw.listen({ resourceSubscriptions: [NEWS] });
        } else {
          await raw.subscribeResource({ uri: NEWS });
        }

        for (const { news } of seen) {
          const before = heard.length;
          // The client does not wait for the stream on which it hears.
          await vi.waitFor(() => {
            news?.updated();
            expect(heard.length).toBeGreaterThan(before);
          });
        }

        expect(new Set(heard)).toEqual(new Set([NEWS]));
      });
    });
  }),
);
