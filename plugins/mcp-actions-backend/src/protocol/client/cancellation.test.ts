import { type ClientKind, clientKinds, connectClient, type Deferred, deferred } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createScriptPlugin } from '../../testing/scriptPlugin.js';
import { modern, startProbe } from '../../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let script: ReturnType<typeof createScriptPlugin>;
let started: Deferred<void>;
let aborted: Deferred<void>;
let failed: Deferred<unknown>;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  started = deferred();
  aborted = deferred();
  failed = deferred<unknown>();
  script = createScriptPlugin({
    async work({ signal }) {
      signal.addEventListener('abort', () => aborted.resolve());
      started.resolve();
      await aborted.promise;
      throw new Error('aborted');
    },
    async ask({ client, signal }) {
      signal.addEventListener('abort', () => aborted.resolve());
      await client.elicit({ message: 'Well?', schema: z.object({}) }).catch(failed.resolve);
      return {};
    },
  });
  app = await startProbe({
    features: [script.plugin],
    config: { backend: { actions: { pluginSources: ['script'] } } },
  });
  closers = [app.stop];
});
afterEach(async () => {
  for (const close of closers.reverse()) {
    await close();
  }
});

async function connect(kind: ClientKind, options: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const client = await connectClient({ url: app.url, token: app.token, kind, ...options });
  closers.push(client.close);
  return client;
}

describe.each(clientKinds)('a call of %s', kind => {
  it('that is cancelled reaches the signal of its handler', async () => {
    const cancelling = new AbortController();
    const client = await connect(kind);

    const call = client.callTool('script.work', {}, { signal: cancelling.signal });
    await started.promise;
    cancelling.abort();

    await expect(call).rejects.toThrow();
    await aborted.promise;
  });
});

describe.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)(
  'a call of the 2025 era that waits for its client, %s',
  kind => {
    it('ends when the client cancels it', async () => {
      const cancelling = new AbortController();
      const client = await connect(kind, {
        answer: () => {
          cancelling.abort();
          return new Promise(() => {});
        },
      });

      await expect(client.callTool('script.ask', {}, { signal: cancelling.signal })).rejects.toThrow();

      await aborted.promise;
      expect(await failed.promise).toBeInstanceOf(Error);
    });
  },
);

describe('a request whose connection is closed', () => {
  const post = (body: unknown, headers: Record<string, string>, signal: AbortSignal) =>
    fetch(app.url, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${app.token}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
      signal,
    });
  const params = { name: 'script.work', arguments: {} };

  it.each([
    [
      'of the 2025 era without a session',
      () => ({ body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers: {} }),
    ],
    ['of the 2026 era', () => modern('tools/call', params)],
  ])('%s is cancelled', async (_, make) => {
    const leaving = new AbortController();
    const { body, headers } = make();

    const left = post(body, headers, leaving.signal);
    await started.promise;
    leaving.abort();

    await expect(left).rejects.toThrow();
    await aborted.promise;
  });
});

it('a stream of HTTP+SSE that is closed takes its calls along', async () => {
  const client = await connect('v2-sse');
  const call = client.callTool('script.work');
  await started.promise;

  await client.close();

  await expect(call).rejects.toThrow();
  await aborted.promise;
});
