import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import * as mini from 'zod/mini';
import { z as zodV3 } from 'zod/v3';
import { handWrittenSchema, thenable } from '../testing/standardSchema.js';
import { compileSchema, type GivenSchema } from './compileSchema.js';

const objectOfCount = {
  type: 'object',
  properties: { count: { type: 'number' } },
  required: ['count'],
};

describe("Backstage's callback", () => {
  test('is handed zod 3, and what it returns is converted and checks values', async () => {
    const schema = compileSchema(z3 => z3.object({ count: z3.number().default(1).describe('How many') }), 'input');

    expect(schema.jsonSchema).toEqual({
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { count: { type: 'number', default: 1, description: 'How many' } },
      additionalProperties: false,
    });
    expect(await schema.parse({})).toEqual({ ok: true, value: { count: 1 } });
    expect(await schema.parse({ count: 'a' })).toEqual({
      ok: false,
      problems: 'count: Expected number, received string',
      issues: [{ path: ['count'], message: 'Expected number, received string' }],
    });
  });

  test.each<[string, GivenSchema]>([
    ['its own zod 3', () => zodV3.object({ count: zodV3.number() })],
    ['zod 4', () => z.object({ count: z.number() })],
    ['zod mini', () => mini.object({ count: mini.number() })],
    ['a Standard Schema', () => handWrittenSchema({ jsonSchema: objectOfCount })],
  ])('may ignore the argument and return %s', async (_, given) => {
    const schema = compileSchema(given, 'input');

    expect(schema.jsonSchema).toMatchObject(objectOfCount);
    expect(await schema.parse({ count: 2 })).toEqual({ ok: true, value: { count: 2 } });
    expect(await schema.parse({ count: 'two' })).toMatchObject({
      ok: false,
      problems: expect.stringMatching(/^count: /),
    });
  });

  test('runs once, not on every call', async () => {
    let runs = 0;
    const schema = compileSchema(z3 => {
      runs += 1;
      return z3.object({});
    }, 'input');

    await schema.parse({});
    await schema.parse({});

    expect(runs).toBe(1);
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['text', 'string'],
    [[], 'an array'],
    [{ type: 'object' }, 'object'],
  ])('that returns %j is refused', (returned, named) => {
    expect(() => compileSchema(() => returned, 'input')).toThrow(
      `expected the schema function to return a schema, got ${named}`,
    );
  });

  test('that throws is refused with what it threw', () => {
    const given = () => {
      throw new Error('no such type');
    };

    expect(() => compileSchema(given, 'input')).toThrow('no such type');
  });
});

describe('zod objects', () => {
  test('of version 3 need no callback', () => {
    const schema = compileSchema(zodV3.object({ count: zodV3.number() }) as GivenSchema, 'input');

    expect(schema.jsonSchema).toMatchObject(objectOfCount);
  });

  test('of the first versions 4, which do not describe themselves, are described', () => {
    const schema = z.object({ limit: z.number().default(10) });
    const { jsonSchema: _, ...standard } = schema['~standard'] as unknown as Record<string, unknown>;
    const early = Object.create(schema, { '~standard': { value: standard } }) as GivenSchema;

    expect(compileSchema(early, 'input').jsonSchema).not.toHaveProperty('required');
    expect(compileSchema(early, 'output').jsonSchema).toMatchObject({ type: 'object', required: ['limit'] });
  });

  test('describe what they accept as input and what they produce as output', async () => {
    const given = z.object({
      limit: z.number().default(10),
      tags: z
        .string()
        .transform(text => text.split(','))
        .pipe(z.array(z.string())),
    });

    const input = compileSchema(given, 'input');
    const output = compileSchema(given, 'output');

    expect(input.jsonSchema).toMatchObject({ properties: { tags: { type: 'string' } }, required: ['tags'] });
    expect(output.jsonSchema).toMatchObject({ properties: { tags: { type: 'array' } }, required: ['limit', 'tags'] });
    expect(await input.parse({ tags: 'a,b' })).toEqual({ ok: true, value: { limit: 10, tags: ['a', 'b'] } });
  });

  test('whose transform has no describable result are accepted as input and refused as output', () => {
    const given = z.object({ name: z.string().transform(text => text.length) });

    expect(compileSchema(given, 'input').jsonSchema).toMatchObject({ properties: { name: { type: 'string' } } });
    expect(() => compileSchema(given, 'output')).toThrow(
      'cannot be expressed as JSON Schema: Transforms cannot be represented in JSON Schema',
    );
  });

  test('carry draft 7 and the descriptions of their fields', () => {
    const given = z.object({ name: z.string().describe('Whom to greet'), pair: z.tuple([z.string(), z.number()]) });

    expect(compileSchema(given, 'input').jsonSchema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: {
        name: { type: 'string', description: 'Whom to greet' },
        pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] },
      },
    });
  });

  test('may be recursive, records, intersections, or have an id', () => {
    const node = z.object({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });

    expect(compileSchema(node, 'input').jsonSchema.type).toBe('object');
    expect(compileSchema(z.record(z.string(), z.number()), 'input').jsonSchema.type).toBe('object');
    expect(compileSchema(z.intersection(z.object({}), z.object({})), 'input').jsonSchema.type).toBe('object');
    expect(compileSchema(z.object({ a: z.string() }).meta({ id: 'Named' }), 'input').jsonSchema).toMatchObject({
      type: 'object',
      required: ['a'],
    });
  });

  test.each<[string, GivenSchema, string]>([
    ['date', z.object({ due: z.date() }), 'Date'],
    ['bigint', z.object({ due: z.bigint() }), 'BigInt'],
    ['map', z.object({ due: z.map(z.string(), z.string()) }), 'Map'],
  ])('with a %s are refused with a message that names it', (_, given, type) => {
    expect(() => compileSchema(given, 'input')).toThrow('cannot be expressed as JSON Schema: ');
    expect(() => compileSchema(given, 'input')).toThrow(type);
  });

  test('report every wrong field with its path', async () => {
    const schema = compileSchema(z.object({ a: z.object({ b: z.array(z.number()) }), c: z.string() }), 'input');

    const parsed = await schema.parse({ a: { b: [1, 'x'] } });

    expect(parsed).toEqual({
      ok: false,
      problems:
        'a.b.1: Invalid input: expected number, received string; c: Invalid input: expected string, received undefined',
      issues: [
        { path: ['a', 'b', '1'], message: 'Invalid input: expected number, received string' },
        { path: ['c'], message: 'Invalid input: expected string, received undefined' },
      ],
    });
  });
});

