import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import { readAuthConfig } from './config.js';

test.each(['ops', 'read-2', 'read-', '2-read', 'a--b'])('an MCP server may have the key %s', key => {
  const config = new ConfigReader({ mcpActions: { servers: { [key]: { name: 'Ops' } } } });

  expect(readAuthConfig(config).mcpServers).toEqual([
    { key: undefined, name: 'backstage' },
    { key, name: 'Ops' },
  ]);
});
