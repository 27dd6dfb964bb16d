import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import type { ActionCall, CapableAction } from '@callboard/actions-api';

export function testAction(changes: Partial<CapableAction> = {}): ActionsServiceAction {
  const { id = 'todo:create-item' } = changes;
  const [pluginId = '', name = ''] = id.split(':');
  return {
    id,
    pluginId,
    name,
    title: 'Create',
    description: 'Creates an item',
    schema: { input: {}, output: {} },
    attributes: { readOnly: false, destructive: false, idempotent: false },
    ...changes,
  } as ActionsServiceAction;
}

/** A call as gates see it, and the way to end it. */
export function testCall(
  changes: Partial<ActionCall> = {},
): ActionCall & { end(options?: { ran: boolean }): Promise<void> } {
  const listeners: Parameters<ActionCall['whenEnded']>[0][] = [];
  return {
    requestId: 'request-1',
    principal: 'user:default/ada',
    clientId: undefined,
    door: 'mcp',
    server: undefined,
    scopes: undefined,
    action: testAction(),
    effect: 'create',
    input: {},
    mode: 'full_access',
    credentials: { $$type: '@backstage/BackstageCredentials', principal: { type: 'none' } },
    signal: new AbortController().signal,
    decide() {},
    whenEnded: listener => void listeners.push(listener),
    async end(options = { ran: true }) {
      for (const listener of listeners.splice(0)) {
        await listener(options);
      }
    },
    ...changes,
  };
}
