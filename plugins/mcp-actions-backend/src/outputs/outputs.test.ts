import { type ClientKind, connectClient } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReportsPlugin } from '../testing/reportsPlugin.js';
import { backendOfTwo, modern, startProbe, TOKENS } from '../testing/startProbe.js';

const BUDGET = 2_000;
const kinds = ['v2-legacy', 'v2-modern', 'sdk-v1-streamable', 'sdk-v1-sse'] as const satisfies ClientKind[];

interface Cut {
  content: { type: string; text?: string; uri?: string; data?: string }[];
  structuredContent?: { rows: { id: number }[]; total: number };
  isError?: boolean;
  _meta?: {
    'callboard/output'?: {
      uri: string;
      cursor: string;
      totalCharacters: number;
      shown: { path: string; shown: number; of: number }[];
    };
  };
}

const reports = createReportsPlugin();
let app: Awaited<ReturnType<typeof startProbe>>;

beforeAll(async () => {
  app = await startProbe({
    features: [reports.plugin],
    config: {
      backend: { ...backendOfTwo, actions: { pluginSources: ['reports', 'probe'] } },
      mcpActions: {
        maxOutputCharacters: BUDGET,
        servers: { other: { name: 'Other', maxOutputCharacters: BUDGET }, whole: { name: 'Whole' } },
      },
    },
  });
});
afterAll(() => app.stop());
beforeEach(() => {
  reports.state.isPaused = false;
});

async function withClient<T>(
  kind: ClientKind,
  use: (client: {
    call: (name: string, input: object) => Promise<Cut>;
    read: (uri: string) => Promise<{ contents: { uri: string; text?: string; blob?: string; mimeType?: string }[] }>;
    list: () => Promise<{ name: string }[]>;
  }) => Promise<T>,
  { token = TOKENS.ada, path = '' } = {},
): Promise<T> {
  const client = await connectClient({ url: `${app.origin}/api/mcp-actions/v1${path}`, token, kind });
  // Clients check results against output schemas of tools that they have listed.
  await client.listTools();
  try {
    return await use({
      call: async (name, input) => (await client.callTool(name, input as never)) as Cut,
      read: async uri => (await client.raw.readResource({ uri })) as never,
      list: () => client.listTools(),
    });
  } finally {
    await client.close();
  }
}

const noteOf = ({ _meta }: Cut) => {
  const note = _meta?.['callboard/output'];
  if (!note) {
    throw new Error('The result says nothing of what is missing');
  }
  return note;
};

describe.each(kinds)('an output over the budget, for the client %s', kind => {
  it('is cut so that it still fits its schema, says what is missing, and can be read on to its end', async () => {
    await withClient(kind, async ({ call, read }) => {
      const result = await call('reports.rows', { count: 500 });
      const note = noteOf(result);
      const rows = [...(result.structuredContent?.rows ?? [])];
      const shown = rows.length;
      let cursor: string | undefined = note.cursor;
      while (cursor !== undefined) {
        const part: Cut = await call('read_output', { cursor });
        const { items, nextCursor } = part.structuredContent as never as {
          items: { id: number }[];
          nextCursor?: string;
        };
        expect(JSON.stringify(part.structuredContent).length).toBeLessThanOrEqual(BUDGET);
        expect(JSON.parse(part.content[0]?.text ?? '')).toEqual(part.structuredContent);
        rows.push(...items);
        cursor = nextCursor;
      }
      const { contents } = await read(note.uri);

      const [json, line, link] = result.content;
      expect(result.isError).toBeUndefined();
      expect(result.structuredContent?.total).toBe(500);
      expect(JSON.parse(json?.text ?? '')).toEqual(result.structuredContent);
      expect(json?.text?.length).toBeLessThanOrEqual(BUDGET);
      expect(line?.text).toMatch(
        new RegExp(
          `^The output is cut \\(${note.totalCharacters} characters, the limit is 2000\\); shown: /rows: ${shown} of 500\\. Go on with read_output and the cursor "[^"]+", or read the resource callboard://outputs/[^ ]+; both for 15 minutes\\.$`,
        ),
      );
      expect(link).toMatchObject({ type: 'resource_link', uri: note.uri, mimeType: 'application/json' });
      expect(note.shown).toEqual([{ path: '/rows', shown, of: 500 }]);
      expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, id) => id));
      expect(contents).toHaveLength(1);
      expect(contents[0]?.uri).toBe(note.uri);
      expect(JSON.parse(contents[0]?.text ?? '')).toMatchObject({ total: 500 });
      expect(contents[0]?.text?.length).toBe(note.totalCharacters);
    });
  });

  it('is an error with the way to the whole where its schema allows no cut', async () => {
    await withClient(kind, async ({ call }) => {
      const result = await call('reports.counted', { count: 5_000 });
      const { structuredContent } = await call('read_output', { cursor: noteOf(result).cursor });

      expect(result.isError).toBe(true);
      expect(result.structuredContent).toBeUndefined();
      expect(result.content[0]?.text).toContain('The action has run. Its output is not shown');
      expect(result.content[1]).toMatchObject({ type: 'resource_link', uri: noteOf(result).uri });
      expect((structuredContent as never as { json: string }).json).toMatch(/^\{"rows":\[0,1,2,/);
    });
  });

  it('is whole where it fits, and on servers without a budget', async () => {
    const small = await withClient(kind, ({ call }) => call('reports.rows', { count: 3 }));
    const large = await withClient(kind, ({ call }) => call('reports.rows', { count: 500 }), { path: '/whole' });
    const listed = await withClient(kind, ({ list }) => list(), { path: '/whole' });

    expect(small.structuredContent?.rows).toHaveLength(3);
    expect(small._meta?.['callboard/output']).toBeUndefined();
    expect(small.content).toHaveLength(1);
    expect(large.structuredContent?.rows).toHaveLength(500);
    expect(listed.map(({ name }) => name)).not.toContain('read_output');
  });

  it.each([
    ['another principal', { token: TOKENS.eve }],
    ['another server', { path: '/other' }],
  ])('does not exist for %s', async (_who, other) => {
    const { cursor, uri } = noteOf(await withClient(kind, ({ call }) => call('reports.rows', { count: 500 })));

    await withClient(
      kind,
      async ({ call, read }) => {
        await expect(call('read_output', { cursor })).rejects.toThrow('Unknown cursor');
        await expect(read(uri)).rejects.toThrow('Resource not found');
      },
      other,
    );

    await withClient(kind, async ({ call, read }) => {
      expect((await call('read_output', { cursor })).isError).toBeUndefined();
      expect((await read(uri)).contents).toHaveLength(1);
    });
  });
});

