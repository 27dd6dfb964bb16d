import { describe, expect, test } from 'vitest';
import { bindingOf } from './bindingOf.js';

const call = {
  principal: 'user:default/ada',
  fingerprint: 'f'.repeat(64),
  arguments: { id: '7', nested: { a: 1, b: [1, 2] } } as unknown,
  key: new Uint8Array(32),
  environment: 'production',
};

test('is 64 hexadecimal digits, the same in every process', () => {
  expect(bindingOf(call)).toMatch(/^[0-9a-f]{64}$/);
  expect(bindingOf(structuredClone(call))).toBe(bindingOf(call));
});

test('does not change with the order of keys, at any depth', () => {
  expect(bindingOf({ ...call, arguments: { nested: { b: [1, 2], a: 1 }, id: '7' } })).toBe(bindingOf(call));
});

describe('changes with', () => {
  const withArguments = (given: unknown) => ({ ...call, arguments: given });
  const nested = { a: 1, b: [1, 2] };
  const changes: [string, typeof call][] = [
    ['the principal', { ...call, principal: 'user:default/eve' }],
    ['the fingerprint', { ...call, fingerprint: `${'f'.repeat(63)}0` }],
    ['the environment', { ...call, environment: 'staging' }],
    ['a value', withArguments({ id: '8', nested })],
    ['one byte of a value', withArguments({ id: '7 ', nested })],
    ['an invisible character', withArguments({ id: '7\u200b', nested })],
    ['how an invisible character is written in words', withArguments({ id: '7\\u200b', nested })],
    ['the type of a value', withArguments({ id: 7, nested })],
    ['the case of a key', withArguments({ ID: '7', nested })],
    ['another key', withArguments({ id: '7', nested, more: false })],
    ['a key that is null', withArguments({ id: '7', nested, more: null })],
    ['a key named __proto__', withArguments(JSON.parse('{"id":"7","nested":{"a":1,"b":[1,2]},"__proto__":{"x":1}}'))],
    ['a missing key', withArguments({ nested })],
    ['the order of a list', withArguments({ id: '7', nested: { a: 1, b: [2, 1] } })],
    ['a longer list', withArguments({ id: '7', nested: { a: 1, b: [1, 2, null] } })],
    ['a list in place of an object', withArguments([['id', '7']])],
    ['no arguments', withArguments({})],
    ['no arguments at all', withArguments(undefined)],
    ['null for arguments', withArguments(null)],
    ['text for arguments', withArguments(JSON.stringify(call.arguments))],
  ];

  test.each(changes)('%s', (_, changed) => {
    expect(bindingOf(changed)).not.toBe(bindingOf(call));
  });

  test('each of them in another way', () => {
    const bindings = changes.map(([, changed]) => bindingOf(changed));

    expect(new Set(bindings).size).toBe(bindings.length);
  });

  test('what crosses from one part into the next', () => {
    const one = bindingOf({ ...call, principal: 'a","b', environment: 'c' });
    const other = bindingOf({ ...call, principal: 'a', environment: 'b","c' });

    expect(one).not.toBe(other);
  });
});

test('binds what is not JSON as what JSON makes of it', () => {
  const date = new Date('2027-01-01T00:00:00.000Z');

  expect(bindingOf({ ...call, arguments: { at: date, left: undefined } })).toBe(
    bindingOf({ ...call, arguments: { at: '2027-01-01T00:00:00.000Z' } }),
  );
});

test('cannot be made of what JSON cannot hold', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;

  expect(() => bindingOf({ ...call, arguments: circular })).toThrow();
  expect(() => bindingOf({ ...call, arguments: { id: 7n } })).toThrow();
});

describe('secrets', () => {
  const secrets = { db: 'staging-database' };

  test('are bound like arguments', () => {
    const bound = bindingOf({ ...call, secrets });

    expect(bindingOf({ ...call, secrets: { ...secrets } })).toBe(bound);
    expect(bindingOf({ ...call, secrets: { db: 'production-database' } })).not.toBe(bound);
    expect(bindingOf(call)).not.toBe(bound);
  });

  test('cannot be guessed from the binding without the key', () => {
    const other = new Uint8Array(32).fill(1);

    expect(bindingOf({ ...call, secrets, key: other })).not.toBe(bindingOf({ ...call, secrets }));
    expect(bindingOf({ ...call, key: other })).toBe(bindingOf(call));
  });
});
