import { Ajv, AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  listedAction,
  type SourceServer,
  startSourceServer,
  withActions,
  withJson,
} from '../../packages/actions/src/testing/sourceServer.js';
import { offersPlugin } from '../../plugins/mcp-actions-backend/src/testing/offersPlugin.js';
import { eras, type SpecServer, startSpecServer } from './testing/startSpecServer.js';

const DRAFT_7 = 'http://json-schema.org/draft-07/schema#';
const LIMIT = 1_000;

/** Another backend, whose schemas are in every dialect; its `far:*` actions answer with 200 words. */
let far: SourceServer;
let app: SpecServer;

/** Draft 7 knows no `minContains`: to it, one word is enough. */
const manyWords = {
  type: 'object',
  properties: {
    words: { type: 'array', items: { type: 'string' }, contains: { type: 'string' }, minContains: 150 },
  },
} as never;
const farAction = (name: string, output: object) => {
  const { schema, ...rest } = listedAction(`far:${name}`);
  return { ...rest, schema: { ...schema, output: output as never } };
};

beforeAll(async () => {
  far = await startSourceServer();
  const list = withActions(
    farAction('in-no-dialect', manyWords),
    farAction('in-draft-7', { $schema: DRAFT_7, ...(manyWords as object) }),
    farAction('in-2020-12', {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...(manyWords as object),
    }),
    farAction('in-a-dialect-of-its-own', { $schema: 'https://example.com/dialect', ...(manyWords as object) }),
    farAction('with-a-reference', {
      type: 'object',
      properties: { words: { $ref: `${far.baseUrl}/words.json` } },
    }),
  );
  const answer = withJson({ output: { words: Array.from({ length: 200 }, (_, index) => `word ${index}`) } });
  far.answer = (res, request) => (request.method === 'GET' ? list(res, request) : answer(res, request));
  const badPrompts = offersPlugin('bad', ({ prompts }) => {
    for (const [name, content] of Object.entries(badContents)) {
      prompts.register({
        name,
        title: name,
        description: name,
        get: async () => ({ messages: [{ role: 'user', content: content as never }] }),
      });
    }
  });
  app = await startSpecServer({
    features: [badPrompts],
    pluginSources: ['bad', 'far'],
    mcpActions: { maxOutputCharacters: LIMIT },
    discovery: { endpoints: [{ target: far.baseUrl, plugins: ['far'] }] },
  });
});
afterAll(async () => {
  await app.stop();
  await far.stop();
});

const badContents: Record<string, object> = {
  'image-bytes': { type: 'image', data: 'not base64 %%%', mimeType: 'image/png' },
  'image-type': { type: 'image', data: 'aGk=' },
  'image-strange-type': { type: 'image', data: 'aGk=', mimeType: 'png' },
  'audio-bytes': { type: 'audio', data: 'a', mimeType: 'audio/wav' },
  'audio-type': { type: 'audio', data: 'aGk=', mimeType: '' },
  'resource-uri': { type: 'resource', resource: { uri: 'no uri', mimeType: 'text/plain', text: 'x' } },
  'resource-without-uri': { type: 'resource', resource: { mimeType: 'text/plain', text: 'x' } },
  'resource-without-content': { type: 'resource', resource: { uri: 'bad://x', mimeType: 'text/plain' } },
  'resource-bytes': { type: 'resource', resource: { uri: 'bad://x', mimeType: 'text/plain', blob: 'not base64 %%%' } },
};

const resultOf = async (name: string) =>
  (await app.ask('2026-07-28', 'tools/call', { name: `far.${name}`, arguments: {} })).json.result;
const callsOf = (path: string) => far.requests.filter(request => request.path.includes(path)).length;

describe('schemas', () => {
  it.each(eras)('every schema that is published is valid in the dialect that it names, in %s', async era => {
    const { tools } = (await app.ask(era, 'tools/list')).json.result;

    const ours = tools.filter(({ name }: { name: string }) => !name.startsWith('far.'));
    expect(ours.length).toBeGreaterThan(20);
    for (const { name, inputSchema, outputSchema } of ours) {
      expect(inputSchema, name).toMatchObject({ type: 'object' });
      for (const schema of [inputSchema, outputSchema ?? {}]) {
        expect(findSchemaProblem(schema), name).toBeUndefined();
      }
    }
  });

  it.each(eras)('structured results fit the schema that is published, in %s', async era => {
    const { tools } = (await app.ask(era, 'tools/list')).json.result;
    const calls = [
      { name: 'probe.echo', arguments: { message: 'short' } },
      { name: 'probe.echo', arguments: { message: 'long '.repeat(LIMIT) } },
      { name: 'far.in-draft-7', arguments: {} },
    ];

    for (const params of calls) {
      const { result } = (await app.ask(era, 'tools/call', params)).json;
      const { outputSchema } = tools.find(({ name }: { name: string }) => name === params.name);

      const { valid, errorMessage } = new AjvJsonSchemaValidator().getValidator(outputSchema)(result.structuredContent);
      expect(valid, errorMessage).toBe(true);
    }
  });

  it('a schema is read in the dialect that it names, and in 2020-12 where it names none', async () => {
    const inDraft7 = await resultOf('in-draft-7');
    const inNoDialect = await resultOf('in-no-dialect');
    const in2020 = await resultOf('in-2020-12');

    // What is cut to fit the limit has fewer than 150 words, which only draft 7 has nothing against.
    expect(inDraft7.isError).toBeFalsy();
    expect(inDraft7.structuredContent.words.length).toBeLessThan(150);
    expect([inNoDialect.isError, in2020.isError]).toEqual([true, true]);
    expect([inNoDialect, in2020].filter(result => 'structuredContent' in result)).toEqual([]);
  });

  it('a dialect that is not known costs no other tool, and its output is not shown unchecked', async () => {
    const { tools } = (await app.ask('2026-07-28', 'tools/list')).json.result;

    const result = await resultOf('in-a-dialect-of-its-own');

    expect(tools.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['far.in-a-dialect-of-its-own', 'far.in-draft-7', 'probe.echo']),
    );
    expect([result.isError, result.content[0].text]).toEqual([true, expect.stringContaining('fit its schema')]);
    expect(result).not.toHaveProperty('structuredContent');
  });

  it('references to the network are not followed', async () => {
    const { tools } = (await app.ask('2026-07-28', 'tools/list')).json.result;

    const result = await resultOf('with-a-reference');

    expect(tools.map(({ name }: { name: string }) => name)).toContain('far.with-a-reference');
    expect(callsOf('with-a-reference')).toBeGreaterThan(0);
    expect(callsOf('words.json')).toBe(0);
    expect(result).toMatchObject({ isError: true });
  });
});

describe.each(eras)('in %s', era => {
  it.each(Object.keys(badContents))(
    'bytes that are no base64 and media without a type are a fault of the author: %s',
    async name => {
      const { json } = await app.ask(era, 'prompts/get', { name: `bad.${name}` });

      expect(json.error.code).toBe(-32603);
      expect(json.error.message).toContain(json.error.data.requestId);
    },
  );
});

/** Compiles it in the dialect that it names, and has draft 7 check it by its own schema. */
function findSchemaProblem(schema: { $schema?: string }): string | undefined {
  try {
    new AjvJsonSchemaValidator().getValidator(schema as never);
    const draft7 = new Ajv({ strict: false });
    return schema.$schema === DRAFT_7 && !draft7.validateSchema(schema) ? draft7.errorsText() : undefined;
  } catch (error) {
    return String(error);
  }
}
