import { ServiceUnavailableError } from '@backstage/errors';
import { type ActionGate, capabilityOf, type ExplainedCall, type Finding } from '@callboard/actions-api';
import { findBroadest, type Pause } from './Pause.js';
import type { PauseSwitch } from './PauseSwitch.js';

/** What operators need while the server is paused, each with the plugin whose actions may claim it. */
const exemptCapabilities: Readonly<Record<string, string>> = {
  'safety:pause': 'safety',
  'approvals:read': 'approvals',
  'approvals:decide': 'approvals',
  'audit:read': 'audit',
};

/** Refuses what is paused. */
export function createPauseGate(options: { pauses: PauseSwitch }): ActionGate {
  const { pauses } = options;
  const findPausing = async ({ effect }: { effect: string }): Promise<Pause | undefined> => {
    const pause = findBroadest(await pauses.list());
    return pause && (pause.scope === 'everything' || effect !== 'read') ? pause : undefined;
  };
  return {
    id: 'safety.pause',
    stage: 'pause',
    async check(call) {
      const pause = isExempt(call.action) ? undefined : await findPausing(call);
      if (pause) {
        throw new ServiceUnavailableError(`Action "${call.action.id}" did not run: ${describePause(pause)}`);
      }
    },
    async explain(call): Promise<Finding> {
      if (isExempt(call.action)) {
        return { verdict: 'passes', because: 'operators can call it while the server is paused' };
      }
      const pause = await findPausing(call);
      return pause
        ? {
            verdict: 'refuses',
            because: describePause(pause),
            ...(pause.source === 'file' && { config: 'safety.pause.file' }),
          }
        : { verdict: 'passes', because: 'the server is not paused for such calls' };
    },
  };
}

/** One sentence that says what is paused, why, since when and by whom. */
export function describePause({ source, scope, reason, since, by }: Pause): string {
  const what = scope === 'everything' ? 'everything is paused' : 'all writes are paused';
  if (source === 'unknown') {
    return `${what}, because ${reason}; try again later`;
  }
  const how =
    source === 'file'
      ? 'until an operator removes that file'
      : 'until an operator resumes (POST /api/safety/v1/resume)';
  return `${what}${since ? ` since ${since}` : ''}${by ? ` by ${by}` : ''}, ${how}; the reason: ${reason}`;
}

/** Another plugin, or another backend, does not get past a pause by calling a capability its own. */
function isExempt(action: ExplainedCall['action']): boolean {
  return (
    exemptCapabilities[capabilityOf(action)] === action.pluginId ||
    // Who is refused may ask why.
    action.id === 'safety:get-safety-status'
  );
}
