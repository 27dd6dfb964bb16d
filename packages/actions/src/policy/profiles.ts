import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { capabilityOf, matchesName, READ_CAPABILITY, WRITE_CAPABILITY } from '@callboard/actions-api';
import * as z from 'zod';
import { actionFilterSchema, compileActionFilter } from '../catalogue/ActionFilter.js';

const capabilitySchema = z
  .string()
  .regex(/^(\*|[a-z][a-z0-9-]*:(\*|[a-z][a-z0-9-]*))$/, 'expected a capability such as actions:read, approvals:* or *');

/** A profile as configuration writes it. */
export const profileSchema = z.strictObject({
  capabilities: z.array(capabilitySchema).min(1),
  filter: actionFilterSchema.optional(),
});

/** A named set of capabilities: what it lacks is neither listed nor callable. */
export interface Profile {
  readonly name: string;
  has(capability: string): boolean;
  /** Whether an action is listed and can be called under it, as far as its definition says. */
  allows(action: ActionsServiceAction): boolean;
}

const inspection = [READ_CAPABILITY, 'audit:read', 'alerts:read'];
const operation = [...inspection, 'approvals:read', 'approvals:decide'];

/** Those that are there without configuration. */
export const builtInProfiles: Readonly<Record<string, z.output<typeof profileSchema>>> = {
  agent: { capabilities: [...inspection, WRITE_CAPABILITY] },
  operator: { capabilities: operation },
  readonly: { capabilities: inspection },
  admin: { capabilities: ['*'] },
};

export function createProfile(name: string, { capabilities, filter = {} }: z.output<typeof profileSchema>): Profile {
  const isIncluded = compileActionFilter(filter);
  const has = (capability: string) => capabilities.some(pattern => matchesName(pattern, capability));
  return { name, has, allows: action => has(capabilityOf(action)) && isIncluded(action) };
}
