import { coreServices, createBackendPlugin } from '@backstage/backend-plugin-api';
import { type ActionsRegistryService, actionsRegistryServiceRef } from '@backstage/backend-plugin-api/alpha';
import {
  AuthenticationError,
  ConflictError,
  ForwardedError,
  InputError,
  NotAllowedError,
  NotFoundError,
  NotImplementedError,
  NotModifiedError,
  ServiceUnavailableError,
} from '@backstage/errors';
import { createPermission } from '@backstage/plugin-permission-common';

export const archivePermission = createPermission({ name: 'sample.archive', attributes: { action: 'delete' } });

const errorClasses = {
  AuthenticationError,
  ConflictError,
  InputError,
  NotAllowedError,
  NotFoundError,
  NotImplementedError,
  NotModifiedError,
  ServiceUnavailableError,
};

export type ErrorClassName = keyof typeof errorClasses;
export const errorClassNames = Object.keys(errorClasses) as ErrorClassName[];

/** Everything that Backstage documents of actions, in the form that it documents, so that it runs on its registry, too. */
export const samplePlugin = createBackendPlugin({
  pluginId: 'sample',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef, logger: coreServices.logger },
      async init({ registry }) {
        registerReads(registry);
        registerWrites(registry);
        registerFailures(registry);
      },
    });
  },
});

function registerReads(registry: ActionsRegistryService) {
  registry.register({
    name: 'echo',
    title: 'Echo',
    description: 'Answers with its input.',
    attributes: { readOnly: true, idempotent: true },
    examples: [{ title: 'One', description: 'The least', input: { text: 'one', times: 1 }, output: { text: 'one' } }],
    schema: {
      input: z =>
        z.object({
          text: z.string().min(1).max(10).describe('What to say'),
          times: z.number().int().positive().default(1),
          loud: z.boolean().optional(),
          style: z.enum(['plain', 'fancy']).optional(),
          tags: z.array(z.string()).optional(),
          nested: z.object({ either: z.union([z.string(), z.number()]).nullable() }).optional(),
        }),
      output: z => z.object({ text: z.string() }).describe('What was said'),
    },
    action: async ({ input }) => ({ output: { text: input.text.repeat(input.times) } }),
  });
  registry.register({
    name: 'whoami',
    title: 'Who am I',
    description: 'Tells whom it acts for.',
    attributes: { readOnly: true },
    schema: { input: z => z.object({}), output: z => z.object({ principal: z.string() }) },
    action: async ({ credentials }) => ({ output: { principal: String(credentials) } }),
  });
  registry.register({
    name: 'bare',
    title: 'Bare',
    description: 'Has no schemas; tells what its handler was given.',
    schema: {},
    action: async ({ input, secrets }: { input?: unknown; secrets?: unknown }) => ({
      output: { input: typeof input, secrets: typeof secrets },
    }),
  } as never);
}

function registerWrites(registry: ActionsRegistryService) {
  registry.register({
    name: 'archive',
    title: 'Archive',
    description: 'Needs a permission.',
    visibilityPermission: archivePermission,
    schema: { input: z => z.object({}).strict(), output: z => z.object({}).passthrough() },
    action: async () => ({ output: {} }),
  });
  registry.register({
    name: 'share',
    title: 'Share',
    description: 'Takes a secret.',
    attributes: { destructive: false },
    schema: {
      input: z => z.object({ with: z.string() }),
      output: z => z.object({ keyLength: z.number() }),
      secrets: z => z.object({ key: z.string() }),
    },
    action: async ({ secrets }) => ({ output: { keyLength: secrets.key.length } }),
  });
  registry.register({
    name: '__proto__',
    title: 'Hostile name',
    description: 'An id that is the name of something else in JavaScript.',
    schema: { input: z => z.object({}).passthrough(), output: z => z.object({ keys: z.array(z.string()) }) },
    action: async ({ input }) => ({ output: { keys: Object.keys(input) } }),
  });
  registry.register({
    name: 'constructor',
    title: 'Hostile name',
    description: 'Returns nothing.',
    schema: { input: (z: typeof import('zod/v3').z) => z.object({}) },
    action: async () => undefined,
  } as never);
}

function registerFailures(registry: ActionsRegistryService) {
  registry.register({
    name: 'fail',
    title: 'Fail',
    description: 'Throws what it is asked to.',
    schema: {
      input: z => z.object({ with: z.string(), forwarded: z.boolean().optional() }),
      output: z => z.object({}),
    },
    action: async ({ input }) => {
      const error = new errorClasses[input.with as ErrorClassName](`Failed with ${input.with}`);
      throw input.forwarded ? new ForwardedError('Could not do it', error) : error;
    },
  });
  registry.register({
    name: 'wrong-output',
    title: 'Wrong output',
    description: 'Breaks its own output schema.',
    schema: { input: z => z.object({}), output: z => z.object({ count: z.number() }) },
    action: async () => ({ output: { count: 'many' as never } }),
  });
}
