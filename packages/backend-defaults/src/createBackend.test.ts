import {
  coreServices,
  createBackendPlugin,
  type SchedulerService,
  type UrlReaderService,
} from '@backstage/backend-plugin-api';
import { actionsServiceRef } from '@backstage/backend-plugin-api/alpha';
import { ConfigReader } from '@backstage/config';
import { afterEach, expect, test } from 'vitest';
import { createBackend } from './createBackend.js';

let stop: (() => Promise<void>) | undefined;

afterEach(() => stop?.());

test('plugins get every service that a stock backend has', async () => {
  const { rootInstanceMetadata, pluginMetadata, ...services } = coreServices;
  const found: string[] = [];

  await start({ ...services, actions: actionsServiceRef }, deps => {
    found.push(...Object.keys(deps).filter(name => deps[name] !== undefined));
  });

  expect(found.sort()).toEqual([...Object.keys(services), 'actions'].sort());
});

test('services that are loaded late work like others', async () => {
  let scheduler: SchedulerService | undefined;
  let urlReader: UrlReaderService | undefined;

  await start({ scheduler: coreServices.scheduler, urlReader: coreServices.urlReader }, deps => {
    scheduler = deps.scheduler as SchedulerService;
    urlReader = deps.urlReader as UrlReaderService;
  });

  expect(await scheduler?.getScheduledTasks()).toEqual([]);
  await expect(urlReader?.readUrl('https://elsewhere.example.com/a')).rejects.toThrow('elsewhere.example.com');
});

async function start(deps: Record<string, never> | object, init: (deps: Record<string, unknown>) => void) {
  const backend = createBackend({
    config: new ConfigReader({
      backend: {
        baseUrl: 'http://localhost:7007',
        listen: { host: '127.0.0.1', port: 0 },
        database: { client: 'better-sqlite3', connection: ':memory:' },
        logger: { level: 'error' },
      },
    }),
  });
  backend.add(
    createBackendPlugin({
      pluginId: 'greedy',
      register: env => env.registerInit({ deps: deps as never, init: async services => init(services) }),
    }),
  );
  stop = () => backend.stop();
  await backend.start();
}
