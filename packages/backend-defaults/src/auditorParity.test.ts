import { auditorServiceFactory as stockFactory } from '@backstage/backend-defaults/auditor';
import {
  type AuditorService,
  type AuditorServiceCreateEventOptions,
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { ConfigReader } from '@backstage/config';
import { NotAllowedError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { afterEach, describe, expect, test } from 'vitest';
import { auditorServiceFactory } from './auditorService.js';
import { createBackend } from './createBackend.js';

let stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.map(stop => stop()));
  stops = [];
});

const request = {
  ip: '10.0.0.1',
  hostname: 'callboard.example.com',
  originalUrl: '/api/todo/items?all',
  method: 'POST',
  headers: {},
  get: (name: string) => (name === 'user-agent' ? 'a browser' : undefined),
} as unknown as AuditorServiceCreateEventOptions['request'];

describe('an event is in the log as Backstage writes it', () => {
  test.each<AuditorServiceCreateEventOptions>([
    { eventId: 'look' },
    { eventId: 'look', severityLevel: 'medium', meta: {} },
    { eventId: 'change', severityLevel: 'high', meta: { item: 1, more: { deep: [1] } } },
    { eventId: 'change', severityLevel: 'critical', request },
  ])('%j', async options => {
    const [ours, theirs] = await Promise.all([startAuditor(auditorServiceFactory), startAuditor(stockFactory)]);

    for (const { auditor } of [ours, theirs]) {
      await (await auditor.createEvent(options)).success();
      await (await auditor.createEvent(options)).success({ meta: { item: 2, made: true } });
      await (await auditor.createEvent(options)).fail({ error: new NotAllowedError('no') });
      await (await auditor.createEvent(options)).fail({ error: new Error('broken'), meta: { tried: 3 } });
    }

    expect(ours.lines).toHaveLength(8);
    expect(ours.lines).toEqual(theirs.lines);
  });
});

test('what cannot be attributed to anybody is refused', async () => {
  const { auditor } = await startAuditor(auditorServiceFactory);
  const stranger = { ...request, headers: { authorization: 'Bearer unknown' } } as typeof request;

  const event = auditor.createEvent({ eventId: 'change', request: stranger });

  await expect(event).rejects.toMatchObject({ name: 'AuthenticationError' });
});

test('the level of each severity can be chosen, among those that there are', async () => {
  const mapped = await startAuditor(auditorServiceFactory, { low: 'warn' });
  await mapped.auditor.createEvent({ eventId: 'look' });

  const failure = startAuditor(auditorServiceFactory, { high: 'loud' });

  expect(mapped.lines).toEqual([expect.objectContaining({ level: 'warn', message: 'audited.look' })]);
  await expect(failure).rejects.toThrow(
    'backend.auditor.severityLogLevelMappings.high: expected one of debug, info, warn, error, got "loud"',
  );
});

async function startAuditor(factory: typeof stockFactory, severityLogLevelMappings: JsonObject = {}) {
  const lines: JsonObject[] = [];
  let found: AuditorService | undefined;
  const backend = createBackend({
    config: new ConfigReader({
      backend: {
        baseUrl: 'http://localhost:7007',
        listen: { host: '127.0.0.1', port: 0 },
        auth: { dangerouslyDisableDefaultAuthPolicy: true },
        auditor: { severityLogLevelMappings },
      },
    }),
  });
  backend.add(factory);
  backend.add(
    createServiceFactory({
      service: coreServices.rootLogger,
      deps: {},
      factory: () => recordingLogger(lines, {}),
    }),
  );
  backend.add(
    createBackendPlugin({
      pluginId: 'audited',
      register: env =>
        env.registerInit({
          deps: { auditor: coreServices.auditor },
          async init({ auditor }) {
            found = auditor;
          },
        }),
    }),
  );
  stops.push(() => backend.stop());
  await backend.start();
  return {
    auditor: found as AuditorService,
    get lines() {
      return lines.filter(line => line.isAuditEvent);
    },
  };
}

function recordingLogger(lines: JsonObject[], context: JsonObject): LoggerService {
  const log = (level: string) => (message: string, meta?: Error | JsonObject) => {
    const about = meta instanceof Error ? { error: `${meta}` } : meta;
    lines.push(JSON.parse(JSON.stringify({ ...context, ...about, level, message })));
  };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: meta => recordingLogger(lines, { ...context, ...meta }),
  };
}
