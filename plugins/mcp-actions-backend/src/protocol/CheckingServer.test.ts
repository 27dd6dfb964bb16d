import type { JsonObject } from '@backstage/types';
import { afterEach, expect, it } from 'vitest';
import { createLibraryPlugin } from '../testing/libraryPlugin.js';
import { modern, startProbe } from '../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
afterEach(() => app.stop());

it.each<[string, JsonObject]>([
  ['tools/call', { name: 'probe.echo', arguments: [] }],
  ['tools/list', { cursor: 5 }],
  ['prompts/get', { name: 'library.recommend', arguments: { count: 3 } }],
  ['resources/read', { uri: 5 }],
  ['resources/read', {}],
  ['completion/complete', { ref: { type: 'ref/prompt' } }],
])('parameters that are not what the protocol says are invalid, in both eras: %s, %o', async (method, params) => {
  app = await startProbe({
    features: createLibraryPlugin().features,
    config: { backend: { actions: { pluginSources: ['library', 'probe'] } } },
  });
  const { body, headers } = modern(method, params);

  const [legacy, inRounds] = [await app.request(method, params), await app.send(body, { headers })];

  expect(legacy.json.error).toMatchObject({ code: -32602, message: expect.stringMatching(/^Invalid .+ request: /) });
  expect(inRounds.json.error.code).toBe(-32602);
  expect(app.logs.filter(({ level }) => level === 'error')).toEqual([]);
});
