import * as z from 'zod';
import { MAX_REASON, type Pause, pauseScopes } from './Pause.js';

const reason = z.string().trim().min(1).max(MAX_REASON);

/** How a pause is asked for, over HTTP and by the action alike. */
export const pauseRequestSchema = z.strictObject({
  reason: reason.describe('Why, for everybody whose calls are refused'),
  scope: z
    .enum(pauseScopes)
    .default('writes')
    .describe('writes: every call that does more than read; everything: every call'),
});

export const resumeRequestSchema = z.strictObject({
  reason: reason.optional().describe('Why it is safe again, for the alert'),
});

export const pauseStatusSchema = z.object({
  paused: z.boolean(),
  scope: z.enum(pauseScopes).optional().describe('The broadest of all pauses'),
  pauses: z.array(
    z.object({
      source: z.enum(['database', 'file', 'unknown']),
      scope: z.enum(pauseScopes),
      reason: z.string(),
      since: z.string().optional(),
      by: z.string().optional(),
    }),
  ),
});

export function showStatus(pauses: readonly Pause[]): z.output<typeof pauseStatusSchema> {
  const scope = pauses.some(pause => pause.scope === 'everything') ? 'everything' : 'writes';
  return {
    paused: pauses.length > 0,
    ...(pauses.length > 0 && { scope }),
    pauses: pauses.map(pause => ({ ...pause })),
  };
}
