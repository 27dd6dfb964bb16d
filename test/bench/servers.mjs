/** What is measured: who hosts, and whose MCP plugin. Ratios are to the first. */
export const servers = [
  {
    id: 'upstream',
    title: 'upstream 0.2.2 in stock Backstage',
    host: '@backstage/backend-defaults',
    plugin: '@backstage/plugin-mcp-actions-backend',
  },
  {
    id: 'stock',
    title: 'Callboard in stock Backstage',
    host: '@backstage/backend-defaults',
    plugin: '@callboard/plugin-mcp-actions-backend',
  },
  {
    id: 'standalone',
    title: 'Callboard standalone',
    host: '@callboard/backend-defaults',
    plugin: '@callboard/plugin-mcp-actions-backend',
  },
];
