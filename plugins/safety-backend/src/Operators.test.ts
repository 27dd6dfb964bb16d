import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import { expect, test } from 'vitest';
import { Operators } from './Operators.js';
import { pausePermission } from './permissions.js';

const operators = (patterns: string[], result: AuthorizeResult.ALLOW | AuthorizeResult.DENY = AuthorizeResult.ALLOW) =>
  new Operators({
    patterns,
    permissions: {
      authorize: async requests => requests.map(() => ({ result })),
      authorizeConditional: async () => [],
    },
  });
const user = (userEntityRef: string) => ({ principal: { type: 'user', userEntityRef } }) as BackstageCredentials;
const service = (subject: string) => ({ principal: { type: 'service', subject } }) as BackstageCredentials;
const nobody = { principal: { type: 'none' } } as BackstageCredentials;
const isOperator = async (patterns: string[], credentials: BackstageCredentials) =>
  operators(patterns)
    .authorize(credentials, pausePermission, 'Pausing')
    .then(
      () => true,
      () => false,
    );

test('people are operators and services are not, unless they are listed', async () => {
  expect(await isOperator(['user:*'], user('user:default/ada'))).toBe(true);
  expect(await isOperator(['user:*'], service('external:ops'))).toBe(false);
  expect(await isOperator(['user:*'], service('user:default/ada'))).toBe(false);
  expect(await isOperator(['*'], service('plugin:mcp-actions'))).toBe(true);
  expect(await isOperator(['external:ops'], service('external:ops'))).toBe(true);
  expect(await isOperator(['external:ops'], user('user:default/ada'))).toBe(false);
  expect(await isOperator(['user:*', 'external:*'], nobody)).toBe(false);
  expect(await isOperator([], user('user:default/ada'))).toBe(false);
});

test('who is refused is told what is missing', async () => {
  const ada = user('user:default/ada');

  await expect(operators(['user:ops/*']).authorize(ada, pausePermission, 'Pausing')).rejects.toMatchObject({
    name: 'NotAllowedError',
    message: 'Pausing is for operators: user:default/ada is none of safety.operators',
  });
  await expect(
    operators(['user:*'], AuthorizeResult.DENY).authorize(ada, pausePermission, 'Pausing'),
  ).rejects.toMatchObject({ name: 'NotAllowedError', message: 'Pausing needs the permission safety.pause' });
});
