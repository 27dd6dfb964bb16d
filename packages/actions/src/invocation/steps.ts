import { InputError, NotAllowedError, NotFoundError } from '@backstage/errors';
import { type ActionGateStage, actionEffects, coversScope, scopeOf } from '@callboard/actions-api';
import { printable } from '../printable.js';
import { auditedCall } from './auditedCall.js';
import type { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';

export type InvocationStep = (call: Invocation, policy: InvocationPolicy) => void | Promise<void>;

/** An action's answer breaks the action's own schema: the server's fault, whatever was asked. */
export class InvalidOutputError extends Error {
  override name = 'InvalidOutputError';
}

const refuseAnonymous: InvocationStep = call => {
  if ((call.credentials.principal as { type?: string }).type === 'none') {
    throw new NotAllowedError('Actions must be invoked by an authenticated principal, not an anonymous request');
  }
};

/** Unknown and forbidden answer alike. */
const findVisibleAction: InvocationStep = async call => {
  const visible = await call.find();
  if (!visible) {
    throw new NotFoundError(`Action "${printable(call.name)}" not found`);
  }
  call.visible = visible;
};

const parseInput: InvocationStep = async call => {
  const { checks } = call.visible;
  if (!checks) {
    return;
  }
  const { id } = call.action;
  const input = await checks.input(call.input);
  if (!input.ok) {
    throw new InputError(`Invalid input to action "${id}": ${input.problems}`);
  }
  call.input = input.value;
  if (call.visible.effect) {
    const effect = await call.visible.effect(input.value);
    if (!actionEffects.includes(effect)) {
      throw new Error(
        `Action "${id}" says its effect is ${String(effect)}, expected one of ${actionEffects.join(', ')}`,
      );
    }
    call.effect = effect;
  }

  if (checks.secrets && !call.secrets) {
    throw new InputError(`Action "${id}" requires secrets but none were provided`);
  }
  if (!checks.secrets && call.secrets) {
    throw new InputError(`Action "${id}" does not accept secrets`);
  }
  if (checks.secrets) {
    const secrets = await checks.secrets(call.secrets);
    if (!secrets.ok) {
      throw new InputError(`Invalid secrets for action "${id}": ${secrets.problems}`);
    }
    call.secrets = secrets.value;
  }
};

const checkScopes: InvocationStep = (call, { gates }) => {
  const needed = scopeOf(call.action);
  if (call.scopes && !coversScope(call.scopes, needed)) {
    throw new NotAllowedError(
      `Action "${call.action.id}" needs the scope ${needed}, granted: ${call.scopes.join(' ') || 'none'}`,
    );
  }
  return gates.check('scopes', call);
};

const askGates =
  (stage: ActionGateStage): InvocationStep =>
  (call, { gates }) =>
    gates.check(stage, call);

/** If it cannot be recorded that the call runs, it does not. */
const recordIntent: InvocationStep = async (call, { trails }) => {
  call.entry = await trails.begin(auditedCall(call, call.decision ?? 'allow'));
};

const runHandler: InvocationStep = async call => {
  call.signal.throwIfAborted();
  call.output = await call.visible.run({ input: call.input, secrets: call.secrets, signal: call.signal });
};

const checkOutput: InvocationStep = async call => {
  const output = await call.visible.checks?.output(call.output);
  if (output && !output.ok) {
    throw new InvalidOutputError(`Invalid output from action "${call.action.id}": ${output.problems}`);
  }
  call.output = output ? output.value : call.output;
};

const checkPause = askGates('pause');
const checkSafetyMode = askGates('safetyMode');
const requireApproval = askGates('approval');

/** MCP, HTTP and in-process calls all end here. A step may refuse a call, never widen it. */
export const invocationSteps: readonly InvocationStep[] = [
  refuseAnonymous,
  findVisibleAction,
  checkPause,
  parseInput,
  checkScopes,
  checkSafetyMode,
  requireApproval,
  recordIntent,
  runHandler,
  checkOutput,
];

/** What the trail says of a call that ended in a step, unless a gate has said it better. */
export const refusalDecisions: ReadonlyMap<InvocationStep, string> = new Map([
  [refuseAnonymous, 'refuse_anonymous'],
  [findVisibleAction, 'refuse_unknown'],
  [checkPause, 'refuse_paused'],
  [parseInput, 'refuse_input'],
  [checkScopes, 'refuse_scope'],
  [checkSafetyMode, 'refuse_mode'],
  [requireApproval, 'refuse_approval'],
  [recordIntent, 'refuse_unrecorded'],
]);
