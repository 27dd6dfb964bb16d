import { createBackendPlugin } from '@backstage/backend-plugin-api';
import * as errors from '@backstage/errors';
import { ActionTimeoutError, ApprovalRequiredError, SecretsRequiredError } from '@callboard/actions';
import {
  type ActionOptions,
  type ActionSchema,
  actionsRegistryServiceRef,
  ClientCapabilityError,
  TooManyRequestsError,
} from '@callboard/actions-api';
import * as z from 'zod';

/** What tests see of the calls that reached an action. */
export interface Probe {
  /** Inputs of `probe:echo`, in the order of their arrival. */
  calls: unknown[];
  /** Settled when `probe:wait` has been aborted. */
  aborted: Promise<void>;
}

class QuotaError extends errors.NotAllowedError {
  override name = 'QuotaError' as never;
}

const failures: Record<string, () => Error> = {
  ApprovalRequiredError: () =>
    Object.assign(new ApprovalRequiredError('It', { id: 'a-1', expiresAt: '2027-01-01T00:00:00.000Z' }), {
      message: 'message of ApprovalRequiredError',
    }),
  SecretsRequiredError: () =>
    Object.assign(new SecretsRequiredError('It', 'ada', { url: 'https://board.example', expiresAt: '2027-01-01' }), {
      message: 'message of SecretsRequiredError',
    }),
  ActionTimeoutError: () => new ActionTimeoutError('message of ActionTimeoutError'),
  ClientCapabilityError: () => new ClientCapabilityError('message of ClientCapabilityError', { roots: {} }),
  TooManyRequestsError: () => new TooManyRequestsError('message of TooManyRequestsError'),
  InputError: () => new errors.InputError('message of InputError'),
  AuthenticationError: () => new errors.AuthenticationError('message of AuthenticationError'),
  NotAllowedError: () => new errors.NotAllowedError('message of NotAllowedError'),
  NotFoundError: () => new errors.NotFoundError('message of NotFoundError'),
  ConflictError: () => new errors.ConflictError('message of ConflictError'),
  NotModifiedError: () => new errors.NotModifiedError('message of NotModifiedError'),
  NotImplementedError: () => new errors.NotImplementedError('message of NotImplementedError'),
  ServiceUnavailableError: () => new errors.ServiceUnavailableError('message of ServiceUnavailableError'),
  ForwardedError: () => new errors.ForwardedError('forwarded', new errors.ConflictError('message of the cause')),
  QuotaError: () => new QuotaError('message of QuotaError'),
  Error: () => new Error('secret-internal-detail'),
};

/** A plugin whose actions do what tests want to see: echo, fail in every way, wait, answer wrongly. */
export function createProbePlugin(pluginId = 'probe') {
  let abort = () => {};
  const probe: Probe = { calls: [], aborted: new Promise(resolve => (abort = resolve)) };
  const define = <TInput extends ActionSchema, TOutput extends ActionSchema, TSecrets extends ActionSchema | undefined>(
    name: string,
    options: Omit<ActionOptions<TInput, TOutput, TSecrets>, 'name' | 'title' | 'description'>,
  ) => ({ name, title: `The ${name}`, description: `Does ${name}`, ...options });

  const plugin = createBackendPlugin({
    pluginId,
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef },
        async init({ registry }) {
          registry.register(
            define('echo', {
              schema: {
                input: z.object({ message: z.string().max(2_000_000), count: z.int().min(0).default(1) }),
                output: z.object({ message: z.string(), count: z.int() }),
              },
              attributes: { readOnly: true, idempotent: true },
              action: async ({ input }) => {
                probe.calls.push(input);
                return { output: { message: input.message, count: input.count } };
              },
            }),
          );
          registry.register(
            define('fail', {
              schema: { input: z.object({ with: z.string() }), output: z.object({}) },
              action: async ({ input }) => {
                throw failures[input.with]?.() ?? 'a string';
              },
            }),
          );
          registry.register(
            define('answer-wrongly', {
              schema: { input: z.object({}), output: z.object({ size: z.int() }) },
              action: async () => ({ output: { size: 'secret-internal-detail' as unknown as number } }),
            }),
          );
          registry.register(
            define('wait', {
              schema: { input: z.object({}), output: z.object({}) },
              action: ({ signal }) =>
                new Promise<never>((_resolve, reject) =>
                  signal.addEventListener('abort', () => {
                    abort();
                    reject(new Error('aborted'));
                  }),
                ),
            }),
          );
          registry.register(
            define('with-secret', {
              schema: { input: z.object({}), output: z.object({}), secrets: z.object({ key: z.string() }) },
              action: async () => ({ output: {} }),
            }),
          );
          registry.register(
            define('__proto__', {
              schema: { input: z.object({}), output: z.object({ ok: z.boolean() }) },
              attributes: { readOnly: true },
              action: async () => ({ output: { ok: true } }),
            }),
          );
          registry.register({
            name: 'nothing-said',
            title: 'Nothing said',
            description: 'Says nothing of its output',
            schema: { input: z.object({}), output: undefined as never },
            attributes: { readOnly: true },
            action: async () => ({ output: { anything: 'goes' } as never }),
          });
        },
      });
    },
  });
  return { plugin, probe };
}
