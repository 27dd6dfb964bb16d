import { join, resolve } from 'node:path';
import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ConfigSection, readConfigSection } from '@callboard/actions-api';
import * as z from 'zod';
import { type FailureMode, failureModes } from './AuditRecorder.js';
import type { FileLimits } from './file/FileTrail.js';

const auditConfigSchema = z.strictObject({
  enabled: z.boolean().default(true),
  failureMode: z.enum(failureModes).default('strict'),
  file: z
    .strictObject({
      directory: z.string().min(1).optional(),
      maxFileMegabytes: z.number().min(0.1).max(10_000).default(100),
      maxFileAgeHours: z.number().min(0.1).max(87_600).default(24),
      maxFiles: z.int().min(2).max(100_000).default(365),
    })
    .prefault({}),
  database: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  openTelemetry: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}),
  maxInputBytes: z.int().min(256).max(1_048_576).default(16_384),
});

export const auditConfigSection = { key: 'audit', schema: auditConfigSchema } satisfies ConfigSection;

/** `audit`, read and checked. */
export interface AuditConfig {
  readonly enabled: boolean;
  readonly failureMode: FailureMode;
  /** Absolute. */
  readonly directory: string;
  readonly limits: FileLimits;
  readonly usesDatabase: boolean;
  readonly usesOpenTelemetry: boolean;
  readonly maxInputBytes: number;
}

/** @throws InputError that lists every mistake with its path. */
export function readAuditConfig(config: RootConfigService): AuditConfig {
  const settings = readConfigSection(config, auditConfigSection);
  const { enabled, failureMode, file, database, openTelemetry, maxInputBytes } = settings;
  return {
    enabled,
    failureMode,
    directory: resolve(file.directory ?? join(readDataDirectory(config), 'audit')),
    limits: {
      maxBytes: file.maxFileMegabytes * 1_000_000,
      maxAgeMs: file.maxFileAgeHours * 3_600_000,
      maxFiles: file.maxFiles,
    },
    usesDatabase: database.enabled,
    usesOpenTelemetry: openTelemetry.enabled,
    maxInputBytes,
  };
}

/** The folder of the SQLite files, where there are any: data stays together. */
function readDataDirectory(config: RootConfigService): string {
  const connection = config.getOptional<string | { directory?: unknown }>('backend.database.connection');
  const directory = typeof connection === 'object' ? connection.directory : undefined;
  return typeof directory === 'string' ? directory : './data';
}
