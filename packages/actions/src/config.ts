import type { RootConfigService } from '@backstage/backend-plugin-api';
import {
  actionScopes,
  type ConfigSection,
  principalPatternSchema,
  readConfigSection,
  type SafetyMode,
  safetyModes,
} from '@callboard/actions-api';
import * as z from 'zod';
import { type ActionFilter, actionFilterSchema } from './catalogue/ActionFilter.js';
import type { Sourced } from './policy/CallPolicy.js';
import { builtInProfiles, profileSchema } from './policy/profiles.js';
import { findUrlMistake } from './replicas/redisUrl.js';

const callerRuleSchema = z
  .strictObject({
    /** Patterns in which `*` stands for any text. All conditions must hold; without any, the rule is for all callers. */
    principal: principalPatternSchema.optional(),
    client: principalPatternSchema.optional(),
    door: z.enum(['mcp', 'http', 'in-process']).optional(),
    /** The broadest scope of the caller's access token. */
    scope: z.enum(actionScopes).optional(),
    mode: z.enum(safetyModes).optional(),
    profile: z.string().optional(),
  })
  .refine(({ mode, profile }) => mode !== undefined || profile !== undefined, 'expected a mode, a profile or both');

/** What holds for some callers only. */
export type CallerRule = z.output<typeof callerRuleSchema>;

/** Of what is wrong with it nothing is shown: wherever it goes wrong, a part of the password may be. */
const redisUrlSchema = z.string().check(({ value, issues }) => {
  const message = findUrlMistake(value);
  if (message !== undefined) {
    issues.push({ code: 'custom', message, input: '***' });
  }
});

const actionsConfigSchema = z
  .strictObject({
    /** Plugins whose actions are published. Absent: this backend's registries serve theirs, and nobody asks for them. */
    pluginSources: z.array(z.string().min(1)).optional(),
    filter: actionFilterSchema.optional(),
    mode: z.enum(safetyModes).default('safe'),
    /** Where this is, for those who approve, such as production. An approval for one is no good in another. */
    environment: z.string().min(1).max(100).optional(),
    profiles: z
      .record(
        z.string().regex(/^[a-z][a-z0-9-]*$/, 'expected a name of lowercase letters, digits and "-"'),
        profileSchema,
      )
      .default({}),
    callers: z.array(callerRuleSchema).default([]),
    /** How long a call may take whose action does not say. */
    timeoutSeconds: z.number().min(0.1).max(86_400).default(300),
    approval: z
      .strictObject({
        elicitation: z.boolean().default(true),
        lifetimeMinutes: z.number().min(1).max(10_080).default(60),
      })
      .prefault({}),
    replicas: z
      .strictObject({
        redis: redisUrlSchema.optional(),
        prefix: z
          .string()
          .regex(/^[\w:-]{1,100}$/, 'expected up to 100 letters, digits, "_", "-" and ":"')
          .default('callboard'),
        secret: z.string().min(32).optional(),
      })
      .prefault({}),
    remote: z
      .strictObject({
        cacheSeconds: z.number().min(0).max(86_400).default(30),
        timeoutSeconds: z.number().min(0.1).max(300).default(5),
        invokeTimeoutSeconds: z.number().min(0.1).max(86_400).default(300),
      })
      .prefault({}),
  })
  .check(({ value: { profiles, callers }, issues }) => {
    const known = [...new Set([...Object.keys(builtInProfiles), ...Object.keys(profiles)])];
    for (const [index, { profile }] of callers.entries()) {
      if (profile !== undefined && !known.includes(profile)) {
        issues.push({
          code: 'custom',
          message: `expected one of the profiles ${known.join(', ')}`,
          path: ['callers', index, 'profile'],
          input: profile,
        });
      }
    }
  });

export const actionsConfigSection = { key: 'backend.actions', schema: actionsConfigSchema } satisfies ConfigSection;

/** `backend.actions`, read and checked. */
export interface ActionsConfig {
  readonly pluginSources: readonly string[] | undefined;
  readonly filter: ActionFilter;
  readonly mode: Sourced<SafetyMode>;
  readonly environment: string;
  readonly profiles: z.output<typeof actionsConfigSchema>['profiles'];
  readonly callers: readonly CallerRule[];
  readonly timeoutSeconds: number;
  readonly approval: { readonly elicitation: boolean; readonly lifetimeMinutes: number };
  readonly replicas: {
    /** With the password, if it has one. */
    readonly redis?: string | undefined;
    readonly prefix: string;
    readonly secret?: string | undefined;
  };
  readonly remote: {
    readonly cacheSeconds: number;
    readonly timeoutSeconds: number;
    readonly invokeTimeoutSeconds: number;
  };
}

/** @throws InputError that lists every mistake under `backend.actions` with its path. */
export function readActionsConfig(config: RootConfigService): ActionsConfig {
  const { filter, mode, environment, pluginSources, ...rest } = readConfigSection(config, actionsConfigSection);
  const isGiven = config.has('backend.actions.mode');
  return {
    ...rest,
    pluginSources,
    filter: filter ?? {},
    mode: { value: mode, config: isGiven ? 'backend.actions.mode' : 'backend.actions.mode (the default)' },
    environment: environment ?? config.getString('backend.baseUrl'),
  };
}
