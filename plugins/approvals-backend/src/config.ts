import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ConfigSection, principalPatternSchema, readConfigSection } from '@callboard/actions-api';
import * as z from 'zod';

const approvalsConfigSchema = z.strictObject({
  approvers: z.array(principalPatternSchema).min(1, 'expected at least one pattern').default(['user:*']),
  selfApproval: z.boolean().default(false),
  maxPendingPerPrincipal: z.int().min(1).max(10_000).default(50),
  keepDays: z.number().min(1).max(3_650).default(30),
});

export const approvalsConfigSection = { key: 'approvals', schema: approvalsConfigSchema } satisfies ConfigSection;

/** `approvals`, read and checked, and the one value of the core that it shares. */
export interface ApprovalsConfig {
  /** Patterns of principals. */
  readonly approvers: readonly string[];
  readonly selfApproval: boolean;
  readonly maxPendingPerPrincipal: number;
  readonly keepMs: number;
  readonly lifetimeMs: number;
}

/** @throws InputError that lists every mistake with its path. */
export function readApprovalsConfig(config: RootConfigService): ApprovalsConfig {
  const { keepDays, ...settings } = readConfigSection(config, approvalsConfigSection);
  return { ...settings, keepMs: keepDays * 86_400_000, lifetimeMs: readLifetimeMinutes(config) * 60_000 };
}

/** The key belongs to the core, which checks it and has the same default. */
function readLifetimeMinutes(config: RootConfigService): number {
  return config.getOptionalNumber('backend.actions.approval.lifetimeMinutes') ?? 60;
}
