import { alertEvents } from '@callboard/actions-api';
import * as z from 'zod';
import type { AlertStore, KeptAlert } from './AlertStore.js';

/** How alerts are asked for, over HTTP and by the action alike. */
export const alertQuerySchema = z.strictObject({
  event: z.enum(alertEvents).optional().describe('What happened'),
  since: z.iso.datetime({ offset: true }).optional().describe('The first moment, ISO 8601'),
  limit: z.int().min(1).max(500).default(50),
});

export const alertListSchema = z.object({
  alerts: z.array(
    z.object({
      id: z.string().describe('The webhook-id of the message that was sent of it'),
      event: z.enum(alertEvents),
      time: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** Newest first. */
export async function findAlerts(
  store: AlertStore,
  { since, ...query }: z.output<typeof alertQuerySchema>,
): Promise<{ alerts: KeptAlert[] }> {
  return { alerts: await store.list({ ...query, ...(since && { since: new Date(since).toISOString() }) }) };
}
