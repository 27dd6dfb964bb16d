import { expect, test } from 'vitest';
import { type BannerFacts, renderBanner } from './banner.js';

test('the first screen tells URLs, actions, where data is, and how to connect', () => {
  const banner = renderBanner(
    facts({
      notes: [
        { title: 'MCP', lines: ['http://localhost:7007/api/mcp-actions/v1'] },
        { title: 'Sign-in', lines: ['guest'] },
        { title: 'MCP', lines: ['http://localhost:7007/api/mcp-actions/v1/reading'] },
      ],
    }),
  );

  expect(banner).toBe(`
Callboard 1.2.3 is ready in 640 ms

MCP
  http://localhost:7007/api/mcp-actions/v1
  http://localhost:7007/api/mcp-actions/v1/reading

Sign-in
  guest

Actions
  todo  2 actions

Data
  SQLite files in /srv/data

Configuration for MCP clients (the token is good until the server stops)
  {
    "mcpServers": {
      "callboard": {
        "url": "http://localhost:7007/api/mcp-actions/v1",
        "headers": {
          "Authorization": "Bearer a-token-for-this-run"
        }
      }
    }
  }

`);
});

test('what is refused, not published, or expected from elsewhere is told beside what is there', () => {
  const banner = renderBanner(
    facts({
      contributions: [
        {
          pluginId: 'catalog',
          actionIds: ['catalog:get'],
          refused: [{ id: 'catalog:odd', reason: 'its input schema is not an object' }],
        },
        { pluginId: 'todo', actionIds: ['todo:a', 'todo:b'], refused: [] },
      ],
      pluginSources: ['catalog', 'search'],
    }),
  );

  expect(banner).toContain(`
Actions
  catalog  1 action
           refused catalog:odd: its input schema is not an object
  todo     2 actions, not published: it is not in backend.actions.pluginSources
  search   none here; another backend is asked for them
`);
});

test('a backend without actions says so', () => {
  const banner = renderBanner(facts({ contributions: [], pluginSources: [] }));

  expect(banner).toContain('Actions\n  none: no plugin has registered any\n');
});

test('configured tokens are not shown', () => {
  const banner = renderBanner(facts({ generatedToken: undefined }));

  expect(banner).toContain('"Authorization": "Bearer ${MCP_TOKEN}"');
  expect(banner).toContain('MCP_TOKEN stands for a token of backend.auth.externalAccess');
});

test('warnings come last', () => {
  const banner = renderBanner(facts({ warnings: ['the port is another'] }));

  expect(banner).toMatch(/\nLook at this\n {2}the port is another\n\n$/);
});

test('titles stand out on terminals, and nothing but titles changes', () => {
  const plain = renderBanner(facts({}));
  const colourful = renderBanner(facts({}), { colours: true });

  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes that terminals understand.
  const codes = /\u001b\[\d+m/g;
  expect(plain).not.toMatch(codes);
  expect(colourful).toMatch(codes);
  expect(colourful.replace(codes, '')).toBe(plain);
});

function facts(changes: Partial<BannerFacts>): BannerFacts {
  return {
    version: '1.2.3',
    readyAfterMs: 640.3,
    notes: [],
    contributions: [{ pluginId: 'todo', actionIds: ['todo:a', 'todo:b'], refused: [] }],
    pluginSources: ['todo'],
    dataPlace: 'SQLite files in /srv/data',
    mcpUrl: 'http://localhost:7007/api/mcp-actions/v1',
    generatedToken: 'a-token-for-this-run',
    warnings: [],
    ...changes,
  };
}
