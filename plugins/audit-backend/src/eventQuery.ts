import { type ActionEffect, actionEffects, safetyModes, visibleText } from '@callboard/actions-api';
import * as z from 'zod';
import type { AuditEvent, AuditEvents, EventPosition, EventQuery } from './database/AuditEvents.js';
import { callRecordKinds } from './record/records.js';

/** As records hold it. */
const text = (description: string) =>
  z
    .string()
    .min(1)
    .max(1000)
    .transform(value => visibleText(value, 1000))
    .optional()
    .describe(description);

const time = (description: string) => z.iso.datetime({ offset: true }).optional().describe(description);

/** How much a call may do, in the words of the scopes that it needs. */
const risks = { read: ['read'], write: ['create', 'update'], destructive: ['replace', 'delete', 'execute'] } as const;
const effect = z.enum(actionEffects);

/** How events are asked for, over HTTP and by the action alike. */
export const eventQuerySchema = z.strictObject({
  principal: text('On whose behalf it was called, such as user:default/ada'),
  clientId: text('The OAuth client that acted for the principal'),
  agentId: text('What the agent called itself; nobody has checked it'),
  actionId: text('Such as todo:purge-done'),
  requestId: text('Of one call: its intent and its outcome'),
  approvalId: text('The approval that the call asked for or used'),
  risk: z
    .enum(['read', 'write', 'destructive'])
    .optional()
    .describe('write: creates or updates; destructive: replaces, deletes or executes'),
  effect: z
    .union([effect, z.array(effect).min(1).max(actionEffects.length)])
    .optional()
    .describe('What the call does to the world; one or any of several'),
  mode: z.enum(safetyModes).optional().describe('The safety mode that applied'),
  decision: text(
    'allow, or why it was refused or let through: all of it, such as refuse_input, or its first words, such as refuse or needs_approval',
  ),
  since: time('The first moment, ISO 8601'),
  until: time('The moment before which all events are, ISO 8601'),
  cursor: z
    .string()
    .regex(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z~[\w-]{1,36}~\d{1,15}$/,
      'expected a nextCursor of an earlier answer',
    )
    .optional()
    .describe('nextCursor of the page before; absent for the first page'),
  limit: z.int().min(1).max(500).default(50),
});

export const eventPageSchema = z.object({
  events: z.array(
    z.object({
      kind: z
        .enum(callRecordKinds)
        .describe('intent: it was about to run; outcome: it has ended; refusal: it did not run'),
      time: z.string(),
      requestId: z.string(),
      principal: z.string(),
      clientId: z.string().optional(),
      agentId: z.string().optional().describe('What the agent called itself; nobody has checked it'),
      door: z.string(),
      server: z.string().optional(),
      name: z.string(),
      actionId: z.string().optional(),
      effect: effect.optional(),
      mode: z.enum(safetyModes).optional(),
      decision: z.string(),
      approvalId: z.string().optional(),
      decidedBy: z.string().optional().describe('Who approved or denied'),
      channel: z.string().optional().describe('Where they did'),
      fingerprint: z.string().optional(),
      input: z.unknown().optional().describe('Without secrets'),
      inputBytes: z.int().optional().describe('How large the input was, if it was cut'),
      durationMs: z.number().optional(),
      error: z.object({ name: z.string(), message: z.string() }).optional(),
      chain: z.string(),
      seq: z.int(),
      prevHash: z.string(),
      hash: z.string(),
    }),
  ),
  nextCursor: z.string().optional().describe('There is another page: ask again with this as cursor'),
});

/** One page of events, newest first. */
export async function findEvents(
  events: AuditEvents,
  { cursor, since, until, limit, risk, effect: stated, ...filters }: z.output<typeof eventQuerySchema>,
): Promise<{ events: AuditEvent[]; nextCursor?: string }> {
  const query: EventQuery = {
    ...filters,
    ...(risk !== undefined && { effects: risks[risk] }),
    ...(stated !== undefined && { effects: [stated].flat().filter(one => !risk || isOfRisk(one, risk)) }),
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(until !== undefined && { until: new Date(until).toISOString() }),
    ...(cursor !== undefined && { after: fromCursor(cursor) }),
    // One more than asked for tells whether another page follows.
    limit: limit + 1,
  };
  const found = await events.listEvents(query);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return { events: page, ...(last && found.length > limit && { nextCursor: toCursor(last) }) };
}

function isOfRisk(one: ActionEffect, risk: keyof typeof risks): boolean {
  return (risks[risk] as readonly ActionEffect[]).includes(one);
}

const toCursor = ({ time: at, chain, seq }: EventPosition): string => `${at}~${chain}~${seq}`;

function fromCursor(cursor: string): EventPosition {
  const [at = '', chain = '', seq] = cursor.split('~');
  return { time: at, chain, seq: Number(seq) };
}
