import { expect, test } from 'vitest';
import { findConfigSecrets } from './configSecrets.js';

test('values under keys that name secrets are found, however deep', () => {
  const secrets = findConfigSecrets({
    app: { title: 'Callboard' },
    backend: {
      auth: { externalAccess: [{ type: 'static', options: { token: 'abc', subject: 'mcp' } }] },
      database: { connection: { host: 'db', user: 'app', password: 'def' } },
    },
    mail: { credentials: { user: 'ghi', apiKey: 'jkl' } },
  });

  expect(secrets).toEqual(['abc', 'def', 'ghi', 'jkl']);
});

test('passwords inside URLs are found', () => {
  expect(
    findConfigSecrets({ connection: 'postgresql://app:hush@db:5432/app', home: 'https://example.com:80/@a' }),
  ).toEqual(['hush']);
});

test('a configuration without secrets has none', () => {
  expect(findConfigSecrets(undefined)).toEqual([]);
  expect(findConfigSecrets({ backend: { baseUrl: 'http://localhost:7007', listen: { port: 7007 } } })).toEqual([]);
});
