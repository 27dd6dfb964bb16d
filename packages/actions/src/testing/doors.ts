import type { BackendFeature } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import { inProcessCaller } from './actionsPlugin.js';
import { startTestBackend, type TestBackend } from './startTestBackend.js';

/** How a call through one of the doors ended. */
export type Outcome = { output: unknown } | { error: { name: string; message: string } };

export type Door = 'http' | 'in-process';
export const doors: Door[] = ['http', 'in-process'];

export interface BackendWithDoors extends TestBackend {
  call(door: Door, id: string, input?: JsonObject, secrets?: JsonObject): Promise<Outcome>;
  /** Ids of the actions that a caller at this door is shown. */
  list(door: Door): Promise<string[]>;
}

/** A backend whose plugin `todo` can be called over HTTP and by another plugin of the same process. */
export async function startBackendWithDoors(
  features: BackendFeature[],
  actions: JsonObject = {},
): Promise<BackendWithDoors> {
  const caller = inProcessCaller();
  const backend = await startTestBackend({
    features: [caller.feature, ...features],
    backendConfig: { actions: { pluginSources: ['todo'], ...actions } },
  });
  const overHttp = async (id: string, input?: JsonObject, secrets?: JsonObject) => {
    const { body } = await backend.invokeAction(id, { version: 'v2', body: { input, secrets } });
    return body;
  };
  const inProcess = async (id: string, input?: JsonObject, secrets?: JsonObject) => {
    const credentials = await caller.ownCredentials();
    return caller.actions.invoke({ id, input: input as JsonObject, secrets, credentials });
  };
  return Object.assign(backend, {
    async list(door: Door) {
      const { actions } =
        door === 'http'
          ? (await backend.listActions('todo')).body
          : await caller.actions.list({ credentials: await caller.ownCredentials() });
      return (actions as { id: string }[]).map(({ id }) => id);
    },
    async call(door: Door, ...args: [id: string, input?: JsonObject, secrets?: JsonObject]): Promise<Outcome> {
      try {
        const answer = await (door === 'http' ? overHttp(...args) : inProcess(...args));
        return answer.error ? { error: { name: answer.error.name, message: answer.error.message } } : answer;
      } catch (error) {
        const { name, message } = toError(error);
        return { error: { name, message } };
      }
    },
  });
}
