import { connectClient, deferred } from '@callboard/test-utils';
import { afterEach, expect, it } from 'vitest';
import { createScriptPlugin } from '../../testing/scriptPlugin.js';
import { startProbe } from '../../testing/startProbe.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) {
    await close();
  }
});

it.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)(
  'a call that is cancelled while a person is asked to approve it is no failure for the log, %s',
  async kind => {
    const script = createScriptPlugin({
      write: { effect: 'create', action: async () => ({}) },
      look: async () => ({}),
    });
    const app = await startProbe({
      features: [script.plugin],
      config: { backend: { actions: { pluginSources: ['script'], mode: 'safe' } } },
    });
    closers.push(app.stop);
    const asked = deferred<void>();
    const client = await connectClient({
      url: app.url,
      token: app.token,
      kind,
      answer: () => {
        asked.resolve();
        return new Promise<never>(() => {});
      },
    });
    closers.push(client.close);
    const cancelling = new AbortController();

    const call = client.callTool('script.write', {}, { signal: cancelling.signal });
    await asked.promise;
    cancelling.abort();
    await expect(call).rejects.toThrow();
    // What comes after it has been answered when this has.
    await client.callTool('script.look', {});

    expect(script.runs.write).toBeUndefined();
    expect(script.recorded[0]).toMatchObject({ decision: 'needs_approval_asked' });
    expect(app.logs.filter(({ level }) => level === 'error')).toEqual([]);
  },
);
