import { coreServices, createBackendPlugin, createServiceFactory } from '@backstage/backend-plugin-api';
import { ConflictError, InputError, NotAllowedError, NotFoundError } from '@backstage/errors';
import { AuthorizeResult, createPermission } from '@backstage/plugin-permission-common';
import {
  type AuditedCall,
  actionGatesServiceRef,
  auditTrailsServiceRef,
  promptsRegistryServiceRef,
  type RegisteredResource,
  type ResourcesRegistryService,
  resourcesRegistryServiceRef,
} from '@callboard/actions-api';
import * as z from 'zod';

const ledgerPermission = createPermission({ name: 'library.ledger.read', attributes: { action: 'read' } });

const books: Record<string, string> = { b1: 'Emma', b2: 'Persuasion', 'c 3': 'Sanditon' };

/** What tests see of a library whose plugin publishes resources and prompts of every kind. */
export function createLibraryPlugin() {
  /** URIs that were read, in their order. */
  const reads: string[] = [];
  /** Every attempt, run or refused, oldest first. */
  const recorded: AuditedCall[] = [];
  const told: { given?: unknown } = {};
  /** What is thrown while something is at the stage, and by whom. */
  const refusing: { pause?: Error | undefined; limits?: Error | undefined } = {};
  /** Whether callers lack the permission to see the ledger and the prompt about it. */
  const sight = { isForbidden: false };
  const permissions = createServiceFactory({
    service: coreServices.permissions,
    deps: {},
    factory: () => ({
      authorize: async requests => {
        const result = sight.isForbidden ? AuthorizeResult.DENY : AuthorizeResult.ALLOW;
        return requests.map(() => ({ result }));
      },
      authorizeConditional: async () => {
        throw new Error('Visibility is never conditional');
      },
    }),
  });
  let resources: ResourcesRegistryService | undefined;
  let shelf: RegisteredResource | undefined;

  const plugin = createBackendPlugin({
    pluginId: 'library',
    register(env) {
      env.registerInit({
        deps: {
          gates: actionGatesServiceRef,
          prompts: promptsRegistryServiceRef,
          resources: resourcesRegistryServiceRef,
          trails: auditTrailsServiceRef,
        },
        async init({ gates, prompts, trails, ...services }) {
          resources = services.resources;
          for (const stage of ['pause', 'limits'] as const) {
            gates.add({
              id: `library.${stage}`,
              stage,
              check: () => {
                if (refusing[stage]) {
                  throw refusing[stage];
                }
              },
            });
          }
          trails.add({
            id: 'library',
            async begin(call) {
              recorded.push(call);
              return { finish: async () => {} };
            },
            async refuse(call) {
              recorded.push(call);
            },
          });
          const reading = { title: 'T', description: 'D' };
          resources.register({
            ...reading,
            name: 'rules',
            title: 'House rules',
            uri: 'library://rules',
            mimeType: 'text/markdown',
            size: 5,
            annotations: { audience: ['user'], priority: 0.5 },
            read: async ({ uri }) => {
              reads.push(uri);
              return { text: 'Hush.' };
            },
          });
          resources.register({
            ...reading,
            name: 'stamp',
            uri: 'library://stamp',
            mimeType: 'image/png',
            read: async () => ({ blob: 'aGk=' }),
          });
          resources.register({
            ...reading,
            name: 'ledger',
            uri: 'library://ledger',
            visibilityPermission: ledgerPermission,
            read: async () => ({ text: 'What everybody owes' }),
          });
          shelf = resources.register({
            ...reading,
            name: 'book',
            title: 'A book',
            uriTemplate: 'library://books/{id}',
            mimeType: 'application/json',
            read: async ({ uri, variables, call, credentials }) => {
              reads.push(uri);
              const title = books[variables.id as string];
              const by = { door: call.door, principal: String(credentials.principal) };
              return title === undefined ? undefined : { text: JSON.stringify({ id: variables.id, title, by }) };
            },
            list: async () =>
              Object.entries(books).map(([id, title]) => ({
                uri: `library://books/${encodeURIComponent(id)}`,
                name: id,
                title,
              })),
            complete: { id: typed => Object.keys(books).filter(id => id.startsWith(typed)) },
          });
          resources.register({
            ...reading,
            name: 'failure',
            uriTemplate: 'library://failures/{kind}',
            read: async ({ variables: { kind = '' } }) => {
              const failures: Record<string, unknown> = {
                input: new InputError('message of InputError'),
                missing: new NotFoundError('message of NotFoundError'),
                forbidden: new NotAllowedError('message of NotAllowedError'),
                conflict: new ConflictError('message of ConflictError'),
                internal: new Error('secret-internal-detail'),
              };
              if (failures[kind]) {
                throw failures[kind];
              }
              const wrong: Record<string, unknown> = {
                'no-contents': { secret: 'secret-internal-detail' },
                both: { text: 'secret-internal-detail', blob: 'aGk=' },
                'bad-base64': { blob: 'secret-internal-detail' },
                'bad-uri': { uri: 'nowhere', text: 'secret-internal-detail' },
                'no-object': 'secret-internal-detail',
                empty: [],
                several: [{ text: 'a' }, { uri: 'library://other', mimeType: 'text/csv', text: 'b' }],
              };
              return wrong[kind] as never;
            },
            complete: {
              kind: (typed, { variables }) => {
                told.given = variables;
                if (typed === 'wrong') {
                  return [1] as never;
                }
                return Array.from({ length: 150 }, (_, index) => `${typed}${index}`);
              },
            },
          });
          resources.register({
            ...reading,
            name: 'desk',
            uri: 'library://desk',
            read: async ({ client }) => {
              const { action, content } = await client.elicit({
                message: 'Who are you?',
                schema: z.object({ name: z.string().default('nobody') }),
              });
              return { text: `${action} ${content?.name}` };
            },
          });
          prompts.register({
            name: 'recommend',
            exactName: 'recommend_books',
            title: 'Recommend books',
            description: 'Asks for books to read',
            arguments: z.strictObject({
              genre: z.string().min(2).describe('What kind'),
              count: z.coerce.number().int().min(1).max(10).default(3),
            }),
            complete: {
              genre: (typed, context) => {
                told.given = context.arguments;
                return ['crime', 'comedy', 'poetry'].filter(genre => genre.startsWith(typed));
              },
            },
            get: async ({ arguments: { genre, count } }) => {
              told.given = count;
              return {
                messages: [
                  { role: 'user', content: { type: 'text', text: `Recommend ${count} books of ${genre}` } },
                  {
                    role: 'user',
                    content: { type: 'resource', resource: { uri: 'library://rules', text: 'Hush.' } },
                  },
                  { role: 'user', content: { type: 'image', data: 'aGk=', mimeType: 'image/png' } },
                ],
              };
            },
          });
          prompts.register({
            name: 'audit',
            title: 'Audit the ledger',
            description: 'Asks to look through the ledger',
            visibilityPermission: ledgerPermission,
            get: async ({ arguments: given }) => ({
              description: `Made without arguments: ${JSON.stringify(given)}`,
              messages: [{ role: 'assistant', content: { type: 'text', text: 'Let me see.' } }],
            }),
          });
          prompts.register({
            name: 'fail',
            title: 'Fail',
            description: 'Fails',
            arguments: z.object({ kind: z.string() }),
            get: async ({ arguments: { kind } }) => {
              const failures: Record<string, unknown> = {
                forbidden: new NotAllowedError('message of NotAllowedError'),
                missing: new NotFoundError('message of NotFoundError'),
                internal: new Error('secret-internal-detail'),
              };
              if (failures[kind]) {
                throw failures[kind];
              }
              return { messages: [{ role: 'system', content: 'secret-internal-detail' }] } as never;
            },
          });
        },
      });
    },
  });
  return {
    features: [plugin, permissions],
    reads,
    recorded,
    refusing,
    sight,
    told,
    get resources() {
      return resources as ResourcesRegistryService;
    },
    get shelf() {
      return shelf as RegisteredResource;
    },
  };
}
