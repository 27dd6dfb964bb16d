import { type Approval, actionEffects, approvalStates, safetyModes } from '@callboard/actions-api';
import * as z from 'zod';
import type { ApprovalDesk, Viewer } from './ApprovalDesk.js';
import { MAX_COMMENT_CHARACTERS } from './ApprovalDesk.js';
import type { ApprovalPosition } from './database/SqlApprovals.js';

const time = (description: string) => z.string().describe(`${description}; ISO 8601, UTC`);

/** An approval as REST and the actions answer it. */
export const approvalSchema = z.object({
  id: z.string().describe('What approve and deny take as approvalId'),
  state: z
    .enum(approvalStates)
    .describe('pending: nobody has decided; approved: waits for the call to be made again; used: the call was made'),
  url: z.string().optional().describe('The page on which a person decides'),
  request: z.object({
    binding: z.string().describe('What the approval is good for: hash of principal, action, arguments, environment'),
    principal: z.string().describe('On whose behalf the call was made, such as user:default/ada'),
    clientId: z.string().optional().describe('The OAuth client that acted for the principal'),
    agentId: z.string().optional().describe('What the agent calls itself; nobody has checked it'),
    door: z.string().describe('Through what the call came in: mcp, http or in-process'),
    server: z.string().optional().describe('The named MCP server'),
    actionId: z.string().describe('Such as todo:purge-done'),
    title: z.string(),
    description: z.string(),
    fingerprint: z.string().describe('Of the definition of the action'),
    effect: z.enum(actionEffects).describe('What the call does to the world'),
    mode: z.enum(safetyModes).describe('The safety mode that applied'),
    rule: z.string().describe('Which rule demands the approval'),
    reason: z.string().optional().describe('Why the agent wants it, in its own words; nobody has checked it'),
    environment: z.string(),
    arguments: z.unknown().describe('Without secrets'),
    preview: z
      .object({ summary: z.string().optional(), before: z.unknown().optional(), after: z.unknown().optional() })
      .optional()
      .describe('What the call would change, as far as the action can say'),
  }),
  requestedAt: time('When it was asked for'),
  expiresAt: time('When a pending one is too late to decide, an approved one too late to use'),
  decidedAt: time('When it was decided').optional(),
  decidedBy: z.string().optional().describe('Who decided'),
  channel: z.enum(['client', 'page', 'rest', 'action']).optional().describe('Where they did'),
  comment: z.string().optional().describe('What they had to say'),
});

export type ApprovalJson = z.output<typeof approvalSchema>;

const cursor = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z~[\w-]{22}$/, 'expected a nextCursor of an earlier answer')
  .optional()
  .describe('nextCursor of the page before; absent for the first page');

/** How approvals are asked for over HTTP. */
export const approvalQuerySchema = z.strictObject({
  state: z.enum(approvalStates).optional(),
  cursor,
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** How an action asks for those that are pending. */
export const pendingQuerySchema = z.strictObject({
  cursor,
  limit: z.int().min(1).max(100).default(20).describe('How many at most'),
});

export const approvalPageSchema = z.object({
  approvals: z.array(approvalSchema),
  nextCursor: z.string().optional().describe('There is another page: ask again with this as cursor'),
});

export const commentSchema = z
  .string()
  .max(MAX_COMMENT_CHARACTERS)
  .optional()
  .describe('A few words for whoever made the call and for the record');

/** Approvals as they leave the server. */
export class ApprovalsJson {
  readonly #desk: ApprovalDesk;
  readonly #urlOf: (approval: Approval) => string | undefined;

  constructor(options: { desk: ApprovalDesk; urlOf: (approval: Approval) => string | undefined }) {
    this.#desk = options.desk;
    this.#urlOf = options.urlOf;
  }

  write(approval: Approval): ApprovalJson {
    const url = this.#urlOf(approval);
    // What is undefined in it is left out, as anywhere in JSON.
    return JSON.parse(JSON.stringify({ ...approval, ...(url !== undefined && { url }) }));
  }

  /** One page, newest first. */
  async list(
    viewer: Viewer,
    { cursor: position, ...query }: z.output<typeof approvalQuerySchema>,
  ): Promise<z.output<typeof approvalPageSchema>> {
    // One more than asked for tells whether another page follows.
    const found = await this.#desk.list(viewer, {
      ...query,
      limit: query.limit + 1,
      ...(position !== undefined && { after: fromCursor(position) }),
    });
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    return {
      approvals: page.map(approval => this.write(approval)),
      ...(last && found.length > query.limit && { nextCursor: `${last.requestedAt}~${last.id}` }),
    };
  }
}

function fromCursor(text: string): ApprovalPosition {
  const [requestedAt = '', id = ''] = text.split('~');
  return { requestedAt, id };
}
