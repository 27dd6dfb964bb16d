import { InputError, NotAllowedError, NotFoundError } from '@backstage/errors';
import { type ActionGateStage, actionEffects, coversScope, rulingOf, scopeOf } from '@callboard/actions-api';
import { findLackingProfile } from '../policy/CallPolicy.js';
import { printable } from '../printable.js';
import { auditedCall } from './auditedCall.js';
import type { Invocation } from './Invocation.js';
import type { InvocationPolicy } from './invocationPolicy.js';
import { runInTime } from './runInTime.js';
import { settleEffect } from './settleEffect.js';

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
const findVisibleAction: InvocationStep = async (call, { rules, visibilityRules }) => {
  call.rules = rules.rulesFor(call);
  const visible = await call.find();
  const holding = visible && visibilityRules.findHolding(visible.descriptor);
  if (holding) {
    call.decide(`refuse_${holding.id}`);
  } else if (visible?.descriptor && call.rules.profiles.some(({ value }) => !value.allows(visible.descriptor))) {
    call.decide('refuse_profile');
  } else if (visible) {
    call.visible = visible;
    return;
  }
  throw new NotFoundError(`Action "${printable(call.name)}" not found`);
};

const parseInput: InvocationStep = async (call, { secrets: desk }) => {
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
    const effect = await settleEffect(id, call.visible.effect, input.value, call.ending);
    if (!actionEffects.includes(effect)) {
      throw new Error(
        `Action "${id}" says its effect is ${String(effect)}, expected one of ${actionEffects.join(', ')}`,
      );
    }
    call.effect = effect;
  }

  if (desk.isOpen && lacksSecrets(call)) {
    return;
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

/** What an action says of itself is one thing, what this call does another. */
const checkProfiles: InvocationStep = call => {
  const lacking = findLackingProfile(call.rules, call.action, call.effect);
  if (lacking) {
    throw new NotAllowedError(
      `This call of action "${call.action.id}" is a write (class ${call.effect}), which the profile ${lacking.value.name} does not have (${lacking.config})`,
    );
  }
};

const checkScopes: InvocationStep = (call, { gates }) => {
  const needed = scopeOf(call.action, call.effect);
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

const checkSafetyMode: InvocationStep = (call, { gates }) => {
  const { value: mode, config } = call.rules.mode;
  if (rulingOf(mode, call.effect) === 'refuse') {
    throw new NotAllowedError(
      `Action "${call.action.id}" is refused: the mode is ${mode}, and the call is of class ${call.effect} (${config})`,
    );
  }
  return gates.check('safetyMode', call);
};

/** An answer to a call that has ended is no new call: what it answered may have run already. */
const refuseLateAnswer: InvocationStep = call => {
  if (call.isLate) {
    throw new InputError(
      `The answer is for no open question of a call of "${call.action.id}": that call has ended, or was answered before. Make the call anew.`,
    );
  }
};

/** Whether the call is one whose secrets a person can enter. */
const lacksSecrets = ({ takesSecrets, givenSecrets, action, visible }: Invocation): boolean =>
  takesSecrets &&
  givenSecrets === undefined &&
  action.schema.secrets !== undefined &&
  // One that checks its input and takes no secrets reads again what the action has put out before.
  (visible.checks === undefined || visible.checks.secrets !== undefined);

/** After all that refuses without asking anybody; before the approval, which is bound to the secrets as well. */
const supplySecrets: InvocationStep = (call, { secrets: desk }) => {
  // The next step refuses a forged answer, whatever the call has.
  if (lacksSecrets(call) && call.answered?.answer !== 'forged') {
    return desk.supply(call);
  }
};

const requireApproval: InvocationStep = async (call, { approvals, gates }) => {
  if (rulingOf(call.mode, call.effect) === 'approve' || call.answered?.answer === 'forged') {
    await approvals.require(call);
  }
  return gates.check('approval', call);
};

/** Whoever approved may have taken their time. */
const checkPauseAgain: InvocationStep = (call, { gates }) => {
  if (call.approval) {
    return gates.check('pause', call);
  }
};

/** If it cannot be recorded that the call runs, it does not. */
const recordIntent: InvocationStep = async (call, { trails }) => {
  call.entry = await trails.begin(auditedCall(call, call.decision ?? 'allow'));
};

const runHandler: InvocationStep = async (call, policy) => {
  call.ending.throwIfAborted();
  call.hasRun = true;
  const { output, content } = await runInTime(call, policy);
  call.output = output;
  call.content = content;
};

const checkOutput: InvocationStep = async call => {
  const output = await call.visible.checks?.output(call.output);
  if (output && !output.ok) {
    throw new InvalidOutputError(`Invalid output from action "${call.action.id}": ${output.problems}`);
  }
  call.output = output ? output.value : call.output;
};

const checkPause = askGates('pause');
const checkLimits = askGates('limits');

/** MCP, HTTP and in-process calls all end here. A step may refuse a call, never widen it. */
export const invocationSteps: readonly InvocationStep[] = [
  refuseAnonymous,
  findVisibleAction,
  parseInput,
  checkPause,
  checkProfiles,
  checkScopes,
  checkSafetyMode,
  checkLimits,
  refuseLateAnswer,
  supplySecrets,
  requireApproval,
  checkPauseAgain,
  recordIntent,
  runHandler,
  checkOutput,
];

/** What those go through who look at something without calling it: nothing is counted, approved or recorded. */
export const lookSteps: readonly InvocationStep[] = [
  refuseAnonymous,
  findVisibleAction,
  checkPause,
  checkProfiles,
  checkScopes,
  checkSafetyMode,
];

/** What the trail says of a call that ended in a step, unless a gate has said it better. */
export const refusalDecisions: ReadonlyMap<InvocationStep, string> = new Map([
  [refuseAnonymous, 'refuse_anonymous'],
  [findVisibleAction, 'refuse_unknown'],
  [parseInput, 'refuse_input'],
  [checkPause, 'refuse_paused'],
  [checkProfiles, 'refuse_profile'],
  [checkScopes, 'refuse_scope'],
  [checkSafetyMode, 'refuse_mode'],
  [checkLimits, 'refuse_limit'],
  [refuseLateAnswer, 'refuse_late_answer'],
  [supplySecrets, 'refuse_secrets'],
  [requireApproval, 'refuse_approval'],
  [checkPauseAgain, 'refuse_paused'],
  [recordIntent, 'refuse_unrecorded'],
]);
