import { ApprovalDesk, approvalDeskPlugin, connectClient } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesPlugin } from '../testing/filesPlugin.js';
import { createNotesPlugin } from '../testing/notesPlugin.js';
import { backendOfTwo, startProbe, TOKENS } from '../testing/startProbe.js';

const eras = ['v2-legacy', 'v2-modern'] as const;

const notes = createNotesPlugin();
const desk = new ApprovalDesk();
let app: Awaited<ReturnType<typeof startProbe>>;
beforeAll(async () => {
  app = await startProbe({
    features: [notes.plugin, filesPlugin, approvalDeskPlugin(desk)],
    config: {
      backend: {
        ...backendOfTwo,
        actions: {
          pluginSources: ['probe', 'notes', 'files'],
          mode: 'safe',
          callers: [{ principal: 'eve', profile: 'limited' }],
          profiles: { limited: { capabilities: ['actions:read'], filter: { exclude: [{ id: '*:open-vault' }] } } },
        },
      },
      mcpActions: {
        discovery: 'search',
        servers: { reading: { name: 'Reading', discovery: 'search', mode: 'read_only' } },
      },
    },
  });
});
afterAll(() => app.stop());
beforeEach(() => {
  notes.recorded.length = 0;
  desk.all.length = 0;
});

type Ways = Awaited<ReturnType<typeof waysOf>>;

/** The three tools, as a model would use them. */
async function waysOf(
  kind: (typeof eras)[number],
  { token = TOKENS.ada, path = '', answer }: { token?: string; path?: string; answer?: 'accept' | 'decline' } = {},
) {
  const client = await connectClient({
    url: `${app.origin}/api/mcp-actions/v1${path}`,
    token,
    kind,
    ...(answer && { answer: () => answer }),
  });
  return {
    client,
    // biome-ignore lint/suspicious/noExplicitAny: results of every shape
    search: async (query: string, limit?: number): Promise<any> =>
      (await client.callTool('search_tools', { query, ...(limit && { limit }) })).structuredContent,
    describe: (name: string) => client.callTool('describe_tool', { name }),
    call: (name: string, input: object = {}) => client.callTool('call_tool', { name, arguments: input }),
  };
}

async function using<T>(ways: Promise<Ways>, use: (ways: Ways) => Promise<T>): Promise<T> {
  const opened = await ways;
  try {
    return await use(opened);
  } finally {
    await opened.client.close();
  }
}

const namesIn = ({ tools }: { tools: { name: string }[] }) => tools.map(({ name }) => name);

