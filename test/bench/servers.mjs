/**
 * What is measured. `eras` says which protocols a server speaks; a host reads its configuration from a file.
 *
 * @typedef {object} ServerUnderTest
 * @property {string} id
 * @property {string} title
 * @property {string} program What its process runs, from `server.mjs`.
 * @property {string} path Of its MCP endpoint.
 * @property {boolean} hosted Whether it is a Backstage backend, with authentication.
 * @property {string[]} eras
 * @property {string[]} [nodeOptions] Those that its users start it with.
 */

const both = ['2025', '2026'];
const mcpPath = '/api/mcp-actions/v1';

/** @type {ServerUnderTest[]} */
export const servers = [
  {
    id: 'ceiling',
    title: 'bare node:http, JSON.parse and zod',
    program: './servers/ceiling.mjs',
    path: '/mcp',
    hosted: false,
    eras: both,
  },
  {
    id: 'standalone',
    title: 'Callboard standalone',
    program: './servers/standalone.mjs',
    // As in the container file.
    nodeOptions: ['--no-allocation-site-pretenuring'],
    path: mcpPath,
    hosted: true,
    eras: both,
  },
  {
    id: 'stock',
    title: 'Callboard in stock Backstage',
    program: './servers/stock.mjs',
    path: mcpPath,
    hosted: true,
    eras: both,
  },
  {
    id: 'sdk-v2',
    title: 'MCP SDK v2, createMcpHandler',
    program: './servers/sdkV2.mjs',
    path: '/mcp',
    hosted: false,
    eras: both,
  },
  {
    id: 'sdk-v1',
    title: 'MCP SDK v1, low-level Server',
    program: './servers/sdkV1.mjs',
    path: '/mcp',
    hosted: false,
    eras: ['2025'],
  },
  {
    id: 'fastmcp',
    title: 'fastmcp',
    program: './servers/fastmcp.mjs',
    path: '/mcp',
    hosted: false,
    eras: ['2025'],
  },
  {
    id: 'upstream',
    title: 'upstream 0.2.2 in stock Backstage',
    program: './servers/upstream.mjs',
    path: mcpPath,
    hosted: true,
    eras: ['2025'],
  },
];

/** @returns {ServerUnderTest} */
export function getServer(id) {
  const server = servers.find(candidate => candidate.id === id);
  if (!server) {
    throw new Error(`There is no server ${id}; expected one of ${servers.map(({ id }) => id).join(', ')}`);
  }
  return server;
}
