import { type BackendFeature, createBackendPlugin } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import {
  type AuditedCall,
  actionGatesServiceRef,
  actionsRegistryServiceRef,
  auditTrailsServiceRef,
  type TextView,
} from '@callboard/actions-api';
import * as z from 'zod';

const rowSchema = z.object({ id: z.int(), text: z.string() });
const views: Record<string, (rows: { id: number; text: string }[]) => TextView> = {
  table: rows => ({ kind: 'table', columns: ['id', { key: 'text', title: 'Text' }], rows }),
  keyValue: rows => ({ kind: 'keyValue', entries: { rows: rows.length } }),
  markdown: rows => ({ kind: 'markdown', text: rows.map(({ text }) => `- ${text}`).join('\n') }),
  long: () => ({ kind: 'markdown', text: 'long '.repeat(10_000) }),
  broken: () => ({ kind: 'chart' }) as never,
  throwing: () => {
    throw new Error('It cannot be shown');
  },
};

/** A plugin whose actions put out as much as they are told to, and a trail that keeps what is recorded of calls. */
export function createReportsPlugin() {
  /** Every attempt, run or refused, oldest first. */
  const recorded: AuditedCall[] = [];
  const state = { isPaused: false, runs: 0 };
  const plugin: BackendFeature = createBackendPlugin({
    pluginId: 'reports',
    register(env) {
      env.registerInit({
        deps: { registry: actionsRegistryServiceRef, trails: auditTrailsServiceRef, gates: actionGatesServiceRef },
        async init({ registry, trails, gates }) {
          trails.add({
            id: 'reports',
            async begin(call) {
              recorded.push(call);
              return { finish: async () => {} };
            },
            async refuse(call) {
              recorded.push(call);
            },
          });
          gates.add({
            id: 'reports-pause',
            stage: 'pause',
            check: () => {
              if (state.isPaused) {
                throw new ServiceUnavailableError('Everything is paused');
              }
            },
          });
          registry.register({
            name: 'rows',
            title: 'Rows',
            description: 'Puts out rows',
            schema: {
              input: z.object({ count: z.int(), length: z.int().default(10) }),
              output: z.object({ rows: z.array(rowSchema), total: z.int() }),
            },
            attributes: { destructive: true },
            action: async ({ input }) => {
              state.runs += 1;
              const rows = Array.from({ length: input.count }, (_, id) => ({ id, text: 'x'.repeat(input.length) }));
              return { output: { rows, total: rows.length } };
            },
          });
          registry.register({
            name: 'counted',
            title: 'Counted rows',
            description: 'Puts out as many rows as it says',
            schema: {
              input: z.object({ count: z.int() }),
              output: z
                .object({ rows: z.array(z.int()), total: z.int() })
                .refine(({ rows, total }) => rows.length === total),
            },
            attributes: { readOnly: true },
            action: async ({ input: { count } }) => ({
              output: { rows: Array.from({ length: count }, (_, id) => id), total: count },
            }),
          });
          for (const [name, view] of Object.entries(views)) {
            registry.register({
              name: `view-${name}`,
              title: `View ${name}`,
              description: `Shows rows as ${name}`,
              schema: { input: z.object({ count: z.int() }), output: z.object({ rows: z.array(rowSchema) }) },
              attributes: { readOnly: true },
              textView: ({ rows }) => view(rows),
              action: async ({ input: { count } }) => ({
                output: { rows: Array.from({ length: count }, (_, id) => ({ id, text: `row | ${id}` })) },
              }),
            });
          }
          registry.register({
            name: 'content',
            title: 'Content',
            description: 'Puts out blocks of content',
            schema: { input: z.object({ text: z.int(), bytes: z.int() }), output: z.object({ done: z.boolean() }) },
            attributes: { readOnly: true },
            action: async ({ input: { text, bytes } }) => ({
              output: { done: true },
              content: [
                ...(text > 0 ? [{ type: 'text' as const, text: 't'.repeat(text) }] : []),
                { type: 'image', data: 'A'.repeat(bytes), mimeType: 'image/png' },
              ],
            }),
          });
          registry.register({
            name: 'anything',
            title: 'Anything',
            description: 'Says nothing of its output',
            schema: { input: z.object({ of: z.unknown() }), output: undefined as never },
            attributes: { readOnly: true },
            action: async ({ input }) => ({ output: input.of as never }),
          });
        },
      });
    },
  });
  return { plugin, recorded, state };
}