describe.each(eras)('on a server whose tools are searched, a client (%s)', kind => {
  it('is shown the three tools, of which two only read', async () => {
    const tools = await using(waysOf(kind), ({ client }) => client.listTools());

    expect(tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint])).toEqual([
      ['call_tool', false],
      ['describe_tool', true],
      ['search_tools', true],
    ]);
  });

  it('finds tools with what it has to know to choose one', async () => {
    const found = await using(waysOf(kind), ({ search }) => search('removing files'));

    expect(found.tools[0]).toEqual({
      name: 'files.remove-file',
      title: 'Remove a file',
      description: 'Removes a file for good',
      effect: 'delete',
      readOnly: false,
      approval: 'always',
    });
    expect(found.tools).toContainEqual({
      name: 'files.search-files',
      title: 'Search files',
      description: 'Finds files by their text.',
      effect: 'read',
      readOnly: true,
      approval: 'never',
    });
    expect(found.total).toBe(12);
  });

  it.each([
    ['its name', 'searchFiles', 'files.search-files'],
    ['its whole name', 'files.search-files', 'files.search-files'],
    ['an input', 'regular expression', 'files.search-files'],
    ['an example', 'vineyard', 'files.search-files'],
    ['a beginning', 'regul', 'files.search-files'],
    ['a misspelling', 'remvoe fiel', 'files.remove-file'],
    ['its plugin', 'notes', 'notes.write'],
    ['another word for it', 'erase', 'files.remove-file'],
  ])('finds a tool by %s', async (_by, query, name) => {
    const found = await using(waysOf(kind), ({ search }) => search(query));

    expect(namesIn(found)[0]).toBe(name);
  });

  it.each(['', '   ', '?!*', 'of the', 'zzzzqqqq', '\u0000', 'hasOwnProperty.valueOf '.repeat(40)])(
    'is told what there is if nothing fits "%s"',
    async query => {
      const found = await using(waysOf(kind), ({ search }) => search(query));

      expect(found).toEqual({
        tools: [],
        total: 12,
        hint: expect.stringContaining('No tool fits'),
        plugins: [
          { plugin: 'files', tools: 5 },
          { plugin: 'notes', tools: 1 },
          { plugin: 'probe', tools: 6 },
        ],
      });
    },
  );

  it('gets no more than it asked for, and is told what it may ask for', async () => {
    await using(waysOf(kind), async ({ client, search }) => {
      const one = await search('file', 1);
      const wrong = await client.callTool('search_tools', { query: 'file', limit: 21 });
      const none = await client.callTool('search_tools', {});

      expect(one.tools).toHaveLength(1);
      expect(wrong).toMatchObject({ isError: true });
      expect(wrong.content[0]?.text).toMatch(/^InputError: Invalid input to "search_tools": limit: /);
      expect(none.content[0]?.text).toMatch(/^InputError: Invalid input to "search_tools": query: /);
    });
  });

  it('is described a tool whole, with examples and whether calls are approved', async () => {
    const [found, depending] = await using(waysOf(kind), ({ describe: describeTool }) =>
      Promise.all([describeTool('files.search-files'), describeTool('files.run-script')]),
    );

    expect(found?.structuredContent).toMatchObject({
      name: 'files.search-files',
      title: 'Search files',
      description: 'Finds files by their text. Long ones, too.\nMore on this elsewhere.',
      inputSchema: { type: 'object', properties: { pattern: { type: 'string' } }, required: ['pattern'] },
      outputSchema: { type: 'object', properties: { paths: { type: 'array' } } },
      annotations: { readOnlyHint: true },
      effect: 'read',
      approval: 'never',
      examples: [{ title: 'Everything about vineyards' }],
    });
    expect(depending?.structuredContent).toMatchObject({ effect: 'by-input', approval: 'by-input' });
  });

  it('calls a tool as if it were listed, with its content, structure and errors', async () => {
    await using(waysOf(kind), async ({ client, call }) => {
      const through = await call('files.search-files', { pattern: 'a' });
      const directly = await client.callTool('files.search-files', { pattern: 'a' });
      const wrong = await call('files.search-files', { pattern: 1 });

      expect(through.structuredContent).toEqual({ paths: ['a'] });
      expect(through.content).toEqual([{ type: 'text', text: '{"paths":["a"]}' }]);
      expect(directly.structuredContent).toEqual(through.structuredContent);
      expect(wrong.isError).toBe(true);
      expect(wrong.content[0]?.text).toContain('Invalid input to action "files:search-files": pattern:');
      await expect(call('files.answer-wrongly')).rejects.toThrow('failed unexpectedly');
    });
    expect(notes.recorded.slice(0, 2)).toMatchObject([
      { name: 'files.search-files', actionId: 'files:search-files', input: { pattern: 'a' }, decision: 'allow' },
      { name: 'files.search-files', actionId: 'files:search-files', decision: 'allow' },
    ]);
  });

  it('asks the person at it to approve the tool inside, and nobody else', async () => {
    const accepted = await using(waysOf(kind, { answer: 'accept' }), ({ call }) =>
      call('notes.write', { text: 'yes' }),
    );
    const declined = await using(waysOf(kind, { answer: 'decline' }), ({ call }) =>
      call('notes.write', { text: 'no' }),
    );

    expect(accepted.structuredContent).toEqual({ length: 3 });
    expect(declined.isError).toBe(true);
    expect(notes.written).toContainEqual({ text: 'yes' });
    expect(notes.written).not.toContainEqual({ text: 'no' });
    expect(desk.all.map(({ request }) => request.actionId)).toEqual(['notes:write', 'notes:write']);
  });

  it('reports how far a call is that came through call_tool', async () => {
    await using(waysOf(kind), async ({ client }) => {
      const progress: unknown[] = [];
      const raw = client.raw as {
        callTool(params: object, options: { onprogress: (progress: unknown) => void }): Promise<unknown>;
      };

      await raw.callTool(
        { name: 'call_tool', arguments: { name: 'files.search-files', arguments: { pattern: 'a' } } },
        { onprogress: update => progress.push(update) },
      );

      expect(progress).toMatchObject([{ progress: 1, total: 2 }]);
    });
  });

  it.each(['call_tool', 'search_tools', 'describe_tool'])('cannot call %s through call_tool', async name => {
    await using(waysOf(kind), async ({ call }) => {
      const nested = call(name, { name: 'files.search-files', arguments: { pattern: 'a' } });

      await expect(nested).rejects.toThrow(`Unknown tool: ${name}; it is called by itself`);
    });
    expect(notes.recorded).toMatchObject([{ name, actionId: undefined, decision: 'refuse_unknown' }]);
  });

  it.each([
    [{}, 'name'],
    [{ name: 1 }, 'name'],
    [{ name: 'files.search-files', arguments: ['a'] }, 'arguments'],
    [{ name: 'files.search-files', pattern: 'a' }, 'pattern'],
  ])('is told what is wrong with %j, which is on record', async (args, problem) => {
    const result = await using(waysOf(kind), ({ client }) => client.callTool('call_tool', args));

    expect(result.isError).toBe(true);
    expect(result.content[0]?.text).toMatch(/^InputError: Invalid input to "call_tool": /);
    expect(result.content[0]?.text).toContain(problem);
    expect(notes.recorded).toMatchObject([{ name: 'call_tool', decision: 'refuse_unknown' }]);
  });
});

