import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef, type ContentBlock } from '@callboard/actions-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { startProbe } from '../testing/startProbe.js';

const BUDGET = 2_000;
const TEXT: ContentBlock = { type: 'text', text: 't'.repeat(3_000), annotations: { audience: ['user'] } };
const IMAGE: ContentBlock = { type: 'image', data: 'A'.repeat(4_000), mimeType: 'image/png' };
const LINK: ContentBlock = { type: 'resource_link', uri: 'https://example.org/report', name: 'report' };
const BLOCKS: Record<string, ContentBlock[]> = {
  image: [IMAGE],
  'image between texts': [TEXT, IMAGE, TEXT],
  'text and link': [TEXT, LINK],
};

const papers = createBackendPlugin({
  pluginId: 'papers',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef },
      async init({ registry }) {
        registry.register({
          name: 'content',
          title: 'Content',
          description: 'Puts out blocks of content',
          schema: { input: z.object({ of: z.string() }), output: z.object({ done: z.boolean() }) },
          attributes: { readOnly: true },
          action: async ({ input }) => ({ output: { done: true }, content: BLOCKS[input.of] ?? [] }),
        });
        registry.register({
          name: 'picky',
          title: 'Picky',
          description: 'Has a check of its output that fails on a list that was cut',
          schema: {
            input: z.object({}),
            output: z
              .object({ rows: z.array(z.object({ id: z.int() })) })
              .refine(({ rows }) => (rows[999] as { id: number }).id > 0),
          },
          attributes: { readOnly: true },
          action: async () => ({
            output: { rows: Array.from({ length: 1_000 }, (_, id) => ({ id })) },
            content: [LINK],
          }),
        });
      },
    });
  },
});

let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe({
    features: [papers],
    config: {
      backend: { actions: { pluginSources: ['papers'] } },
      mcpActions: { maxOutputCharacters: BUDGET },
    },
  });
});
afterAll(() => app.stop());

const resultOf = async (name: string, args = {}) => (await app.call(`papers.${name}`, args)).json.result;
const noteOf = (result: { _meta: Record<string, { uri: string; cursor?: string }> }) =>
  result._meta['callboard/output'] as { uri: string; cursor?: string };

describe('content that a result lacks', () => {
  it('has no cursor where only bytes are missing, which are behind the link', async () => {
    const result = await resultOf('content', { of: 'image' });

    expect(noteOf(result).cursor).toBeUndefined();
    expect(result.content.at(-2).text).toContain('Read the resource callboard://outputs/');
    expect(result.content.at(-2).text).not.toContain('read_output');
  });

  it('can be read on past bytes, to the end of the last text', async () => {
    const result = await resultOf('content', { of: 'image between texts' });

    const paths = new Set<string>();
    for (let { cursor } = noteOf(result); cursor !== undefined; ) {
      const { json } = await app.call('read_output', { cursor });
      expect(json.error).toBeUndefined();
      paths.add(json.result.structuredContent.path);
      cursor = json.result.structuredContent.nextCursor;
    }

    expect([...paths]).toEqual(['content/0', 'content/2']);
  });

  it('has its links, too, in the whole', async () => {
    const { uri } = noteOf(await resultOf('content', { of: 'text and link' }));

    const { json } = await app.request('resources/read', { uri });

    expect(JSON.parse(json.result.contents.at(-1).text)).toEqual(LINK);
  });

  it('is for whom the whole text is, where it is shortened', async () => {
    const { content } = await resultOf('content', { of: 'text and link' });

    expect(content[0]).toMatchObject({ text: expect.stringMatching(/^t+…$/), annotations: { audience: ['user'] } });
  });
});

it('takes a check that fails on a cut output for a no, and keeps the content', async () => {
  const result = await resultOf('picky');

  expect(result).toMatchObject({ isError: true, content: [{ type: 'text' }, { type: 'resource_link' }, LINK] });
  expect(result.content[0].text).toContain('The action has run.');
});
