import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type GivenAction, prepareAction } from './prepareAction.js';

const greet: GivenAction = {
  name: 'greet',
  title: 'Greet',
  description: 'Says hello.',
  schema: { input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) },
  action: async ({ input }) => ({ output: { text: `Hello ${(input as { name: string }).name}` } }),
};

const problemsOf = (given: unknown): string[] => {
  const prepared = prepareAction('todo', given as GivenAction);
  return 'problems' in prepared ? prepared.problems : [];
};

function prepare(given: Partial<GivenAction> = {}) {
  const prepared = prepareAction('todo', { ...greet, ...given });
  if ('problems' in prepared) {
    throw new Error(prepared.problems.join('; '));
  }
  return prepared;
}

describe('names', () => {
  test.each(['a', 'greet-user', 'greet_user.v2', '__proto__', 'constructor', 'toString', '9', 'x'.repeat(128)])(
    '"%s" is accepted',
    name => {
      expect(prepare({ name }).descriptor).toMatchObject({ id: `todo:${name}`, pluginId: 'todo', name });
    },
  );

  test.each([
    ['spaces', 'greet user', '"greet user"'],
    ['slashes', 'greet/user', '"greet/user"'],
    ['colons', 'todo:greet', '"todo:greet"'],
    ['nothing', '', '""'],
    ['a leading dot', '.greet', '".greet"'],
    ['a leading dash', '-greet', '"-greet"'],
    ['a line end', 'greet\n', '"greet\\n"'],
    ['letters of other scripts', 'gruß', '"gruß"'],
    ['more than 128 characters', 'x'.repeat(129), `"${'x'.repeat(80)}"`],
    ['no text', 42, '42'],
    ['nothing at all', undefined, 'undefined'],
    ['a control character', 'a\u0007b', '"a\\u0007b"'],
    ['DEL', 'a\u007fb', '"a\\u{7f}b"'],
    ['a bidirectional override', 'a\u202eb', '"a\\u{202e}b"'],
    ['a zero-width space', 'a\u200bb', '"a\\u{200b}b"'],
    ['a tag character', 'a\u{e0041}b', '"a\\u{e0041}b"'],
  ])('with %s are refused, shown with visible escapes', (_, name, shown) => {
    expect(problemsOf({ ...greet, name })).toEqual([
      `name: expected 1 to 128 letters, digits, "_", "-" or ".", not starting with "-" or ".", got ${shown}`,
    ]);
  });

  test('that cannot even be written down are refused', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;

    for (const name of [10n, circular, Symbol('s'), () => {}, Object.create(null)]) {
      expect(problemsOf({ ...greet, name })).toEqual([expect.stringMatching(/^name: expected /)]);
    }
  });
});

describe('titles and descriptions', () => {
  test.each(['title', 'description'])('a missing %s is refused', field => {
    expect(problemsOf({ ...greet, [field]: undefined })).toEqual([`${field}: expected text, got undefined`]);
    expect(problemsOf({ ...greet, [field]: 42 })).toEqual([`${field}: expected text, got number`]);
  });

  test('may be long, but not without end', () => {
    expect(problemsOf({ ...greet, description: 'x'.repeat(16_384) })).toEqual([]);
    expect(problemsOf({ ...greet, description: 'x'.repeat(16_385) })).toEqual([
      'description: expected at most 16384 characters, got 16385',
    ]);
  });

  test('may have line ends, tabs and letters of every script', () => {
    expect(problemsOf({ ...greet, description: 'First\r\n\tsecond: Größe, 名前, שם, 🎭' })).toEqual([]);
  });

  test.each([
    ['a bidirectional override', '\u202e', '\\u{202e}'],
    ['a zero-width space', '\u200b', '\\u{200b}'],
    ['a tag character', '\u{e0041}', '\\u{e0041}'],
    ['an escape character', '\u001b', '\\u001b'],
  ])('with %s are refused, shown with visible escapes', (_, character, shown) => {
    expect(problemsOf({ ...greet, description: `Harmless${character}` })).toEqual([
      `description: has invisible or control characters: "Harmless${shown}"`,
    ]);
  });

  test('show the invisible character wherever it is', () => {
    const [problem] = problemsOf({ ...greet, description: `${'Harmless. '.repeat(50)}\u202eHarmful.` });

    expect(problem).toContain('\\u{202e}');
  });
});

