import * as z from 'zod';
import { definitionStates } from './DefinitionReview.js';

const fingerprint = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
const jsonObject = z.record(z.string(), z.unknown());

/** How definitions are accepted, over HTTP and by the action alike. */
export const acceptanceSchema = z.strictObject({
  actionIds: z
    .union([z.literal('all'), z.array(z.string().min(1).max(300)).min(1).max(10_000)])
    .describe('all, or ids such as todo:create-item'),
  fingerprints: z
    .record(z.string(), fingerprint)
    .optional()
    .describe(
      'By action id, as they were shown: what has changed since is not accepted. May be left out with all, to accept whatever waits',
    ),
});

export const acceptedSchema = z.object({ accepted: z.array(z.string()) });

export const definitionsQuerySchema = z.strictObject({ state: z.enum(definitionStates).default('held') });

const acceptedDefinition = {
  fingerprint: z.string(),
  definition: jsonObject,
  acceptedAt: z.string(),
  acceptedBy: z.string(),
};

export const heldDefinitionsSchema = z.object({
  definitions: z.array(
    z.object({
      actionId: z.string(),
      change: z.enum(['new', 'changed']).describe('Since an operator last accepted it'),
      fingerprint: z.string().describe('Of this definition and no other; accepting it takes it back'),
      seenAt: z.string(),
      definition: jsonObject,
      accepted: z.object(acceptedDefinition).optional().describe('What was accepted last'),
      changedParts: z.array(z.string()).optional(),
    }),
  ),
});
