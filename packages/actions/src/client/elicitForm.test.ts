import type { JsonObject } from '@backstage/types';
import type { ActionSchema, CallClient, ClientRequest } from '@callboard/actions-api';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { handWrittenSchema } from '../testing/standardSchema.js';
import { elicitForm } from './elicitForm.js';
import { toForm } from './toForm.js';

/** Asks somebody who answers always the same. */
async function elicit(schema: ActionSchema, answer: JsonObject) {
  const asked: ClientRequest[] = [];
  const client = {
    ask: async (requests: Record<string, ClientRequest>) => {
      asked.push(...Object.values(requests));
      return { answer };
    },
  } as unknown as CallClient;
  return { result: await elicitForm(client, { message: 'Well?', schema }), asked };
}

const formOf = async (shape: z.ZodRawShape) => {
  const { asked } = await elicit(z.object(shape), { action: 'decline' });
  const [{ params } = { params: {} }] = asked;
  return (params as { requestedSchema: JsonObject }).requestedSchema.properties as JsonObject;
};

describe('a form', () => {
  test('says which fields are needed, and nothing that forms do not have', async () => {
    const { asked } = await elicit(z.strictObject({ a: z.string(), b: z.string().optional() }), { action: 'cancel' });

    expect(asked).toEqual([
      {
        method: 'elicitation/create',
        params: {
          mode: 'form',
          message: 'Well?',
          requestedSchema: {
            type: 'object',
            properties: { a: { type: 'string' }, b: { type: 'string' } },
            required: ['a'],
          },
        },
      },
    ]);
  });

  test('may be empty', () => {
    expect(toForm({ type: 'object' })).toEqual({ type: 'object', properties: {} });
  });

  const titled = z.union([z.literal('a').meta({ title: 'First' }), z.literal('b').meta({ title: 'Second' })]);
  test.each<[string, z.ZodType, object]>([
    ['text', z.string().min(1).max(9).default('x'), { type: 'string', minLength: 1, maxLength: 9, default: 'x' }],
    [
      'text with words',
      z.string().meta({ title: 'T', description: 'D' }),
      { type: 'string', title: 'T', description: 'D' },
    ],
    ['an address for mail', z.email(), { type: 'string', format: 'email' }],
    ['a URL', z.url(), { type: 'string', format: 'uri' }],
    ['a day', z.iso.date(), { type: 'string', format: 'date' }],
    ['a time', z.iso.datetime(), { type: 'string', format: 'date-time' }],
    ['a format that forms do not know', z.uuid(), { type: 'string' }],
    ['a pattern', z.string().regex(/^a/), { type: 'string' }],
    ['what a transform takes', z.string().transform(text => text.length), { type: 'string' }],
    ['an integer', z.int().default(30), { type: 'integer', default: 30 }],
    ['a number', z.number().min(0).max(1.5), { type: 'number', minimum: 0, maximum: 1.5 }],
    ['a bound that forms do not know', z.number().gt(0).multipleOf(2), { type: 'number' }],
    ['a coerced number', z.coerce.number(), { type: 'number' }],
    ['a boolean', z.boolean().default(true), { type: 'boolean', default: true }],
    ['a boolean that has to be true', z.literal(true), { type: 'boolean' }],
    ['a choice', z.enum(['a', 'b']).default('a'), { type: 'string', enum: ['a', 'b'], default: 'a' }],
    ['a choice of one', z.literal('a'), { type: 'string', enum: ['a'] }],
    [
      'a choice with titles',
      titled,
      {
        type: 'string',
        oneOf: [
          { const: 'a', title: 'First' },
          { const: 'b', title: 'Second' },
        ],
      },
    ],
    [
      'a choice with titles, as it was',
      z.enum(['a']).meta({ enumNames: ['First'] }),
      { type: 'string', enum: ['a'], enumNames: ['First'] },
    ],
    [
      'several choices',
      z
        .array(z.enum(['a', 'b']))
        .min(1)
        .max(2)
        .default(['a']),
      { type: 'array', items: { type: 'string', enum: ['a', 'b'] }, minItems: 1, maxItems: 2, default: ['a'] },
    ],
    [
      'several choices with titles',
      z.array(titled),
      {
        type: 'array',
        items: {
          anyOf: [
            { const: 'a', title: 'First' },
            { const: 'b', title: 'Second' },
          ],
        },
      },
    ],
    ['a schema with a name of its own', z.string().meta({ id: 'named-field' }), { type: 'string' }],
  ])('has %s', async (_, field, expected) => {
    expect(await formOf({ field })).toEqual({ field: expected });
  });

  test.each<[string, z.ZodType, string]>([
    ['an object', z.object({ a: z.string() }), 'the type object'],
    ['free texts', z.array(z.string()), 'the type array'],
    ['numbers to choose from', z.literal([1, 2]), 'values that are not all texts'],
    ['a union', z.union([z.string(), z.number()]), '(a union|the type)'],
    ['a choice of texts and numbers', z.union([z.literal('a'), z.literal(1)]), '(a union|values)'],
    ['null', z.string().nullable(), 'the type string or null'],
    ['anything', z.unknown(), 'a schema without a type'],
  ])('cannot have %s, and says which field it is', async (_, field, got) => {
    await expect(formOf({ fine: z.string(), field })).rejects.toThrow(
      new RegExp(`^The field "field" cannot be part of a form: expected .*, got ${got}`),
    );
  });

  test.each([
    ['a record', z.record(z.string(), z.string()), /additionalProperties|propertyNames/],
    [
      'an object with other fields',
      z.object({ a: z.string() }).catchall(z.number()),
      /"additionalProperties" at its root/,
    ],
  ])('is not %s', async (_, schema, message) => {
    await expect(elicit(schema, { action: 'decline' })).rejects.toThrow(message);
  });

  test('is no text', async () => {
    await expect(elicit(z.string(), { action: 'decline' })).rejects.toThrow('expected an object at the root');
  });

  test('may come from any library that gives JSON Schema', async () => {
    const schema = handWrittenSchema({
      jsonSchema: { type: 'object', properties: { count: { type: 'number' } }, required: ['count'] },
    });

    const { result } = await elicit(schema, { action: 'accept', content: { count: 3 } });

    expect(result).toEqual({ action: 'accept', content: { count: 3 } });
  });
});

describe('what was filled in', () => {
  const schema = z.object({ at: z.string().regex(/^\d\d:\d\d$/), seats: z.int().default(2) });

  test('is checked with the schema, with its defaults', async () => {
    const { result } = await elicit(schema, { action: 'accept', content: { at: '19:30' } });

    expect(result).toEqual({ action: 'accept', content: { at: '19:30', seats: 2 } });
  });

  test.each([[{ at: 'soon' }], [{}], [undefined]])('does not fit: %j', async content => {
    const answer = { action: 'accept', ...(content && { content }) } as JsonObject;

    await expect(elicit(schema, answer)).rejects.toThrow(/^What was filled in does not fit: at: /);
  });

  test.each(['decline', 'cancel'])('is nothing after %s', async action => {
    const { result } = await elicit(schema, { action, content: { at: '19:30' } });

    expect(result).toEqual({ action });
  });
});
