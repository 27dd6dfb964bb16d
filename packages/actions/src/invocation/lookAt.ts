import type { VisibleAction } from '../catalogue/VisibleAction.js';
import type { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';
import { lookSteps } from './steps.js';

/**
 * What a caller who could make this call may look at, such as values for an argument. Nothing is
 * called: that is not counted, approved or recorded.
 *
 * @throws what the refusing step throws.
 */
export async function lookAt(call: Invocation, policy: InvocationPolicy): Promise<VisibleAction> {
  for (const step of lookSteps) {
    await step(call, policy);
  }
  return call.visible;
}
