import { describe, expect, test } from 'vitest';
import { listedAction } from '../testing/sourceServer.js';
import { builtInProfiles, createProfile, profileSchema } from './profiles.js';

const write = { readOnly: false, destructive: false, idempotent: false };
const named = (name: string) => createProfile(name, builtInProfiles[name] as never);

describe('the built-in profiles', () => {
  const capabilities = [
    'actions:read',
    'actions:write',
    'approvals:read',
    'approvals:decide',
    'audit:read',
    'alerts:read',
    'pause:write',
    'reports:write',
  ];
  const table: Record<string, string[]> = {
    agent: ['actions:read', 'actions:write', 'audit:read', 'alerts:read'],
    operator: ['actions:read', 'approvals:read', 'approvals:decide', 'audit:read', 'alerts:read'],
    readonly: ['actions:read', 'audit:read', 'alerts:read'],
    admin: capabilities,
  };

  test('are four', () => {
    expect(Object.keys(builtInProfiles)).toEqual(Object.keys(table));
  });

  const cells = Object.entries(table).flatMap(([name, has]) =>
    capabilities.map(capability => [name, has.includes(capability), capability] as const),
  );
  test.each(cells)('%s: %s for %s', (name, has, capability) => {
    const profile = named(name);

    expect(profile.has(capability)).toBe(has);
    expect(profile.allows(listedAction('safety:act', { capability } as object))).toBe(has);
  });

  test.each([
    ['agent', true],
    ['operator', false],
    ['readonly', false],
    ['admin', true],
  ])('%s lets through actions that write: %s', (name, allows) => {
    expect(named(name).allows(listedAction('todo:add', { attributes: write }))).toBe(allows);
    expect(named(name).allows(listedAction('todo:list'))).toBe(true);
  });
});

describe('a profile of its own', () => {
  test('has what its patterns match', () => {
    const profile = createProfile('own', { capabilities: ['reports:*', 'actions:read'] });

    expect(
      ['reports:read', 'reports:write', 'actions:read', 'actions:write', 'reportsx:read'].map(profile.has),
    ).toEqual([true, true, true, false, false]);
  });

  test('lets through only what its filter does as well', () => {
    const profile = createProfile('own', {
      capabilities: ['*'],
      filter: { include: [{ id: 'todo:*' }], exclude: [{ id: 'todo:purge-*' }] },
    });
    const allows = (id: string) => profile.allows(listedAction(id, { attributes: write }));

    expect(['todo:add', 'todo:purge-done', 'notes:add'].map(allows)).toEqual([true, false, false]);
  });

  test.each(['*', 'actions:*', '*:read', 'Actions:read', 'actions', 'actions:', ':read', 'actions:read:more', ''])(
    'whose capabilities name "%s"',
    capability => {
      const isRight = ['*', 'actions:*'].includes(capability);

      expect(profileSchema.safeParse({ capabilities: [capability] }).success).toBe(isRight);
    },
  );
});