test('all problems are reported at once', () => {
  const problems = problemsOf({
    name: 'no good',
    schema: { input: z.string(), output: z.object({ at: z.date() }), secrets: 'none' },
    action: 'later',
  });

  expect(problems).toEqual([
    expect.stringMatching(/^name: /),
    expect.stringMatching(/^title: /),
    expect.stringMatching(/^description: /),
    'action: expected a function, got string',
    'schema.input: expected an object at the root, got string',
    expect.stringMatching(/^schema\.output: cannot be expressed as JSON Schema: .*Date/),
    'schema.secrets: expected a schema or a function that returns one, got string',
  ]);
});

test.each([
  [null, 'null'],
  [undefined, 'undefined'],
  ['greet', 'string'],
])('%j is no action', (given, named) => {
  expect(problemsOf(given)).toEqual([`expected an object that describes the action, got ${named}`]);
});

test('a schema function may throw anything', () => {
  const input = () => {
    throw null;
  };

  expect(problemsOf({ ...greet, schema: { input } })).toEqual([expect.stringMatching(/^schema\.input: /)]);
});

describe('attributes', () => {
  test.each([
    ['nothing given', undefined, { readOnly: false, destructive: true, idempotent: false }],
    ['an empty object', {}, { readOnly: false, destructive: true, idempotent: false }],
    ['read-only', { readOnly: true }, { readOnly: true, destructive: false, idempotent: false }],
    ['not destructive', { destructive: false }, { readOnly: false, destructive: false, idempotent: false }],
    ['idempotent', { idempotent: true }, { readOnly: false, destructive: true, idempotent: true }],
    [
      'a contradiction, which is kept',
      { readOnly: true, destructive: true },
      { readOnly: true, destructive: true, idempotent: false },
    ],
  ])('%s', (_, attributes, expected) => {
    expect(prepare({ attributes }).descriptor.attributes).toEqual(expected);
  });
});

describe('a stated effect', () => {
  const safe = { readOnly: false, destructive: false, idempotent: false };
  const dangerous = { ...safe, destructive: true };

  test.each([
    ['read', { ...safe, readOnly: true }],
    ['create', safe],
    ['update', safe],
    ['replace', dangerous],
    ['delete', dangerous],
    ['execute', dangerous],
  ] as const)('%s is published, and so are the attributes that it implies', (effect, attributes) => {
    expect(prepare({ effect }).descriptor).toMatchObject({ effect, attributes });
  });

  test.each([
    ['update', { idempotent: true }, { ...safe, idempotent: true }],
    ['update', { destructive: true }, dangerous],
    ['execute', { destructive: false }, safe],
    ['read', { readOnly: true, idempotent: true }, { readOnly: true, destructive: false, idempotent: true }],
  ] as const)('%s leaves attributes that are given as they are: %j', (effect, attributes, expected) => {
    expect(prepare({ effect, attributes }).descriptor.attributes).toEqual(expected);
  });

  test('is not published where there is none', () => {
    expect(prepare().descriptor).not.toHaveProperty('effect');
    expect(prepare().effect).toBeUndefined();
    expect(prepare({ effect: 'create' }).effect).toBeUndefined();
  });

  test('that depends on the input is published as that, and counts as destructive until it is settled', async () => {
    const { descriptor, effect } = prepare({
      effect: input => ((input as { name: string }).name === 'Ann' ? 'read' : 'delete'),
    });

    expect(descriptor).toMatchObject({ effect: 'by-input', attributes: dangerous });
    expect(await effect?.({ name: 'Ann' })).toBe('read');
    expect(await effect?.({ name: 'Ben' })).toBe('delete');
  });

  test.each([
    ['writes', '"writes"'],
    ['by-input', '"by-input"'],
    ['READ', '"READ"'],
    ['constructor', '"constructor"'],
    [null, 'null'],
    [['read'], 'an object'],
    [1, '1'],
  ])('%j does not exist', (effect, shown) => {
    expect(problemsOf({ ...greet, effect })).toEqual([
      `effect: expected one of read, create, update, replace, delete, execute or a function, got ${shown}`,
    ]);
  });

  test.each([
    ['create', '"create"'],
    ['execute', '"execute"'],
    [() => 'read', 'a function'],
  ])('%s contradicts the attribute readOnly', (effect, shown) => {
    expect(problemsOf({ ...greet, effect, attributes: { readOnly: true } })).toEqual([
      `effect: an action with the attribute readOnly can only read, got ${shown}`,
    ]);
  });

  test.each([[{ readOnly: false }], [{ destructive: true }]])('read contradicts the attributes %j', attributes => {
    expect(problemsOf({ ...greet, effect: 'read', attributes })).toEqual([
      'effect: an action whose attributes say that it changes something does not only read, got "read"',
    ]);
  });
});

