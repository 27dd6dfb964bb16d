import type { ActionOptions } from '@callboard/actions-api';
import type { Operators } from '../Operators.js';
import { definitionsAcceptPermission } from '../permissions.js';
import type { DefinitionReview } from '../pinning/DefinitionReview.js';
import { acceptanceSchema, acceptedSchema } from '../pinning/definitionRequests.js';

export const acceptDefinitions = ({
  definitions,
  operators,
}: {
  definitions: DefinitionReview;
  operators: Operators;
}): ActionOptions<typeof acceptanceSchema, typeof acceptedSchema> => ({
  name: 'accept-definitions',
  title: 'Accept definitions',
  description:
    'Accepts definitions of actions as get-held-definitions showed them, so that the actions are listed and can be called.',
  schema: { input: acceptanceSchema, output: acceptedSchema },
  visibilityPermission: definitionsAcceptPermission,
  attributes: { destructive: true, idempotent: true },
  effect: 'execute',
  capability: 'safety:definitions',
  async action(context) {
    const { principal } = context.call;
    operators.assertOperator(principal, 'Accepting definitions');
    return { output: { accepted: await definitions.accept(context.input, principal) } };
  },
});
