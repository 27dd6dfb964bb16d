import { InputError, NotAllowedError, NotFoundError } from '@backstage/errors';
import { type ActionGateStage, coversScope, scopeOf } from '@callboard/actions-api';
import type { ActionGateChecks } from './actionGates.js';
import type { Invocation } from './Invocation.js';

export type InvocationStep = (call: Invocation, gates: ActionGateChecks) => void | Promise<void>;

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
    throw new NotFoundError(`Action "${call.name}" not found`);
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

const checkScopes: InvocationStep = (call, gates) => {
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
  (call, gates) =>
    gates.check(stage, call);

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

/** MCP, HTTP and in-process calls all end here. A step may refuse a call, never widen it. */
export const invocationSteps: readonly InvocationStep[] = [
  refuseAnonymous,
  findVisibleAction,
  askGates('pause'),
  parseInput,
  checkScopes,
  askGates('safetyMode'),
  askGates('approval'),
  runHandler,
  checkOutput,
];
