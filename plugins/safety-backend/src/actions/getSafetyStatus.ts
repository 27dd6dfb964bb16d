import { type ActionOptions, type AlertEvent, READ_CAPABILITY, safetyModes } from '@callboard/actions-api';
import * as z from 'zod';
import type { AlertStore, KeptAlert } from '../alerts/AlertStore.js';
import type { PauseSwitch } from '../pause/PauseSwitch.js';
import { pauseStatusSchema, showStatus } from '../pause/pauseRequests.js';
import { withTimeout } from '../withTimeout.js';

const COUNTED_HOURS = 24;
const MAX_COUNTED = 500;
const STORE_TIMEOUT_MS = 1_000;

const inputSchema = z.strictObject({});
const outputSchema = pauseStatusSchema.extend({
  principal: z.string().describe('As whom you call'),
  mode: z
    .enum(safetyModes)
    .describe(
      'read_only: reads only; safe: a person approves every write; delete_safe: a person approves what deletes or executes; full_access: nothing is asked',
    ),
  alerts: z
    .record(z.string(), z.int())
    .optional()
    .describe(`How often each event was alerted in the last ${COUNTED_HOURS} hours, of the last ${MAX_COUNTED} alerts`),
});

export const getSafetyStatus = ({
  pauses,
  alerts,
  now,
}: {
  pauses: PauseSwitch;
  alerts: AlertStore;
  now: () => Date;
}): ActionOptions<typeof inputSchema, typeof outputSchema> => ({
  name: 'get-safety-status',
  title: 'Get safety status',
  description:
    'The recommended first call of a session. Says whether calls are paused and why, and which safety mode applies to yours: whether writes run at once, need the approval of a person, or are refused.',
  schema: { input: inputSchema, output: outputSchema },
  attributes: { readOnly: true },
  capability: READ_CAPABILITY,
  async action(context) {
    const { principal, mode } = context.call;
    const status = showStatus(await pauses.list());
    const since = new Date(now().getTime() - COUNTED_HOURS * 3_600_000).toISOString();
    const counts = await withTimeout(alerts.list({ since, limit: MAX_COUNTED }), STORE_TIMEOUT_MS).then(
      countEvents,
      // That the server is paused is worth telling also while the database is away.
      () => undefined,
    );
    return { output: { ...status, principal, mode, ...(counts && { alerts: counts }) } };
  },
});

function countEvents(alerts: readonly KeptAlert[]): Partial<Record<AlertEvent, number>> {
  const counts: Partial<Record<AlertEvent, number>> = {};
  for (const { event } of alerts) {
    counts[event] = (counts[event] ?? 0) + 1;
  }
  return counts;
}
