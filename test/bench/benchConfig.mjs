import { join } from 'node:path';
import { sourceId } from './actions.mjs';

/**
 * The configuration of every Backstage backend that is measured; upstream leaves out what it does not know. All that a
 * backend writes stays in one folder.
 *
 * @param silentUrl - Where another backend should be that brings a source, too.
 * @param rowsToo - Whether the trail is in the database besides, as it is unless configured.
 */
export function benchConfig({ port, sources, folder, token, silentUrl, rowsToo = false }) {
  const url = `http://localhost:${port}`;
  const silent = silentUrl === undefined ? [] : ['silent'];
  return {
    app: { baseUrl: url },
    backend: {
      baseUrl: url,
      listen: { host: '127.0.0.1', port },
      database: { client: 'better-sqlite3', connection: { directory: join(folder, 'data') } },
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'bench' } }] },
      actions: {
        mode: 'safe',
        pluginSources: [...Array.from({ length: sources }, (_, index) => sourceId(index)), ...silent],
      },
    },
    ...(silentUrl && { discovery: { endpoints: [{ target: `${silentUrl}/api/{{pluginId}}`, plugins: silent }] } }),
    auth: {
      experimentalDynamicClientRegistration: { enabled: true },
      providers: { guest: {} },
      tokens: { accessTokenMinutes: 60 },
    },
    audit: {
      failureMode: 'strict',
      // What is written in minutes of full load would fill the disk.
      file: { directory: join(folder, 'audit'), maxFileMegabytes: 50, maxFiles: 4 },
      database: { enabled: rowsToo },
    },
    mcpActions: { sessions: { maxSessions: 5_000 } },
  };
}
