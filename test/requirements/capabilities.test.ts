import type { JsonObject } from '@backstage/types';
import { expect, it } from 'vitest';
import { createScriptPlugin } from '../../plugins/mcp-actions-backend/src/testing/scriptPlugin.js';
import { request, startSpecServer } from './testing/startSpecServer.js';

it('sampling with tools needs a client that says so', async () => {
  const messages = [{ role: 'user', content: { type: 'text', text: 'What is the weather?' } }];
  const tools = [{ name: 'weather', inputSchema: { type: 'object' } }];
  const { plugin } = createScriptPlugin({
    sample: async ({ client }) => {
      await client.ask({ answer: { method: 'sampling/createMessage', params: { messages, maxTokens: 9, tools } } });
      return {};
    },
  });
  const app = await startSpecServer({ features: [plugin], pluginSources: ['script'] });
  const askedOf = async (capabilities: JsonObject) => {
    const session = await app.openSession(capabilities);
    const stream = await session.call('script.sample');
    const asked = (await stream.nextMessage()).json;
    await session.send(request('last', 'ping'));
    const modern = await app.ask(
      '2026-07-28',
      'tools/call',
      { name: 'script.sample', arguments: {} },
      { capabilities },
    );
    return { method: asked.method, resultType: modern.json.result?.resultType, refusal: modern.json.error };
  };

  const withTools = await askedOf({ sampling: { tools: {} } });
  const without = await askedOf({ sampling: {} });

  expect(withTools).toEqual({ method: 'sampling/createMessage', resultType: 'input_required', refusal: undefined });
  expect([without.method, without.resultType]).toEqual([undefined, undefined]);
  expect(without.refusal).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: { tools: {} } } } });
  await app.stop();
});
