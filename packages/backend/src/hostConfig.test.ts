import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actionsConfigSection } from '@callboard/actions';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadHostConfig } from './hostConfig.js';

let rootDir: string;

beforeEach(() => {
  rootDir = mkdtempSync(join(tmpdir(), 'host-config-'));
});

afterEach(() => rmSync(rootDir, { recursive: true, force: true }));

const load = (yaml: string, env: Record<string, string> = {}) => {
  writeFileSync(join(rootDir, 'app-config.yaml'), yaml);
  return loadHostConfig({ rootDir, argv: [], env, sections: [actionsConfigSection] });
};

const withMode = `
backend:
  baseUrl: http://localhost:7007
  listen: { host: 127.0.0.1, port: 7007 }
  actions:
    mode: \${CALLBOARD_MODE}
    callers:
      - principal: "*"
        mode: strict-\${CALLER_MODE}
other: \${NOT_OURS}
`;

test('a variable that is not set is a mistake where a weaker rule would come of it', async () => {
  const failure = await load(withMode).catch(String);

  expect(failure).toContain('backend.actions.mode: the environment variable CALLBOARD_MODE is not set');
  expect(failure).toContain('backend.actions.callers[0].mode: the environment variable CALLER_MODE is not set');
  expect(failure).not.toContain('NOT_OURS');
});

test('a variable that is set is read, and elsewhere one that is not is left out, as Backstage does', async () => {
  const { config } = await load(withMode.replace('strict-${CALLER_MODE}', 'read_only'), {
    CALLBOARD_MODE: 'delete_safe',
  });

  expect(config.getString('backend.actions.mode')).toBe('delete_safe');
  expect(config.has('other')).toBe(false);
});

test('so is one without which the server would be at another address, or on another database', async () => {
  const failure = await load(`
backend:
  baseUrl: \${URL}
  listen: { host: "\${HOST}", port: 7007 }
  database: { client: pg, connection: { host: "\${DATABASE}" } }
`).catch(String);

  expect(failure).toContain('backend.baseUrl: the environment variable URL is not set');
  expect(failure).toContain('backend.listen.host: the environment variable HOST is not set');
  expect(failure).toContain('backend.database.connection.host: the environment variable DATABASE is not set');
});
