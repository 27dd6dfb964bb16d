import { coreServices, createServiceFactory } from '@backstage/backend-plugin-api';
import { actionsServiceRef } from '@backstage/backend-plugin-api/alpha';
import type { JsonValue } from '@backstage/types';
import { Invocation } from '../invocation/Invocation.js';
import { invocationPolicyServiceRef } from '../invocation/invocationPolicy.js';
import { invokeAction } from '../invocation/invokeAction.js';
import { CallerView, callerThrough } from '../policy/CallerView.js';
import { actionCatalogueServiceRef } from './actionCatalogueServiceFactory.js';

/** Backstage's service for listing and calling actions, for code in this process. */
export const actionsServiceFactory = createServiceFactory({
  service: actionsServiceRef,
  deps: {
    auditor: coreServices.auditor,
    catalogue: actionCatalogueServiceRef,
    policy: invocationPolicyServiceRef,
  },
  factory: ({ auditor, catalogue, policy }) => ({
    async list({ credentials }) {
      const view = new CallerView({ ...policy, caller: callerThrough('in-process', credentials) });
      const { descriptors } = view.filter(await catalogue.list(credentials));
      return { actions: [...descriptors] };
    },
    async invoke({ id, input, secrets, credentials }) {
      const invocation = new Invocation({
        name: id,
        find: () => catalogue.find(id, credentials),
        input,
        secrets,
        credentials,
        door: 'in-process',
      });
      const output = await invokeAction(invocation, { policy, auditor, audit: { eventId: 'action-execution' } });
      // What a caller gets must not depend on whether the action happens to be in this process.
      return {
        output: output === undefined ? (undefined as never) : (JSON.parse(JSON.stringify(output)) as JsonValue),
      };
    },
  }),
});
