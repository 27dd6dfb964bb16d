import { type ActionOptions, visibleText } from '@callboard/actions-api';
import type { Operators } from '../Operators.js';
import { MAX_REASON } from '../pause/Pause.js';
import type { PauseSwitch } from '../pause/PauseSwitch.js';
import { pauseStatusSchema, resumeRequestSchema, showStatus } from '../pause/pauseRequests.js';
import { pausePermission } from '../permissions.js';

export const resume = ({
  pauses,
  operators,
}: {
  pauses: PauseSwitch;
  operators: Operators;
}): ActionOptions<typeof resumeRequestSchema, typeof pauseStatusSchema> => ({
  name: 'resume',
  title: 'Resume the server',
  description:
    'Lets calls run again after a pause. A pause by file lasts until the file is removed; the answer says what is still paused.',
  schema: { input: resumeRequestSchema, output: pauseStatusSchema },
  visibilityPermission: pausePermission,
  attributes: { destructive: true, idempotent: true },
  effect: 'execute',
  capability: 'safety:pause',
  async action(context) {
    const { principal } = context.call;
    operators.assertOperator(principal, 'Resuming');
    const { reason } = context.input;
    const left = await pauses.resume({
      by: principal,
      ...(reason !== undefined && { reason: visibleText(reason, MAX_REASON) }),
    });
    return { output: showStatus(left) };
  },
});
