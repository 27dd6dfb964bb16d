import { ConfigReader } from '@backstage/config';
import { expect, test } from 'vitest';
import { findMisspelledKeys } from './misspelledKeys.js';

test.each([
  [{ mcpAction: { name: 'x' } }, 'mcpAction: there is no such key; did you mean mcpActions?'],
  [{ MCPactions: {} }, 'MCPactions: there is no such key; did you mean mcpActions?'],
  [{ backend: { databse: {} } }, 'backend.databse: there is no such key; did you mean backend.database?'],
  [
    { backend: { auth: { externalAcess: [] } } },
    'backend.auth.externalAcess: there is no such key; did you mean backend.auth.externalAccess?',
  ],
])('%j is told with what was meant', (config, mistake) => {
  expect(findMisspelledKeys(new ConfigReader(config as never))).toEqual([mistake]);
});

test('sections of other plugins are left alone', () => {
  const config = new ConfigReader({
    jenkins: {},
    todo: {},
    aws: {},
    ai: {},
    mcp: {},
    api: {},
    backend: { baseUrl: 'http://localhost', myExtension: {} },
  });

  expect(findMisspelledKeys(config)).toEqual([]);
});
