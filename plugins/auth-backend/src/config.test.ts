import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { expect, test } from 'vitest';
import { readAuthConfig } from './config.js';

function read(auth: JsonObject | undefined, rest: JsonObject = {}) {
  return readAuthConfig(new ConfigReader({ ...(auth && { auth }), ...rest }));
}

test('without configuration nothing is on', () => {
  expect(read(undefined)).toMatchObject({
    enabled: false,
    guest: undefined,
    clients: [],
    dynamicRegistration: { enabled: false },
    clientDocuments: { enabled: false },
    tokens: { accessTokenMinutes: 15, refreshTokenDays: 30, refreshGraceSeconds: 10 },
    mcpServers: [{ key: undefined, name: 'backstage' }],
  });
});

test.each<[string, JsonObject]>([
  ['dynamic registration', { experimentalDynamicClientRegistration: { enabled: true } }],
  ['metadata documents', { clientIdMetadataDocuments: { enabled: true } }],
  ['metadata documents under the older key', { experimentalClientIdMetadataDocuments: { enabled: true } }],
  ['a configured client', { clients: [{ clientId: 'ci', name: 'CI' }] }],
])('%s switches the server on', (_name, auth) => {
  expect(read(auth).enabled).toBe(true);
});

test('the newer key of metadata documents goes before the older one', () => {
  const { clientDocuments } = read({
    clientIdMetadataDocuments: { enabled: false },
    experimentalClientIdMetadataDocuments: { enabled: true },
  });

  expect(clientDocuments.enabled).toBe(false);
});

test('what other plugins read under auth is left to them', () => {
  expect(() =>
    read({ environment: 'development', session: { secret: 'x' }, providers: { guest: {}, github: { x: 1 } } }),
  ).not.toThrow();
  expect(read({ providers: { guest: {} } }).guest).toEqual({ userEntityRef: undefined });
});

test('the MCP servers are known by key and name', () => {
  const { mcpServers } = read(undefined, {
    mcpActions: { name: 'Board', servers: { ops: { name: 'Operations' }, dev: {} } },
  });

  expect(mcpServers).toEqual([
    { key: undefined, name: 'Board' },
    { key: 'ops', name: 'Operations' },
    { key: 'dev', name: 'dev' },
  ]);
});

test('all mistakes are reported together, secrets without their values', () => {
  const readWrong = () =>
    read({
      experimentalDynamicClientRegistration: { enable: true, allowedRedirectUriPatterns: ['javascript://*', 'x'] },
      clientIdMetadataDocuments: { enabled: 'yes' },
      clients: [
        { clientId: 'backstage', name: 'B' },
        { clientId: 'ci', name: 'CI', clientSecret: 'short' },
        { clientId: 'web', name: 'W', redirectUris: ['javascript:alert(1)'] },
      ],
      tokens: { accessTokenMinutes: 600 },
      localUsers: [{ name: 'ada', passwordHash: 'hunter2' }],
    });

  expect(readWrong).toThrow(
    expect.objectContaining({
      name: 'InputError',
      message: expect.stringMatching(
        new RegExp(
          [
            'auth.experimentalDynamicClientRegistration.allowedRedirectUriPatterns.0: .*never allowed',
            'auth.experimentalDynamicClientRegistration.allowedRedirectUriPatterns.1: expected scheme',
            'auth.experimentalDynamicClientRegistration.enable: there is no such key',
            'auth.clientIdMetadataDocuments.enabled: expected boolean, got "yes"',
            'auth.clients.0.clientId: this name is reserved',
            'auth.clients.1.clientSecret: .*\\*\\*\\*',
            'auth.clients.2.redirectUris.0: expected an absolute URI',
            'auth.localUsers.0.passwordHash: expected scrypt.*\\*\\*\\*',
            'auth.tokens.accessTokenMinutes: .*<=60',
          ].join('[^]*'),
        ),
      ),
    }),
  );
  expect(readWrong).not.toThrow('hunter2');
});

test('a client or user may be configured once', () => {
  const ada = { name: 'ada', passwordHash: 'scrypt$YQ==$YQ==' };

  expect(() =>
    read({
      clients: [
        { clientId: 'a', name: 'A' },
        { clientId: 'a', name: 'B' },
      ],
    }),
  ).toThrow('clientId once');
  expect(() => read({ localUsers: [ada, { ...ada, name: 'Ada' }] })).toThrow('name once');
});
