import { createBackendPlugin } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import {
  type AuditedCall,
  type AuditOutcome,
  actionGatesServiceRef,
  actionsRegistryServiceRef,
  auditTrailsServiceRef,
} from '@callboard/actions-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { startTestBackend, type TestBackend } from '../testing/startTestBackend.js';

let backend: TestBackend;
let recorded: { what: string; call?: AuditedCall; outcome?: AuditOutcome }[];
let trailFailsTo: 'begin' | 'finish' | undefined;
let ran: unknown[];

const plugin = createBackendPlugin({
  pluginId: 'todo',
  register(env) {
    env.registerInit({
      deps: { registry: actionsRegistryServiceRef, trails: auditTrailsServiceRef, gates: actionGatesServiceRef },
      async init({ registry, trails, gates }) {
        trails.add({
          id: 'test',
          async begin(call) {
            if (trailFailsTo === 'begin') {
              throw new ServiceUnavailableError('The trail cannot be written');
            }
            recorded.push({ what: 'begin', call });
            return {
              async finish(outcome) {
                recorded.push({ what: 'finish', outcome });
                if (trailFailsTo === 'finish') {
                  throw new ServiceUnavailableError('The trail cannot be written');
                }
              },
            };
          },
          async refuse(call, outcome) {
            recorded.push({ what: 'refuse', call, outcome });
          },
        });
        gates.add({
          id: 'test',
          stage: 'approval',
          check(call) {
            if (call.effect === 'delete') {
              call.decide('needs_approval_accepted');
            }
          },
        });
        registry.register({
          name: 'query',
          title: 'Query',
          description: 'Runs a query',
          schema: {
            input: z.object({ sql: z.string().transform(sql => sql.trim()) }),
            output: z.object({}),
            secrets: z.object({ password: z.string() }).optional() as never,
          },
          effect: ({ sql }: { sql: string }) =>
            sql.startsWith('select') ? 'read' : sql.startsWith('delete') ? 'delete' : ('odd' as never),
          action: async ({ input }: { input: unknown }) => {
            ran.push(input);
            return { output: {} };
          },
        } as never);
      },
    });
  },
});

beforeEach(async () => {
  recorded = [];
  ran = [];
  trailFailsTo = undefined;
  backend = await startTestBackend({ features: [plugin] });
});
afterEach(() => backend.stop());

const query = (sql: unknown) =>
  backend.invokeAction('todo:query', { version: 'v2', body: { input: { sql }, secrets: { password: 'hunter2' } } });

test('a call is recorded before it runs and after, with the effect that it says it has', async () => {
  await query(' select 1 ');

  expect(recorded).toMatchObject([
    {
      what: 'begin',
      call: { actionId: 'todo:query', effect: 'read', decision: 'allow', input: { sql: 'select 1' }, door: 'http' },
    },
    { what: 'finish', outcome: { error: undefined, durationMs: expect.any(Number) } },
  ]);
  expect(JSON.stringify(recorded)).not.toContain('hunter2');
});

test('a gate says why a call was let through', async () => {
  await query('delete everything');

  expect(recorded[0]?.call).toMatchObject({ effect: 'delete', decision: 'needs_approval_accepted' });
});

test.each([
  ['todo:none', {}, 'refuse_unknown', undefined],
  ['todo:query', { input: { sql: 5 }, secrets: { password: 'x' } }, 'refuse_input', 'delete'],
  ['todo:query', { input: { sql: 'odd' }, secrets: { password: 'x' } }, 'refuse_input', 'delete'],
])('a refused call of %s with %j is recorded as %s', async (id, body, decision, effect) => {
  await backend.invokeAction(id, { version: 'v2', body });

  expect(recorded).toMatchObject([{ what: 'refuse', call: { name: id, decision, effect } }]);
  expect(ran).toEqual([]);
});

test('a call whose intent cannot be recorded does not run', async () => {
  trailFailsTo = 'begin';

  const { status } = await query('select 1');

  expect(status).toBe(503);
  expect(ran).toEqual([]);
  expect(recorded).toMatchObject([{ what: 'refuse', call: { decision: 'refuse_unrecorded' } }]);
});

test('a caller is not told of success that could not be recorded, and it is tried once', async () => {
  trailFailsTo = 'finish';

  const { status, body } = await query('select 1');

  expect([status, body.error.message]).toEqual([503, 'The trail cannot be written']);
  expect(ran).toHaveLength(1);
  expect(recorded.map(({ what }) => what)).toEqual(['begin', 'finish']);
});
