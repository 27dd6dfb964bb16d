import { describe, expect, test } from 'vitest';
import { withSeeds } from '../testing/random.js';
import { type ActionFilter, compileActionFilter } from './ActionFilter.js';

const attributes = { readOnly: false, destructive: true, idempotent: false };
const action = (id: string, given: Partial<typeof attributes> = {}) => ({
  id,
  attributes: { ...attributes, ...given },
});
const passes = (filter: ActionFilter, id: string, given?: Partial<typeof attributes>) =>
  compileActionFilter(filter)(action(id, given));

describe('include', () => {
  test.each<[string, ActionFilter]>([
    ['nothing given', {}],
    ['no rules', { include: [] }],
    ['neither kind of rules', { include: [], exclude: [] }],
    ['an empty rule', { include: [{}] }],
    ['a rule with no attributes in it', { include: [{ attributes: {} }] }],
  ])('of %s lets everything through', (_, filter) => {
    expect(passes(filter, 'todo:anything')).toBe(true);
  });

  test('lets through what one rule matches, and nothing else', () => {
    const filter = { include: [{ id: 'todo:read' }, { id: 'catalog:*' }] };

    expect(passes(filter, 'todo:read')).toBe(true);
    expect(passes(filter, 'catalog:get')).toBe(true);
    expect(passes(filter, 'todo:purge')).toBe(false);
    expect(passes(filter, 'todo:read-all')).toBe(false);
  });
});

describe('exclude', () => {
  test('alone keeps out what it matches, and nothing else', () => {
    const filter = { exclude: [{ id: 'todo:purge' }] };

    expect(passes(filter, 'todo:purge')).toBe(false);
    expect(passes(filter, 'todo:read')).toBe(true);
  });

  test('wins over include', () => {
    const filter = { include: [{ id: 'todo:*' }], exclude: [{ id: '*:purge' }] };

    expect(passes(filter, 'todo:purge')).toBe(false);
    expect(passes(filter, 'todo:read')).toBe(true);
  });

  test('with an empty rule keeps everything out', () => {
    expect(passes({ include: [{ id: 'todo:*' }], exclude: [{}] }, 'todo:read')).toBe(false);
  });
});

describe('a glob', () => {
  test.each([
    ['todo:*', 'todo:read', true],
    ['todo:*', 'todo-list:read', false],
    ['*:read', 'todo:read', true],
    ['*', 'todo:read', true],
    ['**', 'todo:read', true],
    ['todo:{read,list}', 'todo:list', true],
    ['todo:re?d', 'todo:read', true],
    ['todo:[a-m]*', 'todo:read', false],
    ['!todo:purge', 'todo:read', true],
    ['!todo:purge', 'todo:purge', false],
    ['todo:get.item', 'todo:getXitem', false],
    ['todo:read', 'TODO:READ', false],
  ])('%s of %s: %s', (id, actionId, expected) => {
    expect(passes({ include: [{ id }] }, actionId)).toBe(expected);
  });
});

describe('attributes', () => {
  test.each<[Partial<typeof attributes>, Partial<typeof attributes>, boolean]>([
    [{ readOnly: true }, { readOnly: true, destructive: false }, true],
    [{ readOnly: true }, {}, false],
    [{ destructive: false }, {}, false],
    [{ destructive: false, idempotent: true }, { destructive: false, idempotent: true }, true],
    [{ destructive: false, idempotent: true }, { destructive: false }, false],
    [{ destructive: undefined }, { destructive: false }, true],
  ])('%j of %j: %s', (wanted, given, expected) => {
    expect(passes({ include: [{ attributes: wanted }] }, 'todo:one', given)).toBe(expected);
  });

  test('and the id must both match', () => {
    const filter = { include: [{ id: 'todo:*', attributes: { readOnly: true } }] };

    expect(passes(filter, 'todo:one', { readOnly: true })).toBe(true);
    expect(passes(filter, 'todo:one')).toBe(false);
    expect(passes(filter, 'other:one', { readOnly: true })).toBe(false);
  });
});

test('whatever the rules: excluded is out, and of the rest in is what an include rule matches or all if there are none', () =>
  withSeeds(300, random => {
    const pick = <T>(values: T[]): T => values[Math.floor(random() * values.length)] as T;
    const flags = ['readOnly', 'destructive', 'idempotent'] as const;
    const rule = () => ({
      ...(random() < 0.6 && { id: pick(['a:*', 'b:*', '*:x', '*:y', 'a:x']) }),
      ...(random() < 0.6 && { attributes: { [pick([...flags])]: random() < 0.5 } }),
    });
    const rules = () => Array.from({ length: Math.floor(random() * 3) }, rule);
    const filter = { include: rules(), exclude: rules() };
    const matches = ({ id, attributes: wanted = {} }: ReturnType<typeof rule>, given: ReturnType<typeof action>) => {
      const [plugin, name] = (id ?? '*:*').split(':');
      const [givenPlugin, givenName] = given.id.split(':');
      const fits = (glob: string | undefined, text: string | undefined) => glob === '*' || glob === text;
      return (
        fits(plugin, givenPlugin) &&
        fits(name, givenName) &&
        Object.entries(wanted).every(([flag, value]) => given.attributes[flag as (typeof flags)[number]] === value)
      );
    };
    const isIncluded = compileActionFilter(filter);

    for (let turn = 0; turn < 10; turn += 1) {
      const given = action(`${pick(['a', 'b', 'c'])}:${pick(['x', 'y', 'z'])}`, {
        readOnly: random() < 0.5,
        destructive: random() < 0.5,
        idempotent: random() < 0.5,
      });
      const expected =
        !filter.exclude.some(it => matches(it, given)) &&
        (filter.include.length === 0 || filter.include.some(it => matches(it, given)));

      expect(isIncluded(given), JSON.stringify({ filter, given })).toBe(expected);
    }
  }));
