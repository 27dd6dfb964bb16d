import { randomBytes } from 'node:crypto';
import { type BackendFeature, coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { createBackend } from '@callboard/backend-defaults';
import { freePort } from './freePort.js';
import { type LogEntry, recordingLogger } from './recordingLogger.js';

export interface TestApp {
  /** Of the backend, without a path or a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** A static token that is good everywhere; useless where the test configures its own. */
  readonly token: string;
  readonly config: JsonObject;
  readonly logs: LogEntry[];
  stop(): Promise<void>;
}

/** What `backend.add` takes. */
export type TestFeature = BackendFeature | Promise<{ default: BackendFeature }>;

/**
 * Starts a real backend on a free port of the loopback address, with databases in memory and a log
 * that is kept. Calls need no approval, unless the test configures another `backend.actions.mode`.
 *
 * @param options.config - goes over the defaults, key by key down to `backend.*`.
 * @throws what keeps the backend from starting; nothing is left running then.
 */
export async function startTestApp(options: {
  features: TestFeature[];
  config?: JsonObject;
  port?: number;
}): Promise<TestApp> {
  const port = options.port ?? (await freePort());
  const url = `http://localhost:${port}`;
  const token = randomBytes(24).toString('base64url');
  const backendConfig = options.config?.backend as JsonObject | undefined;
  const config: JsonObject = {
    ...options.config,
    backend: {
      baseUrl: url,
      listen: { host: '127.0.0.1', port },
      database: { client: 'better-sqlite3', connection: ':memory:' },
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'mcp-clients' } }] },
      ...backendConfig,
      actions: { mode: 'full_access', ...(backendConfig?.actions as JsonObject | undefined) },
    },
  };
  const { logger, logs } = recordingLogger();
  const backend = createBackend({ config: new ConfigReader(config) });
  backend.add(createServiceFactory({ service: coreServices.rootLogger, deps: {}, factory: () => logger }));
  for (const feature of options.features) {
    backend.add(feature);
  }
  try {
    await backend.start();
  } catch (error) {
    await backend.stop();
    throw error;
  }
  return { url, port, token, config, logs, stop: () => backend.stop() };
}
