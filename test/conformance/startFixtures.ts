import { readFileSync } from 'node:fs';
import type { JsonObject } from '@backstage/types';
import { configSectionFeature } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import fixturesPlugin from '@callboard/test-conformance-fixtures';
import { startTestApp, type TestApp } from '@callboard/test-utils';
import { parse } from 'yaml';
import { authConfigSection } from '../../plugins/auth-backend/src/config.js';
import { createAuthPlugin } from '../../plugins/auth-backend/src/plugin.js';

/** Where a host serves the fixtures. */
export const fixturesPath = '/api/mcp-actions/v1/conformance';

/** Starts the standalone server with the fixtures; the guest may sign in, and clients may register themselves. */
export function startFixtures(): Promise<TestApp> {
  const config: JsonObject = parse(readFileSync(new URL('app-config.fixtures.yaml', import.meta.url), 'utf8'));
  return startTestApp({
    features: [configSectionFeature(authConfigSection), createAuthPlugin(), mcpFeatures, fixturesPlugin],
    config: {
      ...config,
      auth: { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } },
    },
  });
}