describe('reading on', () => {
  const callIn2026 = (name: string, args: object) => {
    const { body, headers } = modern('tools/call', { name, arguments: args } as never);
    return app.send(body, { headers, token: TOKENS.ada });
  };
  const cutResult = async (): Promise<Cut> => (await callIn2026('reports.rows', { count: 500 })).json.result;
  const readUri = async (uri: string, token = TOKENS.ada) =>
    (await app.request('resources/read', { uri }, { token })).json;

  it('is a call that reads, on record under the action whose output it is, and runs nothing', async () => {
    const { cursor, uri } = noteOf(await cutResult());
    const runs = reports.state.runs;
    reports.recorded.length = 0;

    await callIn2026('read_output', { cursor });
    await readUri(uri);
    await readUri(uri, TOKENS.eve);

    expect(reports.recorded).toMatchObject([
      {
        name: 'read_output',
        actionId: 'reports:rows',
        effect: 'read',
        decision: 'allow',
        principal: expect.anything(),
      },
      { name: uri, actionId: 'reports:rows', effect: 'read', decision: 'allow' },
      { name: uri, actionId: undefined, decision: 'refuse_unknown' },
    ]);
    expect(reports.state.runs).toBe(runs);
  });

  it('is paused with the action', async () => {
    const { cursor, uri } = noteOf(await cutResult());
    reports.state.isPaused = true;

    const part = await callIn2026('read_output', { cursor });
    const whole = await readUri(uri);

    expect(part.json.result).toMatchObject({
      isError: true,
      content: [{ text: 'ServiceUnavailableError: Everything is paused' }],
    });
    expect(whole.error.message).toContain('Everything is paused');
    expect(reports.recorded.slice(-2)).toMatchObject([{ decision: 'refuse_paused' }, { decision: 'refuse_paused' }]);
  });

  it.each([
    ['nothing', {}],
    ['no text', { cursor: 1 }],
    ['too much', { cursor: 'x', more: true }],
  ])('says what is wrong with %s for a cursor', async (_case, args) => {
    const { json } = await callIn2026('read_output', args);

    expect(json.result).toMatchObject({ isError: true });
    expect(json.result.content[0].text).toMatch(/^InputError: Invalid input to "read_output": /);
  });

  it('takes no cursor that was changed', async () => {
    const { cursor } = noteOf(await cutResult());
    const [id = '', ...rest] = cursor.split('.');
    const changed = [
      `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}.${rest.join('.')}`,
      `${id}.9.0.0`,
      `${id}.0.-1.0`,
      id,
    ];

    for (const text of changed) {
      expect((await callIn2026('read_output', { cursor: text })).json.error, text).toMatchObject({
        code: -32602,
        message: expect.stringContaining('Unknown cursor'),
      });
    }
  });
});

