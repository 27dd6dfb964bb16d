import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { SafetyMode } from '@callboard/actions-api';
import { expect, test } from 'vitest';
import type { CallerRule } from '../config.js';
import { callerOf } from '../testing/callers.js';
import { openPolicy } from '../testing/openPolicy.js';
import { listedAction } from '../testing/sourceServer.js';
import { CallerView, callerThrough } from './CallerView.js';
import { CallPolicy } from './CallPolicy.js';

const write = { readOnly: false, destructive: false, idempotent: false };
const descriptors = [
  listedAction('todo:list'),
  listedAction('todo:add', { attributes: write }),
  listedAction('todo:query', { attributes: write, effect: 'by-input' } as object),
  listedAction('safety:approve', { attributes: write, capability: 'approvals:decide' } as object),
];

function viewOf(options: { mode?: SafetyMode; callers?: CallerRule[]; held?: string[] } = {}): CallerView {
  const { mode = 'full_access', callers = [], held = [] } = options;
  const policy = openPolicy({
    rules: new CallPolicy({ mode: { value: mode, config: 'backend.actions.mode' }, profiles: {}, callers }),
  });
  policy.visibilityRules.add({ id: 'pinning', version: held.join(), allows: ({ id }) => !held.includes(id) });
  return new CallerView({ ...policy, caller: callerOf() });
}

const listed = (view: CallerView) =>
  view.filter({ descriptors, fingerprint: 'f' }).descriptors.map(({ id }) => id.split(':')[1]);

test('leaves everything where nothing is ruled', () => {
  expect(listed(viewOf())).toEqual(['list', 'add', 'query', 'approve']);
});

test.each<[SafetyMode, string[]]>([
  ['read_only', ['list', 'query']],
  ['safe', ['list', 'add', 'query', 'approve']],
  ['delete_safe', ['list', 'add', 'query', 'approve']],
])('in the mode %s leaves what some input could be let through for', (mode, names) => {
  expect(listed(viewOf({ mode }))).toEqual(names);
});

test.each([
  ['agent', ['list', 'add', 'query']],
  ['operator', ['list', 'approve']],
  ['readonly', ['list']],
  ['admin', ['list', 'add', 'query', 'approve']],
])('under the profile %s leaves what it has', (profile, names) => {
  expect(listed(viewOf({ callers: [{ profile }] }))).toEqual(names);
});

test.each<[SafetyMode, string[]]>([
  ['read_only', ['never', 'never', 'never', 'never']],
  ['safe', ['never', 'always', 'by-input', 'always']],
  ['delete_safe', ['never', 'never', 'by-input', 'never']],
  ['full_access', ['never', 'never', 'never', 'never']],
])('in the mode %s says which calls a person has to approve', (mode, needs) => {
  const view = viewOf({ mode });

  expect(descriptors.map(action => view.approvalNeedOf(action))).toEqual(needs);
});

test('under two profiles leaves what both have', () => {
  expect(listed(viewOf({ callers: [{ profile: 'agent' }, { profile: 'operator' }] }))).toEqual(['list']);
});

test('leaves out what a rule holds back', () => {
  const view = viewOf({ held: ['todo:add'] });

  expect(listed(view)).toEqual(['list', 'query', 'approve']);
  expect(view.isListed(listedAction('todo:add'))).toBe(false);
});

test('has a key that differs where the rules do, and lists have it in their fingerprint', () => {
  const views = [viewOf(), viewOf({ callers: [{ profile: 'agent' }] }), viewOf({ held: ['todo:add'] })];
  const fingerprints = views.map(view => view.filter({ descriptors, fingerprint: 'f' }).fingerprint);

  expect(new Set(views.map(({ key }) => key)).size).toBe(3);
  expect(new Set(fingerprints).size).toBe(3);
  expect(viewOf().key).toBe(viewOf().key);
});

test.each(['http', 'in-process'] as const)('a caller through the door %s has a name and no client', door => {
  const credentials = { principal: { type: 'user', userEntityRef: 'user:default/Ada' } } as never;

  expect(callerThrough(door, credentials as BackstageCredentials)).toEqual({
    principal: 'user:default/ada',
    door,
    clientId: undefined,
    server: undefined,
    scopes: undefined,
  });
});
