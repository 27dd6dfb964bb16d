import { expect, test } from 'vitest';
import * as z from 'zod';
import { fieldsOfSecrets, problemsByField, readSecrets } from './secretFields.js';

type Schema = Parameters<typeof fieldsOfSecrets>[0];

const fieldsOf = (schema: z.ZodType) =>
  fieldsOfSecrets(z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as Schema);
const read = (schema: z.ZodType, form: Record<string, string>) => {
  const fields = fieldsOf(schema);
  const byProperty = new Map(fields.map(({ input, property = 'all' }) => [input, property]));
  return readSecrets(fields, input => form[byProperty.get(input) as string] ?? '');
};

test('each kind of value has its field, in the order of the schema', () => {
  const fields = fieldsOf(
    z.object({
      text: z.string().describe('A text'),
      titled: z.string().meta({ title: 'With a title' }),
      pem: z.string().meta({ contentMediaType: 'application/x-pem-file' }),
      count: z.int(),
      rate: z.number().optional(),
      flag: z.boolean(),
      choice: z.enum(['one', 'two']),
      fixed: z.literal(3),
      nullable: z.string().nullable(),
      list: z.array(z.string()),
      either: z.union([z.string(), z.number()]),
      withDefault: z.string().default('x'),
    }),
  );

  expect(fields.map(({ property, kind, isRequired }) => [property, kind, isRequired])).toEqual([
    ['text', 'text', true],
    ['titled', 'text', true],
    ['pem', 'lines', true],
    ['count', 'number', true],
    ['rate', 'number', false],
    ['flag', 'choice', true],
    ['choice', 'choice', true],
    ['fixed', 'choice', true],
    ['nullable', 'text', false],
    ['list', 'json', true],
    ['either', 'json', true],
    ['withDefault', 'text', false],
  ]);
  expect(fields.slice(0, 2)).toMatchObject([
    { label: 'text', description: 'A text' },
    { label: 'With a title', input: 'field1' },
  ]);
});

test('a schema is followed to its definitions, and not for ever', () => {
  const schema = {
    type: 'object',
    properties: { one: { $ref: '#/definitions/Key' }, loop: { $ref: '#/definitions/Loop' }, gone: { $ref: '#/x' } },
    definitions: { Key: { type: 'string', title: 'The key' }, Loop: { $ref: '#/definitions/Loop' } },
  } as Schema;

  expect(fieldsOfSecrets(schema).map(({ label, kind }) => [label, kind])).toEqual([
    ['The key', 'text'],
    ['loop', 'json'],
    ['gone', 'json'],
  ]);
});

test('what has no fields of its own, or more than anybody fills in, is entered as JSON', () => {
  const many = z.object(Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`f${n}`, z.string()])));

  expect(fieldsOf(z.record(z.string(), z.string())).map(({ input, kind }) => [input, kind])).toEqual([['all', 'json']]);
  expect(fieldsOf(many)).toHaveLength(1);
  expect(read(many, { all: '{"f1":"x"}' })).toEqual({ secrets: { f1: 'x' } });
  expect(read(many, { all: '[1]' })).toEqual({ problems: new Map([['all', 'Expected a JSON object.']]) });
});

test('values are read as what they are; what is left empty is not there', () => {
  const schema = z.object({
    text: z.string(),
    lines: z.string().meta({ contentMediaType: 'text/plain' }),
    count: z.number(),
    flag: z.boolean(),
    choice: z.enum(['one', 'two']),
    more: z.array(z.number()),
    nothing: z.string().nullable(),
    optional: z.string().optional(),
  });

  expect(read(schema, { text: ' 1 ', lines: 'a\r\nb', count: '-1.5e2', flag: '1', choice: '0', more: '[1]' })).toEqual({
    secrets: { text: ' 1 ', lines: 'a\nb', count: -150, flag: false, choice: 'one', more: [1], nothing: null },
  });
});

test('names that mean something to JavaScript are names like others', () => {
  const schema = JSON.parse(
    '{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}',
  );
  const result = readSecrets(fieldsOfSecrets(schema), input => `value of ${input}`);

  expect(JSON.stringify(result)).toBe('{"secrets":{"__proto__":"value of field0","constructor":"value of field1"}}');
});

test.each([['0x10'], ['1,5'], ['ten'], ['1e999'], ['NaN'], ['--1']])('%j is no number, and is not repeated', text => {
  expect(read(z.object({ count: z.number() }), { count: text })).toEqual({
    problems: new Map([['field0', 'Expected a number.']]),
  });
});

test('what is missing or makes no sense is said for each field', () => {
  const schema = z.object({ text: z.string(), flag: z.boolean(), more: z.array(z.string()) });

  expect(read(schema, { flag: '7', more: '{' })).toEqual({
    problems: new Map([
      ['field0', 'This is required.'],
      ['field1', 'Expected one of the choices.'],
      ['field2', 'Expected JSON.'],
    ]),
  });
});

test('what the schema says is shown at its field, unless it repeats what was entered', () => {
  const fields = fieldsOf(z.object({ key: z.string(), more: z.record(z.string(), z.string()), count: z.number() }));
  const entered = { key: 'hunter2', more: { inner: 'deep' }, count: 42 };
  const issues = [
    { path: ['key'], message: 'Too small' },
    { path: ['key'], message: 'Not "hunter2"' },
    { path: ['more', 'inner'], message: 'Key inner is unknown' },
    { path: ['count'], message: '42 is too large' },
    { path: [], message: 'They do not belong together' },
  ];

  expect(problemsByField(fields, issues, entered)).toEqual(
    new Map([
      ['field0', 'Too small This is not accepted.'],
      ['field1', 'This is not accepted.'],
      ['field2', 'This is not accepted.'],
      ['', 'They do not belong together'],
    ]),
  );
});