describe.each(eras)('what a caller may not see (%s)', kind => {
  const eve = { token: TOKENS.eve };
  const hidden = ['files.open-vault', 'files.remove-file', 'notes.write'];

  it('is neither found, nor counted, nor similar to anything', async () => {
    await using(waysOf(kind, eve), async ({ search, describe: describeTool, call }) => {
      for (const query of ['vault crown jewels', 'open vault', 'remove a file', 'write a note', ...hidden]) {
        const { tools, total, plugins } = await search(query, 20);
        expect(
          namesIn({ tools }).filter(name => hidden.includes(name)),
          query,
        ).toEqual([]);
        expect(total).toBe(5);
        expect(JSON.stringify(plugins ?? [])).not.toContain('notes');
      }
      for (const name of ['files.open-valut', 'vault', 'notes', 'files.remove-fiel']) {
        const described = await describeTool(name);
        const called = await call(name).catch(error => error.message);
        expect(described.isError).toBe(true);
        for (const text of [described.content[0]?.text, called]) {
          expect(hidden.filter(other => String(text).includes(other))).toEqual([]);
        }
      }
    });
  });

  it('is answered like what does not exist, described or called', async () => {
    await using(waysOf(kind, eve), async ({ describe: describeTool, call }) => {
      const withoutName = (text: string | undefined, name: string) => String(text).replaceAll(name, 'X');
      for (const name of hidden) {
        const other = name.replace(/[a-z]$/, 'q');
        const [described, missing] = [await describeTool(name), await describeTool(other)];
        const [called, unknown] = await Promise.all(
          [name, other].map(tried => call(tried).catch(error => error.message as string)),
        );

        const similar = /; similar: .*/;
        expect(withoutName(described.content[0]?.text, name).replace(similar, '')).toBe(
          withoutName(missing.content[0]?.text, other).replace(similar, ''),
        );
        expect(withoutName(called as string, name).replace(similar, '')).toBe(
          withoutName(unknown as string, other).replace(similar, ''),
        );
      }
    });
    expect(notes.recorded.every(({ actionId, decision }) => !actionId && decision !== 'allow')).toBe(true);
  });

  it('does not come back to others who are shown less, whoever searched before', async () => {
    const before = await using(waysOf(kind), ({ search }) => search('vault'));
    const meanwhile = await using(waysOf(kind, eve), ({ search }) => search('vault'));
    const after = await using(waysOf(kind), ({ search }) => search('vault'));

    expect(namesIn(before)).toEqual(['files.open-vault']);
    expect(namesIn(meanwhile)).toEqual([]);
    expect(namesIn(after)).toEqual(['files.open-vault']);
  });

  it('is what a server refuses whatever the input', async () => {
    const found = await using(waysOf(kind, { path: '/reading' }), ({ search }) => search('remove file', 20));
    const refused = await using(waysOf(kind, { path: '/reading' }), ({ call }) => call('files.remove-file'));

    expect(namesIn(found)).not.toContain('files.remove-file');
    expect(refused.content[0]?.text).toContain('is refused: the mode is read_only');
  });
});

it('near matches of a name are told where it was wrong', async () => {
  await using(waysOf('v2-modern'), async ({ describe: describeTool, call }) => {
    const described = await describeTool('files.serch-file');

    expect(described.content[0]?.text).toMatch(
      /^NotFoundError: Unknown tool: files\.serch-file; similar: files\.search-files/,
    );
    await expect(call('search_files')).rejects.toThrow(/Unknown tool: search_files; similar: files\.search-files/);
  });
});

it('nobody else has the three tools', async () => {
  const other = await startProbe();

  for (const name of ['search_tools', 'describe_tool', 'call_tool', 'read_output']) {
    const { json } = await other.call(name, { query: '', name: 'probe.echo', arguments: {} });
    expect(json.error).toMatchObject({ code: -32602, message: `Unknown tool: ${name}` });
  }
  await other.stop();
});
