import { resolve } from 'node:path';
import type { RootConfigService } from '@backstage/backend-plugin-api';
import { actionEffects, type ConfigSection, principalPatternSchema, readConfigSection } from '@callboard/actions-api';
import * as z from 'zod';
import { alertsConfigSchema, metricsConfigSchema, readWebhooks, type Webhook } from './alerts/index.js';
import { type LimitSettings, limitSubjects } from './limits/Limit.js';
import type { PinningMode } from './pinning/DefinitionPinning.js';

const pattern = z.string().min(1).max(256);

const limitSchema = z
  .strictObject({
    name: z.string().min(1).max(100).optional(),
    principal: principalPatternSchema.optional(),
    action: pattern.optional(),
    server: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]*$/, 'expected the key of a named MCP server')
      .optional(),
    effects: z.array(z.enum(actionEffects)).min(1).optional(),
    per: z.array(z.enum(limitSubjects)).default(['principal']),
    rate: z.strictObject({ calls: z.int().min(1).max(1_000_000), seconds: z.number().min(1).max(86_400) }).optional(),
    concurrency: z.int().min(1).max(1_000).optional(),
    perDay: z.int().min(1).max(1_000_000_000).optional(),
  })
  .refine(
    ({ rate, concurrency, perDay }) => rate !== undefined || concurrency !== undefined || perDay !== undefined,
    'expected rate, concurrency or perDay',
  );

const safetyConfigSchema = z.strictObject({
  operators: z.array(principalPatternSchema).default(['user:*']),
  pause: z
    .strictObject({
      file: z.string().min(1).optional(),
      startPaused: z.boolean().default(false),
    })
    .prefault({}),
  limits: z.array(limitSchema).max(100).default([]),
  pinning: z.enum(['off', 'warn', 'hold']).default('off'),
  alerts: alertsConfigSchema.prefault({}),
  metrics: metricsConfigSchema.prefault({}),
});

export const safetyConfigSection = { key: 'safety', schema: safetyConfigSchema } satisfies ConfigSection;

/** `safety`, read and checked. */
export interface SafetyConfig {
  /** Patterns of principals. */
  readonly operators: readonly string[];
  readonly pause: {
    /** Absolute. */
    readonly file: string | undefined;
    readonly startPaused: boolean;
  };
  readonly limits: readonly LimitSettings[];
  readonly pinning: PinningMode | 'off';
  readonly webhooks: readonly Webhook[];
  readonly metricsArePublic: boolean;
}

/** @throws InputError that lists every mistake with its path. */
export function readSafetyConfig(config: RootConfigService): SafetyConfig {
  const { operators, pause, limits, pinning, alerts, metrics } = readConfigSection(config, safetyConfigSection);
  return {
    operators,
    pause: { file: pause.file === undefined ? undefined : resolve(pause.file), startPaused: pause.startPaused },
    limits,
    pinning,
    webhooks: readWebhooks(alerts),
    metricsArePublic: metrics.public,
  };
}
