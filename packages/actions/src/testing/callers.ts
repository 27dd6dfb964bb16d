import type { Caller } from '@callboard/actions-api';

/** A caller as rules see them: a person at the HTTP door, unless parts of it are given. */
export function callerOf(parts: Partial<Caller> = {}): Caller {
  return {
    principal: 'user:default/ada',
    clientId: undefined,
    door: 'http',
    server: undefined,
    scopes: undefined,
    ...parts,
  };
}
