import type { RootConfigService } from '@backstage/backend-plugin-api';
import { type ConfigSection, readConfigSection } from '@callboard/actions-api';
import * as z from 'zod';
import { type ActionFilter, actionFilterSchema } from './catalogue/ActionFilter.js';

const actionsConfigSchema = z.strictObject({
  /** Plugins whose actions are published. Absent: this backend's registries serve theirs, and nobody asks for them. */
  pluginSources: z.array(z.string().min(1)).optional(),
  filter: actionFilterSchema.optional(),
  remote: z
    .strictObject({
      cacheSeconds: z.number().min(0).max(86_400).default(30),
      timeoutSeconds: z.number().min(0.1).max(300).default(5),
      invokeTimeoutSeconds: z.number().min(0.1).max(86_400).default(300),
    })
    .prefault({}),
});

export const actionsConfigSection = { key: 'backend.actions', schema: actionsConfigSchema } satisfies ConfigSection;

/** `backend.actions`, read and checked. */
export interface ActionsConfig {
  readonly pluginSources: readonly string[] | undefined;
  readonly filter: ActionFilter;
  readonly remote: {
    readonly cacheSeconds: number;
    readonly timeoutSeconds: number;
    readonly invokeTimeoutSeconds: number;
  };
}

/** @throws InputError that lists every mistake under `backend.actions` with its path. */
export function readActionsConfig(config: RootConfigService): ActionsConfig {
  const { pluginSources, filter, remote } = readConfigSection(config, actionsConfigSection);
  return { pluginSources, filter: filter ?? {}, remote };
}
