import type { SafetyMode } from '@callboard/actions-api';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import { startTestApp, type TestApp, type TestFeature } from '@callboard/test-utils';
import { type InProcessCaller, inProcessCaller } from '../../../packages/actions/src/testing/actionsPlugin.js';
import { recordingTrail, type TrailRecord } from './recordingTrail.js';
import { type Work, workPlugin } from './workPlugin.js';

type Config = NonNullable<Parameters<typeof startTestApp>[0]['config']>;

/** A backend with actions of every class behind the gate. */
export interface Gate extends TestApp {
  readonly work: Work;
  readonly records: readonly TrailRecord[];
  readonly caller: InProcessCaller;
  readonly mcpUrl: string;
}

/** @param options.callers - names, each of which has the static token `tokenOf(name)`. */
export async function startGate(options: {
  mode: SafetyMode;
  callers: readonly string[];
  features?: TestFeature[];
  /** Instead of the plugin with the actions. */
  work?: Work;
  /** Merged into `backend`. */
  backend?: Config;
  /** Merged into `backend.actions`. */
  actions?: Config;
  config?: Config;
  port?: number;
}): Promise<Gate> {
  const work = options.work ?? workPlugin();
  const { records, feature } = recordingTrail();
  const caller = inProcessCaller();
  const app = await startTestApp({
    features: [mcpFeatures, work.feature, feature, caller.feature, ...(options.features ?? [])],
    config: {
      ...options.config,
      backend: {
        auth: {
          externalAccess: options.callers.map(name => ({
            type: 'static',
            options: { token: tokenOf(name), subject: name },
          })),
        },
        ...options.backend,
        actions: { pluginSources: ['work'], mode: options.mode, environment: 'rehearsal', ...options.actions },
      },
    },
    ...(options.port && { port: options.port }),
  });
  return Object.assign(app, { work, records, caller, mcpUrl: `${app.url}/api/mcp-actions/v1` });
}

export const tokenOf = (name: string): string => `static-token-of-${name}`;
