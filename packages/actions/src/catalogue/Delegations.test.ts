import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';
import { NotAllowedError } from '@backstage/errors';
import { beforeEach, expect, it } from 'vitest';
import { Delegations } from './Delegations.js';

let nowMs: number;
let issued: number;
let expiresAt: Date | undefined;
let mayDelegate: boolean;
let delegations: Delegations;

const user = (name: string) =>
  ({
    $$type: '@backstage/BackstageCredentials',
    principal: { type: 'user', userEntityRef: name },
  }) as BackstageCredentials;

beforeEach(() => {
  nowMs = 1_000_000;
  issued = 0;
  expiresAt = undefined;
  mayDelegate = true;
  delegations = new Delegations({ auth, nowMs: () => nowMs });
});

const auth = {
  async getPluginRequestToken({ targetPluginId }: { targetPluginId: string }) {
    if (!mayDelegate) {
      throw new NotAllowedError('not this plugin');
    }
    issued += 1;
    return { token: `${targetPluginId} ${issued}` };
  },
  async authenticate(token: string) {
    return { $$type: '@backstage/BackstageCredentials', principal: token, expiresAt };
  },
} as unknown as AuthService;

it('signs one token for the calls of one caller to one plugin within ten seconds', async () => {
  const ada = user('ada');
  const first = await delegations.to(auth, 'todo', ada);
  nowMs += 9_999;
  const second = await delegations.to(auth, 'todo', ada);
  nowMs += 1;
  const third = await delegations.to(auth, 'todo', ada);

  expect(second).toBe(first);
  expect([first.principal, third.principal]).toEqual(['todo 1', 'todo 2']);
});

it('keeps callers and plugins apart', async () => {
  const [ada, eve] = [user('ada'), user('eve')];

  const principals = await Promise.all([
    delegations.to(auth, 'todo', ada),
    delegations.to(auth, 'todo', eve),
    delegations.to(auth, 'catalog', ada),
  ]);

  expect(new Set(principals.map(({ principal }) => principal)).size).toBe(3);
});

it('does not outlive the credentials', async () => {
  const ada = user('ada');
  expiresAt = new Date(nowMs + 2_000);
  await delegations.to(auth, 'todo', ada);
  nowMs += 2_000;

  await delegations.to(auth, 'todo', ada);

  expect(issued).toBe(2);
});

it('does not remember a refusal', async () => {
  const ada = user('ada');
  mayDelegate = false;
  await expect(delegations.to(auth, 'todo', ada)).rejects.toThrow('not this plugin');
  mayDelegate = true;

  expect(await delegations.to(auth, 'todo', ada)).toMatchObject({ principal: 'todo 1' });
});
