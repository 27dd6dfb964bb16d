import type { AuthService } from '@backstage/backend-plugin-api';
import { expect, test } from 'vitest';
import { CatalogUsers } from './CatalogUsers.js';

const ada = {
  apiVersion: 'backstage.io/v1alpha1',
  kind: 'User',
  metadata: { name: 'ada', namespace: 'default' },
  relations: [
    { type: 'memberOf', targetRef: 'group:default/stage' },
    { type: 'ownerOf', targetRef: 'component:default/lights' },
  ],
};

/** A catalog that answers everything alike, and notes what it was asked. */
function catalogThatAnswers(status: number, body: unknown) {
  const asked: { url: string; authorization: string | null }[] = [];
  const users = new CatalogUsers({
    auth: {
      getOwnServiceCredentials: async () => ({ principal: { type: 'service', subject: 'plugin:auth' } }),
      getPluginRequestToken: async () => ({ token: 'service-token' }),
    } as unknown as AuthService,
    discovery: {
      getBaseUrl: async id => `http://backend/api/${id}`,
      getExternalBaseUrl: async id => `http://backend/api/${id}`,
    },
    fetch: async (url, init) => {
      asked.push({
        url: decodeURIComponent(String(url)),
        authorization: new Headers(init?.headers).get('authorization'),
      });
      return Response.json(body, { status });
    },
  });
  return { users, asked };
}

test.each([
  [{ name: 'ada' }, '/entities/by-name/user/default/ada'],
  ['user:stage/ada', '/entities/by-name/user/stage/ada'],
  ['ada', '/entities/by-name/user/default/ada'],
  [{ kind: 'User', namespace: 'x', name: 'a d/a' }, '/entities/by-name/User/x/a d/a'],
])('a user is found by the reference %j', async (entityRef, path) => {
  const { users, asked } = catalogThatAnswers(200, ada);

  const { entity } = await users.findCatalogUser({ entityRef });

  expect(entity.metadata.name).toBe('ada');
  expect(asked).toEqual([{ url: `http://backend/api/catalog${path}`, authorization: 'Bearer service-token' }]);
});

test('a user is found by annotations and by a filter, and nothing but users is asked for', async () => {
  const { users, asked } = catalogThatAnswers(200, [ada]);

  await users.findCatalogUser({ annotations: { 'github.com/user-id': 'N1' } });
  await users.findCatalogUser({ filter: { 'spec.profile.email': 'ada@example.com', kind: 'group' } });

  expect(asked.map(({ url }) => url.split('?')[1])).toEqual([
    'filter=metadata.annotations.github.com/user-id=N1,kind=user',
    'filter=spec.profile.email=ada@example.com,kind=user',
  ]);
});

test.each([
  ['no such user', 404, {}],
  ['an empty list', 200, []],
  ['something else than a user', 200, [{ ...ada, kind: 'Group' }]],
])('with %s nobody is found', async (_name, status, body) => {
  const { users } = catalogThatAnswers(status, body);

  await expect(users.findCatalogUser({ filter: { 'spec.profile.email': 'x' } })).rejects.toThrow('No user');
});

test('several users are nobody', async () => {
  const { users } = catalogThatAnswers(200, [ada, ada]);

  await expect(users.findCatalogUser({ annotations: { a: 'b' } })).rejects.toThrow('Several users');
});

test('a value cannot add conditions of its own', async () => {
  const { users, asked } = catalogThatAnswers(200, [ada]);

  await expect(users.findCatalogUser({ annotations: { a: 'b,metadata.name=ada' } })).rejects.toThrow('No user');
  expect(asked).toEqual([]);
});

test('a catalog that fails is not the same as a user who is unknown', async () => {
  const { users } = catalogThatAnswers(500, {});

  await expect(users.findCatalogUser({ entityRef: { name: 'ada' } })).rejects.toThrow('answered with 500');
});

test('a user owns what the groups own that they are a member of', async () => {
  const { users } = catalogThatAnswers(200, ada);

  expect(await users.resolveOwnershipEntityRefs(ada)).toEqual({
    ownershipEntityRefs: ['user:default/ada', 'group:default/stage'],
  });
});
