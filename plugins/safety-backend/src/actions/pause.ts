import { type ActionOptions, visibleText } from '@callboard/actions-api';
import type { Operators } from '../Operators.js';
import { MAX_REASON } from '../pause/Pause.js';
import type { PauseSwitch } from '../pause/PauseSwitch.js';
import { pauseRequestSchema, pauseStatusSchema, showStatus } from '../pause/pauseRequests.js';
import { pausePermission } from '../permissions.js';

export const pause = ({
  pauses,
  operators,
}: {
  pauses: PauseSwitch;
  operators: Operators;
}): ActionOptions<typeof pauseRequestSchema, typeof pauseStatusSchema> => ({
  name: 'pause',
  title: 'Pause the server',
  description:
    'The emergency stop: refuses all writes, or every call, at every door and on all replicas until an operator resumes. Calls that run already are not stopped.',
  schema: { input: pauseRequestSchema, output: pauseStatusSchema },
  visibilityPermission: pausePermission,
  attributes: { destructive: false, idempotent: true },
  effect: 'update',
  capability: 'safety:pause',
  examples: [{ title: 'Something writes what it should not', input: { reason: 'runaway agent', scope: 'writes' } }],
  async action(context) {
    const { principal } = context.call;
    operators.assertOperator(principal, 'Pausing');
    const { scope, reason } = context.input;
    await pauses.pause({ scope, reason: visibleText(reason, MAX_REASON), by: principal });
    return { output: showStatus(await pauses.list()) };
  },
});
