import * as z from 'zod';
import { commentSchema } from '../approvalJson.js';

export const decisionInputSchema = z.strictObject({
  approvalId: z.string().min(1).max(100).describe('The id of a pending approval'),
  comment: commentSchema,
});
