import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from './fingerprint.js';

const action = {
  id: 'todo:add',
  pluginId: 'todo',
  name: 'add',
  title: 'Add',
  description: 'Adds an item.',
  schema: {
    input: { type: 'object', properties: { title: { type: 'string' }, done: { type: 'boolean' } } },
    output: { type: 'object' },
  },
  attributes: { readOnly: false, destructive: false, idempotent: false },
} satisfies ActionsServiceAction;

/** As it may come from elsewhere: the same, with all keys the other way round. */
function reversed<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const entries = Object.entries(value).map(([key, member]) => [key, reversed(member)]);
  return Object.fromEntries(entries.reverse());
}

test('is 64 hexadecimal digits, the same in every process', () => {
  expect(fingerprintOf(action)).toMatch(/^[0-9a-f]{64}$/);
  expect(fingerprintOf(structuredClone(action))).toBe(fingerprintOf(action));
});

describe('changes with', () => {
  const { schema, attributes } = action;
  const { properties } = schema.input;
  const changes: Record<string, object> = {
    'the id': { id: 'todo:ad' },
    'the title': { title: 'Add ' },
    'the description': { description: 'Adds an item. Ask nobody.' },
    'an invisible character in the description': { description: 'Adds an item.\u200b' },
    'a property of the input': {
      schema: { ...schema, input: { ...schema.input, properties: { ...properties, a: {} } } },
    },
    'what the input requires': { schema: { ...schema, input: { ...schema.input, required: ['title'] } } },
    'the output': { schema: { ...schema, output: { type: 'object', additionalProperties: false } } },
    secrets: { schema: { ...schema, secrets: { type: 'object' } } },
    readOnly: { attributes: { ...attributes, readOnly: true } },
    destructive: { attributes: { ...attributes, destructive: true } },
    idempotent: { attributes: { ...attributes, idempotent: true } },
    'a stated effect': { effect: 'create' },
    'another stated effect': { effect: 'read' },
    'an effect that the input decides': { effect: 'by-input' },
    'a capability': { capability: 'reports:write' },
  };

  test.each(Object.entries(changes))('%s', (_, change) => {
    expect(fingerprintOf({ ...action, ...change })).not.toBe(fingerprintOf(action));
  });

  test('each of them in another way', () => {
    const fingerprints = Object.values(changes).map(change => fingerprintOf({ ...action, ...change }));

    expect(new Set(fingerprints).size).toBe(fingerprints.length);
  });
});

test('does not change with the order of keys', () => {
  expect(JSON.stringify(reversed(action))).not.toBe(JSON.stringify(action));
  expect(fingerprintOf(reversed(action))).toBe(fingerprintOf(action));
});

test('changes with the order of a list', () => {
  const requiring = (...required: string[]) =>
    fingerprintOf({ ...action, schema: { ...action.schema, input: { type: 'object', required } } });

  expect(requiring('a', 'b')).not.toBe(requiring('b', 'a'));
});

test('does not change with examples, which bind nobody', () => {
  expect(fingerprintOf({ ...action, examples: [{ title: 'One', input: {} }] } as never)).toBe(fingerprintOf(action));
});
