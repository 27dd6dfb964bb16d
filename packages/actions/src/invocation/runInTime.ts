import { toError } from '@backstage/errors';
import type { CallClient } from '@callboard/actions-api';
import { CallAbort, type CallSignal } from '../CallSignal.js';
import type { ActionOutcome } from '../catalogue/VisibleAction.js';
import { ActionTimeoutError } from './ActionTimeoutError.js';
import { CallClock } from './CallClock.js';
import type { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';

/**
 * Runs the handler of a call, for as long as it may take. When its time is up, its signal is aborted
 * and the call is over, whatever the handler does; while it waits for the client, time stands still.
 * An action of another backend has the time that is given to its source.
 *
 * @throws ActionTimeoutError if its time is up; what the handler throws.
 */
export async function runInTime(
  call: Invocation,
  { timeoutSeconds, logger }: Pick<InvocationPolicy, 'timeoutSeconds' | 'logger'>,
): Promise<ActionOutcome> {
  const { visible, action } = call;
  const seconds = visible.timeoutSeconds ?? (visible.checks ? timeoutSeconds : undefined);
  const run = (signal: CallSignal, client: CallClient) =>
    visible.run({ input: call.input, secrets: call.secrets, signal, call: call.info, client });
  if (seconds === undefined) {
    return run(call.ending, call.client);
  }

  const handlers = new CallAbort();
  let timeUp: ActionTimeoutError | undefined;
  let tellTimeUp = (_error: ActionTimeoutError) => {};
  const untilTimeIsUp = new Promise<never>((_resolve, reject) => {
    tellTimeUp = reject;
  });
  // Nobody may be waiting any more.
  untilTimeIsUp.catch(() => {});
  const clock = new CallClock({
    limitMs: seconds * 1000,
    onTimeUp: () => {
      const source = visible.timeoutSeconds === undefined ? ' (backend.actions.timeoutSeconds)' : '';
      timeUp = new ActionTimeoutError(
        `Action "${action.id}" did not end within ${seconds} seconds${source}; it may still be at work`,
      );
      tellTimeUp(timeUp);
      handlers.abort(timeUp);
    },
  });
  const passOn = () => handlers.abort(call.ending.reason);
  call.ending.addEventListener('abort', passOn, { once: true });
  clock.start();
  const running = run(handlers, clock.standStillFor(call.client));
  try {
    return await Promise.race([running, untilTimeIsUp]);
  } catch (error) {
    if (timeUp) {
      const about = `Action "${action.id}" (request id ${call.requestId}) has ended after its time was up`;
      running.then(
        () => logger.debug(`${about}; its output is dropped`),
        late => logger.debug(about, toError(call.maskSecretsIn(late))),
      );
      // A handler may answer its signal with an error of its own.
      throw timeUp;
    }
    throw error;
  } finally {
    clock.stop();
    call.ending.removeEventListener('abort', passOn);
  }
}
