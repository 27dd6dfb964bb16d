import { resolve } from 'node:path';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { expect, test } from 'vitest';
import { readAuditConfig } from './config.js';

const read = (config: JsonObject) => readAuditConfig(new ConfigReader(config));

test('without configuration everything is recorded, strictly, beside the data', () => {
  expect(read({})).toEqual({
    enabled: true,
    failureMode: 'strict',
    directory: resolve('data/audit'),
    limits: { maxBytes: 100_000_000, maxAgeMs: 86_400_000, maxFiles: 365 },
    usesDatabase: true,
    usesOpenTelemetry: false,
    maxInputBytes: 16_384,
  });
});

test('the folder follows the one of the databases, unless it is configured', () => {
  const backend = { database: { client: 'better-sqlite3', connection: { directory: '/var/lib/callboard' } } };

  expect(read({ backend }).directory).toBe('/var/lib/callboard/audit');
  expect(read({ backend, audit: { file: { directory: '/var/log/audit' } } }).directory).toBe('/var/log/audit');
  expect(read({ backend: { database: { client: 'pg', connection: 'postgres://x/y' } } }).directory).toBe(
    resolve('data/audit'),
  );
});

test('all mistakes are reported together; none makes the trail weaker', () => {
  const readWrong = () =>
    read({
      audit: {
        failuremode: 'strict',
        failureMode: 'lenient',
        file: { maxFiles: 0, maxSize: 1 },
        database: { enabled: 'no' },
        openTelemetry: { enabled: 'maybe', level: 'info' },
        maxInputBytes: 1,
      },
    });

  expect(readWrong).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(
        /audit\.failureMode: .*"strict"\|"strict_mutations"\|"best_effort".*[\s\S]*audit\.file\.maxFiles: [\s\S]*audit\.file\.maxSize: there is no such key[\s\S]*audit\.database\.enabled: expected boolean[\s\S]*audit\.maxInputBytes: [\s\S]*audit\.failuremode: there is no such key/,
      ),
    }),
  );
});
