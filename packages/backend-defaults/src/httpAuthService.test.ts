import { httpAuthServiceFactory as stockFactory } from '@backstage/backend-defaults/httpAuth';
import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { expect, test } from 'vitest';
import { httpAuthServiceFactory } from './httpAuthService.js';

type Request = Parameters<HttpAuthService['credentials']>[0];

async function create(factory: typeof stockFactory): Promise<HttpAuthService> {
  const auth = {
    authenticate: async (token: string, options?: { allowLimitedAccess?: boolean }) => {
      if (token === 'bad') {
        throw Object.assign(new Error('Illegal token'), { name: 'AuthenticationError' });
      }
      return { principal: { type: token.startsWith('user') ? 'user' : 'service', token, limited: options } };
    },
    getNoneCredentials: async () => ({ principal: { type: 'none' } }),
    isPrincipal: ({ principal }: { principal: { type: string } }, type: string) => principal.type === type,
  };
  const { factory: make } = factory as unknown as { factory(deps: object, context: unknown): Promise<HttpAuthService> };
  return make({ auth, discovery: {}, plugin: { getId: () => 'mine' } }, undefined);
}

const requests = {
  'a bearer token': { authorization: 'Bearer service-1' },
  'a bearer token in lower case': { authorization: 'bearer user-1' },
  'a cookie': { cookie: 'backstage-auth=user-2' },
  'a token and a cookie': { authorization: 'Bearer user-1', cookie: 'backstage-auth=user-2' },
  'a bad token': { authorization: 'Bearer bad' },
  'another scheme': { authorization: 'Basic c2VydmljZS0xOg==' },
  nothing: {},
};
const demands = [undefined, { allow: ['user'] }, { allow: ['service', 'none'] }, { allowLimitedAccess: true }] as const;

test.each(Object.entries(requests).flatMap(([name, headers]) => demands.map(options => ({ name, headers, options }))))(
  'answers as Backstage does: $name, $options',
  async ({ headers, options }) => {
    const ask = async (factory: typeof stockFactory) => {
      const service = await create(factory);
      const credentials = service.credentials({ headers } as Request, options as never);
      return credentials.catch(({ name, message }: Error) => ({ name, message }));
    };

    expect(await ask(httpAuthServiceFactory)).toEqual(await ask(stockFactory));
  },
);
