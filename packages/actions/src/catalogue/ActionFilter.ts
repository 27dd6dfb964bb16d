import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import * as z from 'zod';
import { Minimatch } from '../sharedCopies.js';

const ruleSchema = z.strictObject({
  id: z.string().min(1).max(256).optional(),
  attributes: z
    .strictObject({
      destructive: z.boolean().optional(),
      readOnly: z.boolean().optional(),
      idempotent: z.boolean().optional(),
    })
    .optional(),
});

/** `{ include?: rule[], exclude?: rule[] }`, as under `backend.actions.filter` and `mcpActions.servers.*.filter`. */
export const actionFilterSchema = z.strictObject({
  include: z.array(ruleSchema).optional(),
  exclude: z.array(ruleSchema).optional(),
});

export type ActionFilter = z.output<typeof actionFilterSchema>;
type Rule = z.output<typeof ruleSchema>;
type Filterable = Pick<ActionsServiceAction, 'id' | 'attributes'>;

/**
 * Makes a filter ready to use. Within a rule all conditions must hold, one rule is enough, exclude
 * beats include, and a filter without include rules includes everything. Globs are matched against
 * the action id (`plugin:action`).
 */
export function compileActionFilter({ include = [], exclude = [] }: ActionFilter): (action: Filterable) => boolean {
  const included = include.map(compileRule);
  const excluded = exclude.map(compileRule);
  return action =>
    !excluded.some(matches => matches(action)) && (included.length === 0 || included.some(matches => matches(action)));
}

function compileRule({ id, attributes = {} }: Rule): (action: Filterable) => boolean {
  const glob = id === undefined ? undefined : new Minimatch(id);
  const wanted = Object.entries(attributes) as [keyof Filterable['attributes'], boolean | undefined][];
  return action =>
    (glob === undefined || glob.match(action.id)) &&
    wanted.every(([name, value]) => value === undefined || action.attributes[name] === value);
}