describe('content over the budget', () => {
  const call = async (args: object): Promise<Cut> =>
    (await app.call('reports.content', args as never, { token: TOKENS.ada })).json.result;
  const whole = async (result: Cut) =>
    (await app.request('resources/read', { uri: noteOf(result).uri }, { token: TOKENS.ada })).json.result.contents;

  it('has its text shortened', async () => {
    const result = await call({ text: 9_000, bytes: 8 });
    const part = await app.call('read_output', { cursor: noteOf(result).cursor }, { token: TOKENS.ada });

    expect(result.content.map(({ type }) => type)).toEqual(['text', 'text', 'resource_link']);
    expect(result.content[0]?.text).toMatch(/^t{1999}…$/);
    expect(result.structuredContent).toEqual({ done: true });
    expect(noteOf(result).shown).toEqual([
      { path: 'content/0', shown: 1_999, of: 9_000 },
      { path: 'content/1', shown: 0, of: 8 },
    ]);
    expect(part.json.result.structuredContent).toMatchObject({ path: 'content/0', from: 1_999 });
  });

  it('has bytes only behind the link', async () => {
    const result = await call({ text: 10, bytes: 5_000 });

    expect(result.content.map(({ type }) => type)).toEqual(['text', 'text', 'resource_link']);
    expect(result.content[0]?.text).toBe('tttttttttt');
    expect(JSON.stringify(result)).not.toContain('AAAA');
    expect(await whole(result)).toMatchObject([
      { mimeType: 'application/json', text: '{"done":true}' },
      { mimeType: 'text/plain', text: 'tttttttttt' },
      { mimeType: 'image/png', blob: 'A'.repeat(5_000) },
    ]);
  });

  it('is whole where it fits, with the output as text if it has none of its own', async () => {
    const own = await call({ text: 10, bytes: 8 });
    const none = await call({ text: 0, bytes: 8 });

    expect(own.content.map(({ text, data }) => text ?? data)).toEqual(['tttttttttt', 'AAAAAAAA']);
    expect(none.content.map(({ text, data }) => text ?? data)).toEqual(['{"done":true}', 'AAAAAAAA']);
    expect(none.structuredContent).toEqual({ done: true });
  });
});

describe('text views', () => {
  const textOf = async (name: string, count = 2, path = '') => {
    const { json } = await app.call(`reports.view-${name}`, { count }, { token: TOKENS.ada, path });
    expect(json.result.structuredContent.rows.length).toBeGreaterThan(0);
    return json.result.content[0].text;
  };

  it('stand for the JSON as text, next to the structure', async () => {
    expect(await textOf('table')).toBe('| id | Text |\n| --- | --- |\n| 0 | row \\| 0 |\n| 1 | row \\| 1 |');
    expect(await textOf('keyValue')).toBe('- **rows**: 2');
    expect(await textOf('markdown')).toBe('- row | 0\n- row | 1');
  });

  it.each(['broken', 'throwing'])('that are %s are logged, and the output is JSON', async name => {
    app.logs.length = 0;

    expect(JSON.parse(await textOf(name))).toMatchObject({ rows: [{ id: 0 }, { id: 1 }] });
    expect(app.logs).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining(`"reports:view-${name}" failed`) }),
    );
  });

  it('show what is left of an output that is cut, unless they are too long themselves', async () => {
    const { json } = await app.call('reports.view-table', { count: 500 }, { token: TOKENS.ada });
    const shown = json.result.structuredContent.rows.length;

    expect(json.result.content[0].text.split('\n')).toHaveLength(shown + 2);
    expect(json.result.content[1].text).toContain(`/rows: ${shown} of 500`);
    expect(JSON.parse(await textOf('long'))).toMatchObject({ rows: [{ id: 0 }, { id: 1 }] });
    expect((await textOf('long', 2, '/whole')).length).toBe(50_000);
  });
});

describe('an output that is no object', () => {
  it.each([
    ['an array', [1, 2], { '2025': { result: [1, 2] }, '2026': [1, 2] }],
    ['a text', 'said', { '2025': { result: 'said' }, '2026': 'said' }],
    ['a number', 0, { '2025': { result: 0 }, '2026': 0 }],
    ['nothing', null, { '2025': undefined, '2026': undefined }],
  ])('is structured as its era has it: %s', async (_case, output, expected) => {
    const { body, headers } = modern('tools/call', { name: 'reports.anything', arguments: { of: output } } as never);

    const older = await app.call('reports.anything', { of: output } as never, { token: TOKENS.ada });
    const newer = await app.send(body, { headers, token: TOKENS.ada });

    expect(older.json.result.structuredContent).toEqual(expected['2025']);
    expect(newer.json.result.structuredContent).toEqual(expected['2026']);
    for (const { json } of [older, newer]) {
      expect(json.result.content).toEqual([{ type: 'text', text: JSON.stringify(output) }]);
    }
  });

  it('is cut as well', async () => {
    const output = Array.from({ length: 2_000 }, (_, id) => id);

    const { json } = await app.call('reports.anything', { of: output } as never, { token: TOKENS.ada });

    const { result } = json.result.structuredContent;
    expect(output.slice(0, result.length)).toEqual(result);
    expect(json.result._meta['callboard/output'].shown).toEqual([{ path: '', shown: result.length, of: 2_000 }]);
  });
});