describe('a capability', () => {
  test('is published where it is stated', () => {
    expect(prepare({ capability: 'approvals:decide' }).descriptor).toMatchObject({ capability: 'approvals:decide' });
    expect(prepare().descriptor).not.toHaveProperty('capability');
  });

  test.each([['*'], ['actions:*'], ['Reports:write'], ['reports'], [''], ['reports:write:more'], [7], [null]])(
    '%j is none',
    capability => {
      expect(problemsOf({ ...greet, capability })).toEqual([
        expect.stringMatching(/^capability: expected something like "reports:write", got /),
      ]);
    },
  );
});

describe('a preview', () => {
  test('is kept, not published, and keeps its own `this`', async () => {
    const given = {
      ...greet,
      word: 'Hi',
      async preview() {
        return { summary: this.word };
      },
    };

    const prepared = prepareAction('todo', given) as ReturnType<typeof prepare>;

    expect(prepared.descriptor).not.toHaveProperty('preview');
    expect(await prepared.preview?.({} as never)).toEqual({ summary: 'Hi' });
    expect(prepare().preview).toBeUndefined();
  });

  test('has to be a function', () => {
    expect(problemsOf({ ...greet, preview: { summary: 'x' } })).toEqual(['preview: expected a function, got object']);
  });
});

describe('schemas', () => {
  test('examples are kept as given', () => {
    const examples = [{ title: 'Ann', description: 'A person', input: { name: 'Ann' }, output: { text: 'Hello Ann' } }];

    expect(prepare({ examples }).descriptor.examples).toEqual(examples);
    expect(prepare().descriptor).not.toHaveProperty('examples');
  });

  test('a secrets schema is published and checked; without one there is none', async () => {
    const { descriptor, checks } = prepare({ schema: { ...greet.schema, secrets: z.object({ key: z.string() }) } });

    expect(descriptor.schema.secrets).toMatchObject({ type: 'object', required: ['key'] });
    expect(await checks.secrets?.({})).toMatchObject({ ok: false });
    expect(prepare().descriptor.schema).not.toHaveProperty('secrets');
    expect(prepare().checks.secrets).toBeUndefined();
  });

  test('without schemas, an object without properties is published, the input is left out and the output is not checked', async () => {
    const { descriptor, checks } = prepare({ schema: {} });

    const empty = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: {},
      additionalProperties: false,
    };
    expect(descriptor.schema).toEqual({ input: empty, output: empty });
    expect(await checks.input({ hidden: true })).toEqual({ ok: true, value: undefined });
    expect(await checks.output({ a: 1 })).toEqual({ ok: true, value: { a: 1 } });
  });

  test.each([
    ['an example', { examples: [{ title: 'Big', input: { count: 1n as never } }] }],
    ['a default of zod 3', { schema: { input: (z3: never) => zod3WithBigDefault(z3) } }],
  ])('%s that cannot be written as JSON is refused, so that it cannot break the list', (_, given) => {
    expect(problemsOf({ ...greet, ...given })).toEqual([expect.stringMatching(/^cannot be written as JSON: .*BigInt/)]);
  });

  test('what is published does not change with the objects that the author gave', () => {
    const examples = [{ title: 'Ann', input: { name: 'Ann' } }];
    const { descriptor } = prepare({ examples });

    (examples[0] as { title: string }).title = 'Changed';

    expect(descriptor.examples?.[0]?.title).toBe('Ann');
  });
});

test('a handler that throws at once rejects, and keeps its own `this`', async () => {
  class Greeter {
    readonly word = 'Hi';
    readonly name = 'greet';
    readonly title = 'Greet';
    readonly description = 'Says hello.';
    readonly schema = {};
    async action() {
      return { output: this.word };
    }
  }
  const throwing = prepare({
    action: () => {
      throw new Error('at once');
    },
  });
  const greeter = prepareAction('todo', new Greeter()) as ReturnType<typeof prepare>;

  await expect(throwing.handler({} as never)).rejects.toThrow('at once');
  await expect(greeter.handler({} as never)).resolves.toEqual({ output: 'Hi' });
});

function zod3WithBigDefault(z3: typeof import('zod/v3').z) {
  return z3.object({ count: z3.bigint().default(1n) });
}
