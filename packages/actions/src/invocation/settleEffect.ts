import type { ActionEffect } from '@callboard/actions-api';
import { CallAbort, type CallSignal, toAbortSignal } from '../CallSignal.js';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { unlessAborted } from '../unlessAborted.js';

const TIMEOUT_MS = 5_000;

/**
 * What an action says that a call with this input does; whether there is such an effect is not checked.
 *
 * @throws Error if it does not say so in time, which must not keep anybody waiting for ever.
 */
export async function settleEffect(
  id: string,
  effect: NonNullable<VisibleAction['effect']>,
  input: unknown,
  signal: CallSignal = new CallAbort(),
): Promise<ActionEffect> {
  const settling = effect(input);
  if (!(settling instanceof Promise)) {
    return settling;
  }
  const tooLate = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await unlessAborted(settling, AbortSignal.any([toAbortSignal(signal), tooLate]));
  } catch (error) {
    throw tooLate.aborted && error === tooLate.reason
      ? new Error(`Action "${id}" does not say what its effect is`)
      : error;
  }
}
