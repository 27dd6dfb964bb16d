import { expect, test } from 'vitest';
import { fitAuthorizationRequest, fitTokenRequest } from './requestParameters.js';
import { createResources } from './resources.js';
import { expandScopes, narrowScopes } from './scopes.js';

const resources = createResources({
  baseUrl: 'https://portal.example.com/callboard/api/mcp-actions',
  servers: [
    { key: undefined, name: 'Board' },
    { key: 'ops', name: 'Operations' },
  ],
});
const url = 'https://portal.example.com/callboard/api/mcp-actions/v1';

test.each([
  [url, url],
  [`${url}/`, url],
  [`${url}/ops/`, `${url}/ops`],
  ['HTTPS://Portal.Example.COM/callboard/api/mcp-actions/v1', url],
  ['https://portal.example.com:443/callboard/api/mcp-actions/v1', url],
])('%s means %s', (indicator, canonical) => {
  expect(resources.find(indicator)?.url).toBe(canonical);
});

test.each([
  `${url}/other`,
  `${url}//`,
  `${url}?x=1`,
  `${url}#`,
  `${url}/OPS`,
  'https://portal.example.com/callboard/api/mcp-actions',
  'https://portal.example.com:8443/callboard/api/mcp-actions/v1',
  'https://user@portal.example.com/callboard/api/mcp-actions/v1',
  'http://portal.example.com/callboard/api/mcp-actions/v1',
  'https://portal.example.com.evil.io/callboard/api/mcp-actions/v1',
  '',
])('%j is none of the servers', indicator => {
  expect(resources.find(indicator)).toBeUndefined();
});

test('foreign scopes are left out, and none of ours means all, by default', () => {
  const named = new URLSearchParams({ scope: 'openid actions:write', resource: `${url}/` });
  const unnamed = new URLSearchParams({ scope: 'openid' });
  const forged = new URLSearchParams({ scope: 'actions:destructive', scope_defaulted: 'true' });

  for (const params of [named, unnamed, forged]) {
    fitAuthorizationRequest(params, resources);
  }

  expect(Object.fromEntries(named)).toEqual({ scope: 'actions:write', resource: url });
  expect(Object.fromEntries(unnamed)).toEqual({
    scope: 'actions:read actions:write actions:destructive',
    scope_defaulted: 'true',
  });
  expect(Object.fromEntries(forged)).toEqual({ scope: 'actions:destructive' });
});

test('repeated scopes stay repeated, to be refused', () => {
  const params = new URLSearchParams('scope=a&scope=b');

  fitAuthorizationRequest(params, resources);

  expect(params.getAll('scope')).toEqual(['a', 'b']);
});

test.each([
  [[url, `${url}/`], url],
  [[url, `${url}/ops`], 'urn:callboard:several-resources'],
  [[url, 'x'], 'urn:callboard:several-resources'],
])('several resources %j are one only if they mean one', (named, one) => {
  const params = new URLSearchParams(named.map((resource): [string, string] => ['resource', resource]));

  fitAuthorizationRequest(params, resources);

  expect(params.getAll('resource')).toEqual([one]);
});

test('answers come in the query and in no other way', () => {
  const asked = (mode: string) => {
    const params = new URLSearchParams({ response_mode: mode });
    fitAuthorizationRequest(params, resources);
    return params.get('response_mode');
  };

  expect(['query', 'form_post', 'fragment'].map(asked)).toEqual(['query', 'unsupported', 'unsupported']);
});

test('a token request never gains a scope', () => {
  const none = new URLSearchParams();
  const foreign = new URLSearchParams({ scope: 'openid' });

  fitTokenRequest(none, resources);
  fitTokenRequest(foreign, resources);

  expect([none.has('scope'), foreign.has('scope')]).toEqual([false, false]);
});

test('broader scopes include narrower ones, and a person can only narrow', () => {
  expect(expandScopes('actions:destructive')).toEqual(['actions:read', 'actions:write', 'actions:destructive']);
  expect(expandScopes('actions:read openid')).toEqual(['actions:read']);
  expect(expandScopes('openid')).toEqual([]);
  expect(narrowScopes(['actions:read', 'actions:write'], ['actions:write'])).toEqual(['actions:read', 'actions:write']);
  expect(() => narrowScopes(['actions:read'], ['actions:write'])).toThrow('was not requested');
  expect(() => narrowScopes(['actions:read'], [])).toThrow('at least one');
});
