import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { actionsRegistryServiceRef } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { type ConnectedClient, connectClient, startTestApp, type TestApp } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isFiller, stem, wordsOf } from '../plugins/mcp-actions-backend/src/discovery/searchWords.js';
import { exampleTitles } from './testing/portal/examples.js';
import { furtherQueries, plainQueries } from './testing/portal/plainQueries.js';
import { portalActions, portalPluginIds } from './testing/portal/portalActions.js';
import { portalVocabulary } from './testing/portal/vocabulary.js';

const TOP = 3;
const RIGHT_AT_LEAST = 45;
const FURTHER_RIGHT_AT_LEAST = 33;
/** What a token has, roughly, in the JSON of tool definitions. */
const CHARACTERS_PER_TOKEN = 3.5;
const MOST_TOKENS = 2_000;

interface Found {
  tools: { name: string; title: string; description: string; effect: string; approval: string }[];
  total: number;
}

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({
    features: [
      mcpFeatures,
      ...portalVocabulary.map(vocabulary =>
        createBackendPlugin({
          pluginId: vocabulary.id,
          register(env) {
            env.registerInit({
              deps: { registry: actionsRegistryServiceRef },
              async init({ registry }) {
                for (const action of portalActions(vocabulary)) {
                  registry.register(action);
                }
              },
            });
          },
        }),
      ),
    ],
    config: {
      backend: { actions: { pluginSources: portalPluginIds } },
      mcpActions: {
        servers: {
          search: { name: 'Portal', discovery: 'search', maxOutputCharacters: 20_000 },
          few: {
            name: 'Some',
            discovery: 'search',
            filter: { include: [{ id: 'dns:*' }] },
            maxOutputCharacters: 20_000,
          },
        },
      },
    },
  });
});
afterAll(() => app?.stop());

async function withClient<T>(
  server: string,
  kind: 'v2-legacy' | 'v2-modern',
  use: (client: ConnectedClient) => Promise<T>,
) {
  const client = await connectClient({ url: `${app.url}/api/mcp-actions/v1/${server}`, token: app.token, kind });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

const search = async (client: ConnectedClient, query: string, limit = 20) =>
  (await client.callTool('search_tools', { query, limit })).structuredContent as unknown as Found;

interface Row {
  query: string;
  right: string[];
  /** From 1; 0 if it is not among those that were found. */
  place: number;
  first: string[];
}

async function rank(
  client: ConnectedClient,
  queries: readonly (readonly [query: string, ...right: string[]])[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [query, ...right] of queries) {
    const { tools } = await search(client, query);
    const place = tools.findIndex(({ name }) => right.includes(name)) + 1;
    rows.push({ query, right, place, first: tools.slice(0, TOP).map(({ name }) => name) });
  }
  return rows;
}

const isAmongFirst = ({ place }: Row) => place > 0 && place <= TOP;

const tableOf = (rows: readonly Row[]) =>
  rows
    .map(({ query, right, place, first }) =>
      [String(place || '-').padStart(2), query, `expected ${right.join(' or ')}`, `first ${first.join(', ')}`].join(
        ' | ',
      ),
    )
    .join('\n');

describe('a catalogue of 1,000 actions', () => {
  it('has 1,000 actions that say different things', () => {
    const actions = portalVocabulary.flatMap(vocabulary =>
      portalActions(vocabulary).map(action => ({ id: `${vocabulary.id}:${action.name}`, ...action })),
    );

    expect(actions).toHaveLength(1_000);
    for (const key of ['id', 'title', 'description'] as const) {
      expect(new Set(actions.map(action => action[key])).size, key).toBe(1_000);
    }
    expect(plainQueries).toHaveLength(50);
    const names = new Set(actions.map(({ id }) => id.replace(':', '.')));
    expect(plainQueries.flatMap(([, ...right]) => right).filter(name => !names.has(name))).toEqual([]);
  });

  it(`is listed in under ${MOST_TOKENS} tokens, which do not grow with it`, async () => {
    const tools = await withClient('search', 'v2-modern', client => client.listTools());
    const fewer = await withClient('few', 'v2-modern', client => client.listTools());
    const tokens = Math.ceil(JSON.stringify(tools).length / CHARACTERS_PER_TOKEN);

    console.info(`tools/list of 1,000 actions: ${JSON.stringify(tools).length} characters, about ${tokens} tokens`);
    expect(tools.map(({ name }) => name)).toEqual(['call_tool', 'describe_tool', 'read_output', 'search_tools']);
    expect(tokens).toBeLessThan(MOST_TOKENS);
    expect(fewer).toEqual(tools);
  });

  it('has examples that take no words from the questions which they answer', () => {
    const termsOf = (text: string) =>
      wordsOf(text)
        .filter(word => !isFiller(word))
        .map(stem);
    const borrowed = plainQueries.flatMap(([query, ...right]) =>
      right.flatMap(name => {
        const [pluginId, actionName] = name.split('.');
        const own = portalVocabulary
          .find(({ id }) => id === pluginId)
          ?.actions.find(([ownName]) => ownName === actionName);
        const said = termsOf(own ? [name, own[1], own[2]].join(' ') : '');
        const example = termsOf(exampleTitles[name.replace('.', ':')] ?? '');
        return termsOf(query).filter(term => example.includes(term) && !said.includes(term));
      }),
    );

    expect(borrowed).toEqual([]);
  });

  it(`is searched in plain language: ${RIGHT_AT_LEAST} of 50 questions have a right tool among the first ${TOP}, which can be described and called`, async () => {
    const rows = await withClient('search', 'v2-modern', client => rank(client, plainQueries));

    const found = rows.filter(isAmongFirst);
    console.info(`Of 50 questions ${found.length} have a right tool among the first ${TOP}`);
    expect(found.length, tableOf(rows)).toBeGreaterThanOrEqual(RIGHT_AT_LEAST);
    await withClient('search', 'v2-legacy', async client => {
      for (const { right, place, first } of found) {
        const name = first[place - 1] as string;
        const described = await client.callTool('describe_tool', { name });
        const called = await client.callTool('call_tool', { name, arguments: {} });

        expect(right).toContain(name);
        expect(described.structuredContent).toMatchObject({ name, inputSchema: { type: 'object' } });
        expect(called.structuredContent).toEqual({ called: name.slice(name.indexOf('.') + 1), with: {} });
      }
    });
  });

  it(`answers ${FURTHER_RIGHT_AT_LEAST} of 45 further questions as well`, async () => {
    const rows = await withClient('search', 'v2-modern', client => rank(client, furtherQueries));

    const found = rows.filter(isAmongFirst);
    console.info(`Of 45 further questions ${found.length} have a right tool among the first ${TOP}`);
    expect(found.length, tableOf(rows)).toBeGreaterThanOrEqual(FURTHER_RIGHT_AT_LEAST);
  });
});
