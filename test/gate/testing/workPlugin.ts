import type { BackendFeature } from '@backstage/backend-plugin-api';
import { type ActionEffect, actionEffects } from '@callboard/actions-api';
import * as z from 'zod';
import { actionsPlugin } from '../../../packages/actions/src/testing/actionsPlugin.js';

const output = z.object({ done: z.string() });

export interface Work {
  readonly feature: BackendFeature;
  /** The keys of the calls that ran, one for each run. */
  readonly runs: string[];
  timesRun(key: string): number;
}

/**
 * Actions of every class: `<class>-stated` says it, `computed` does what its input says, `unlabelled`
 * says nothing at all. Each call has a key of its own.
 *
 * @param options.description - of `update-stated`; a change makes it another action.
 */
export function workPlugin(options: { description?: string } = {}): Work {
  const runs: string[] = [];
  const run = async ({ input }: { input: { key: string } }) => {
    runs.push(input.key);
    return { output: { done: input.key } };
  };
  const about = (name: string) => ({
    name,
    title: name,
    description: (name === 'update-stated' && options.description) || `Does what an action of the kind ${name} does`,
  });
  const feature = actionsPlugin('work', registry => {
    for (const effect of actionEffects) {
      const input = z.looseObject({ key: z.string() });
      registry.register({ ...about(`${effect}-stated`), effect, schema: { input, output }, action: run });
    }
    registry.register({
      ...about('computed'),
      effect: (input: { as: ActionEffect }) => input.as,
      schema: { input: z.object({ key: z.string(), as: z.enum(actionEffects) }), output },
      action: run,
    });
    registry.register({
      ...about('unlabelled'),
      schema: { input: z.object({ key: z.string() }), output },
      action: run,
    });
  });
  return { feature, runs, timesRun: key => runs.filter(run => run === key).length };
}
