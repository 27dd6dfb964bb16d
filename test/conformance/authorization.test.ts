import { describeOnPostgres } from '@callboard/test-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shorthands } from '../../plugins/auth-backend/src/testing/startAuthApp.js';
import { startReplicas } from '../testing/startReplicas.js';
import { startWholeApp } from '../testing/startWholeApp.js';
import { runAuthorizationSuite } from './runAuthorizationSuite.js';

const clientId = 'conformance';
// Programs on this computer may listen on any port (RFC 8252 §7.3).
const auth = { clients: [{ clientId, name: 'Conformance suite', redirectUris: ['http://127.0.0.1/callback'] }] };

describe('the authorization server with SQLite', () => conformance(() => startWholeApp({ auth })));
await describeOnPostgres('two replicas of the authorization server with PostgreSQL', () =>
  conformance(() => startReplicas({ auth })),
);

function conformance(start: () => Promise<{ url: string; stop(): Promise<void> }>) {
  let app: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(() => app?.stop());

  it.each([
    ['2025-11-25', 'no MCP server'],
    ['2025-11-25', 'the MCP server'],
    ['2026-07-28', 'no MCP server'],
    ['2026-07-28', 'the MCP server'],
  ])('passes every check of %s for a client that names %s', async (specVersion, named) => {
    const issuer = `${app.url}/api/auth`;
    const resource = `${app.url}/api/mcp-actions/v1`;

    const result = await runAuthorizationSuite({
      issuer,
      clientId,
      specVersion,
      resource: named === 'the MCP server' ? resource : undefined,
      visit: shorthands(app.url, issuer, resource).approve,
    });

    expect(result.checks, result.output).toEqual([
      'authorization-code-grant: SUCCESS',
      'authorization-server-metadata-cimd: SUCCESS',
      'authorization-server-metadata: SUCCESS',
    ]);
    expect(result.exitCode, result.output).toBe(0);
  });
}
