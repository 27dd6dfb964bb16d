import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { describe, expect, it } from 'vitest';
import { headerParametersOf, publishedInput } from './headerParameters.js';

type Schema = ActionsServiceAction['schema']['input'];
const actionWith = (properties: object, more: object = {}) =>
  ({ schema: { input: { type: 'object', properties, ...more } as Schema } }) as ActionsServiceAction;
const marked = (name: unknown, type = 'string') => ({ type, 'x-mcp-header': name });

it('marks on texts, integers and booleans are read and published, at any depth of properties', () => {
  const action = actionWith({
    region: marked('Region'),
    size: { type: 'object', properties: { count: marked('Count', 'integer'), isFinal: marked('Final', 'boolean') } },
    other: { type: 'string' },
  });

  expect(headerParametersOf(action)).toEqual([
    { name: 'Region', path: ['region'], isNumeric: false },
    { name: 'Count', path: ['size', 'count'], isNumeric: true },
    { name: 'Final', path: ['size', 'isFinal'], isNumeric: false },
  ]);
  expect(publishedInput(action)).toBe(action.schema.input);
});

it('a property, a default or an example may be called like the mark', () => {
  const action = actionWith({
    'x-mcp-header': marked('Header'),
    given: { type: 'object', default: { 'x-mcp-header': 1 }, examples: [{ 'x-mcp-header': 2 }] },
  });

  expect(headerParametersOf(action)).toHaveLength(1);
  expect(publishedInput(action)).toBe(action.schema.input);
});

describe('a tool is published without its marks', () => {
  it.each<[string, object, object?]>([
    ['is empty', { a: marked('') }],
    ['is no text', { a: marked(7) }],
    ['has a blank', { a: marked('a b') }],
    ['has a line end', { a: marked('a\r\nb') }],
    ['has a letter outside of ASCII', { a: marked('Größe') }],
    ['is there twice, in another case', { a: marked('Same'), b: marked('same') }],
    ['is on a number', { a: marked('A', 'number') }],
    ['is on an object', { a: { ...marked('A', 'object'), properties: {} } }],
    ['is on a list', { a: marked('A', 'array') }],
    ['is in the items of a list', { a: { type: 'array', items: marked('A') } }],
    ['is in one of several schemas', { a: { anyOf: [marked('A'), { type: 'null' }] } }],
    ['is in a definition', { a: { $ref: '#/$defs/a' } }, { $defs: { a: marked('A') } }],
    ['is on further properties', {}, { additionalProperties: marked('A') }],
    ['is at the root', {}, { 'x-mcp-header': 'A' }],
  ])('where one %s', (_name, properties, more) => {
    const action = actionWith({ right: marked('Right'), ...properties }, more);

    expect(headerParametersOf(action)).toEqual([]);
    expect(JSON.stringify(publishedInput(action))).not.toContain('x-mcp-header');
    expect(JSON.stringify(action.schema.input)).toContain('x-mcp-header');
  });
});