describe('a Standard Schema', () => {
  test('that describes itself is asked for draft 7 of the side that is needed', () => {
    const asked: unknown[] = [];
    const describeAs = (side: string) => (options: unknown) => {
      asked.push(side, options);
      return objectOfCount;
    };
    const given = {
      '~standard': {
        version: 1,
        vendor: 'by-hand',
        validate: (value: unknown) => ({ value }),
        jsonSchema: { input: describeAs('input'), output: describeAs('output') },
      },
    } as GivenSchema;

    compileSchema(given, 'output');

    expect(asked).toEqual(['output', { target: 'draft-07' }]);
  });

  test('may be a function that carries the standard, as those of ArkType are', async () => {
    const given = Object.assign(
      () => {
        throw new Error('not a callback');
      },
      handWrittenSchema({ jsonSchema: objectOfCount }),
    ) as GivenSchema;

    const schema = compileSchema(given, 'input');

    expect(await schema.parse({ count: 3 })).toEqual({ ok: true, value: { count: 3 } });
  });

  test('without a JSON Schema is refused by the name of its library', () => {
    expect(() => compileSchema(handWrittenSchema({ vendor: 'oldlib' }), 'input')).toThrow(
      'the schema library "oldlib" offers no JSON Schema (Standard JSON Schema)',
    );
  });

  test.each([
    ['a promise', (result: unknown) => Promise.resolve(result)],
    ['a promise of another kind', thenable],
  ])('may answer with %s', async (_, wrap) => {
    const validate = (value: unknown) => wrap(value === 'bad' ? { issues: [{ message: 'no good' }] } : { value });
    const schema = compileSchema(handWrittenSchema({ jsonSchema: objectOfCount, validate }), 'input');

    expect(await schema.parse('bad')).toEqual({
      ok: false,
      problems: 'no good',
      issues: [{ path: [], message: 'no good' }],
    });
    expect(await schema.parse('good')).toEqual({ ok: true, value: 'good' });
  });
});

test('async refinements of either zod are awaited', async () => {
  const isFree = async (name: string) => name !== 'taken';
  const schemas = [
    compileSchema(z.object({ name: z.string().refine(isFree, 'is taken') }), 'input'),
    compileSchema(z3 => z3.object({ name: z3.string().refine(isFree, 'is taken') }), 'input'),
  ];

  for (const schema of schemas) {
    expect(await schema.parse({ name: 'taken' })).toEqual({
      ok: false,
      problems: 'name: is taken',
      issues: [{ path: ['name'], message: 'is taken' }],
    });
    expect(await schema.parse({ name: 'free' })).toEqual({ ok: true, value: { name: 'free' } });
  }
});

test.each<[string, GivenSchema, string]>([
  ['a union', z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]), 'a union (anyOf)'],
  ['a discriminated union', z.discriminatedUnion('k', [z.object({ k: z.literal('a') })]), 'a union (oneOf)'],
  ['an intersection of zod 3', z3 => z3.intersection(z3.object({}), z3.object({})), 'a union (allOf)'],
  ['an array', z.array(z.string()), 'array'],
  ['text', z.string(), 'string'],
  ['anything', z.any(), 'a schema without a type'],
  ['a union of zod 3', z3 => z3.union([z3.object({}), z3.object({})]), 'a union (anyOf)'],
  ['text of zod 3', z3 => z3.string(), 'string'],
  ['text described by hand', handWrittenSchema({ jsonSchema: { type: 'string' } }), 'string'],
  ['an object or null', handWrittenSchema({ jsonSchema: { type: ['object', 'null'] } }), 'object,null'],
])('%s at the root is refused', (_, given, named) => {
  expect(() => compileSchema(given, 'input')).toThrow(`expected an object at the root, got ${named}`);
});

test.each([
  [null, 'null'],
  [42, 'number'],
  ['object', 'string'],
  [[z.string()], 'an array'],
  [{ name: z.string() }, 'object'],
  [{ '~standard': {} }, 'object'],
])('%j is no schema', (given, named) => {
  expect(() => compileSchema(given as unknown as GivenSchema, 'input')).toThrow(
    `expected a schema or a function that returns one, got ${named}`,
  );
});
