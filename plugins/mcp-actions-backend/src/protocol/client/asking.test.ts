import type { JsonObject } from '@backstage/types';
import { type ClientKind, clientKinds, connectClient } from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createScriptPlugin } from '../../testing/scriptPlugin.js';
import { backendOfTwo, startProbe, TOKENS } from '../../testing/startProbe.js';

const sampling = (text: string): JsonObject => ({
  messages: [{ role: 'user', content: { type: 'text', text } }],
  maxTokens: 50,
});
const name = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };

let app: Awaited<ReturnType<typeof startProbe>>;
let can: unknown;
const script = createScriptPlugin(
  {
    async book({ client }) {
      const answer = await client.elicit({
        message: 'Which table?',
        schema: z.object({
          seats: z.int().min(1).max(8).default(2),
          where: z.enum(['inside', 'outside']),
          wishes: z.array(z.enum(['window', 'quiet'])).default([]),
          note: z.string().trim().optional(),
        }),
      });
      return { answer } as never;
    },
    async introduce({ client }) {
      const { who, greeting, folders } = await client.ask({
        who: { method: 'elicitation/create', params: { message: 'What is your name?', requestedSchema: name } },
        greeting: { method: 'sampling/createMessage', params: sampling('Generate a greeting') },
        folders: { method: 'roots/list' },
      });
      return { who, greeting, folders } as never;
    },
    async steps({ client }) {
      const told: string[] = [];
      for (const step of ['one', 'two', 'three']) {
        const { content } = await client.elicit({ message: `Step ${step}`, schema: z.object({ name: z.string() }) });
        told.push(content?.name ?? 'nothing');
      }
      return { told };
    },
    async together({ client }) {
      const ask = async (message: string) => (await client.elicit({ message, schema: z.object({}) })).action;
      return { answers: await Promise.all([ask('this'), ask('that')]) };
    },
    async open({ client }) {
      const { page } = await client.ask({
        page: {
          method: 'elicitation/create',
          params: { mode: 'url', message: 'Sign in', url: 'https://example.com/in' },
        },
      });
      return { action: page.action };
    },
    async complete({ client }) {
      const { idea } = await client.ask({ idea: { method: 'sampling/createMessage', params: sampling('Think') } });
      return { idea } as never;
    },
    async careful({ client }) {
      can = client.can;
      return {
        asked: client.can.elicitForm
          ? (await client.elicit({ message: 'Sure?', schema: z.object({}) })).action
          : 'nobody',
      };
    },
    async list({ client }) {
      const { folders } = await client.ask({ folders: { method: 'roots/list' } });
      return { folders } as never;
    },
    async nested({ client }) {
      await client.elicit({ message: 'Where?', schema: z.object({ place: z.object({ city: z.string() }) }) });
      return {};
    },
    write: {
      effect: 'create',
      preview: async ({ client }) => ({ summary: `can ask: ${Object.values(client.can).some(Boolean)}` }),
      async action({ client }) {
        const { content } = await client.elicit({ message: 'Title?', schema: z.object({ title: z.string() }) });
        return { title: content?.title as string };
      },
    },
  },
  async client => {
    const { content } = await client.elicit({ message: 'Who?', schema: z.object({ name: z.string() }) });
    return `It is ${content?.name}`;
  },
);

beforeAll(async () => {
  app = await startProbe({
    features: [script.plugin],
    config: { backend: { ...backendOfTwo, actions: { pluginSources: ['script'], mode: 'safe' } } },
  });
});
afterAll(() => app.stop());

let closers: (() => Promise<void>)[];
beforeEach(() => {
  closers = [];
  script.recorded.length = 0;
  for (const key of Object.keys(script.runs)) {
    delete script.runs[key];
  }
});
afterEach(async () => {
  for (const close of closers) {
    await close();
  }
});

async function connect(kind: ClientKind, options: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const client = await connectClient({ url: app.url, token: TOKENS.ada, kind, ...options });
  closers.push(client.close);
  return {
    ...client,
    async call(action: string) {
      const { isError, content, structuredContent } = await client.callTool(`script.${action}`, {});
      return isError ? content[0]?.text : structuredContent;
    },
  };
}

describe.each(clientKinds)('a handler asks %s', kind => {
  it('for a form, made of a schema, and gets what was filled in, checked', async () => {
    const asked: unknown[] = [];
    const { call } = await connect(kind, {
      answer: (_question, params) => {
        asked.push(params);
        return { action: 'accept', content: { seats: 4, where: 'outside', wishes: ['quiet'], note: ' please ' } };
      },
    });

    const result = await call('book');

    expect(result).toEqual({
      answer: { action: 'accept', content: { seats: 4, where: 'outside', wishes: ['quiet'], note: 'please' } },
    });
    expect(asked).toMatchObject([
      {
        message: 'Which table?',
        requestedSchema: {
          type: 'object',
          properties: {
            seats: { type: 'integer', minimum: 1, maximum: 8, default: 2 },
            where: { type: 'string', enum: ['inside', 'outside'] },
            wishes: { type: 'array', items: { type: 'string', enum: ['window', 'quiet'] }, default: [] },
            note: { type: 'string' },
          },
          required: ['where'],
        },
      },
    ]);
    expect(script.runs).toEqual({ book: 1 });
    expect(script.recorded).toMatchObject([{ decision: 'allow', outcome: { error: undefined } }]);
  });

  it.each(['decline', 'cancel'] as const)('and learns that the person chose to %s', async action => {
    const { call } = await connect(kind, { answer: () => ({ action }) });

    expect(await call('book')).toEqual({ answer: { action } });
  });

  it('and refuses what does not fit the schema, naming the field', async () => {
    const { call } = await connect(kind, {
      answer: () => ({ action: 'accept', content: { seats: 99, where: 'inside' } }),
    });

    expect(await call('book')).toMatch(/^InputError: What was filled in does not fit: seats: /);
    expect(script.recorded).toMatchObject([{ decision: 'allow', outcome: { error: { name: 'InputError' } } }]);
  });

  it('for a form, its model and its folders at once', async () => {
    const { call } = await connect(kind, {
      answer: () => ({ action: 'accept', content: { name: 'Ada' } }),
      sample: () => ({ role: 'assistant', model: 'm-1', content: { type: 'text', text: 'Hello!' } }),
      roots: ['file:///work'],
    });

    expect(await call('introduce')).toMatchObject({
      who: { action: 'accept', content: { name: 'Ada' } },
      greeting: { role: 'assistant', model: 'm-1', content: { type: 'text', text: 'Hello!' } },
      folders: { roots: [{ uri: 'file:///work' }] },
    });
    expect(script.runs).toEqual({ introduce: 1 });
  });

  it('one question after the other, and runs once', async () => {
    const { call } = await connect(kind, {
      answer: question => ({ action: 'accept', content: { name: question } }),
    });

    expect(await call('steps')).toEqual({ told: ['Step one', 'Step two', 'Step three'] });
    expect(script.runs).toEqual({ steps: 1 });
    expect(script.recorded).toHaveLength(1);
    expect(app.logs.filter(({ eventId }) => eventId === 'tool-execution').slice(-2)).toMatchObject([
      { status: 'initiated' },
      { status: 'succeeded' },
    ]);
  });

  it('two questions that do not wait for each other', async () => {
    const { call } = await connect(kind, { answer: question => (question === 'this' ? 'accept' : 'decline') });

    expect(await call('together')).toEqual({ answers: ['accept', 'decline'] });
  });

  it('to open a page', async () => {
    const urls: unknown[] = [];
    const { call } = await connect(kind, {
      elicitation: { url: {} },
      answer: (_question, { mode, url }) => {
        urls.push(mode, url);
        return { action: 'accept' };
      },
    });

    expect(await call('open')).toEqual({ action: 'accept' });
    expect(urls).toEqual(['url', 'https://example.com/in']);
  });

  it('after a person has approved the call, and runs once', async () => {
    const questions: string[] = [];
    const { call } = await connect(kind, {
      answer: question => {
        questions.push(question);
        return question === 'Title?' ? { action: 'accept', content: { title: 'Tea' } } : 'accept';
      },
    });

    expect(await call('write')).toEqual({ title: 'Tea' });
    expect(questions).toEqual([expect.stringMatching(/^Approve script:write[\s\S]*\ncan ask: false\n/), 'Title?']);
    expect(script.runs).toEqual({ write: 1 });
    expect(script.recorded.map(({ decision }) => decision)).toEqual([
      'needs_approval_asked',
      'needs_approval_accepted',
    ]);
  });

  it('while it makes a prompt, or reads a resource', async () => {
    const { raw } = await connect(kind, { answer: () => ({ action: 'accept', content: { name: 'Ada' } }) });

    const { messages } = await raw.getPrompt({ name: 'script.who' });
    const { contents } = await raw.readResource({ uri: 'script://who' });

    expect(messages).toMatchObject([{ content: { text: 'It is Ada' } }]);
    expect(contents).toMatchObject([{ text: 'It is Ada' }]);
  });

  it('with a schema that is no form, which is the fault of its author', async () => {
    const { call } = await connect(kind, { answer: () => 'accept' });

    await expect(call('nested')).rejects.toThrow(/failed unexpectedly/);

    expect(script.recorded[0]?.outcome?.error?.message).toMatch(/^The field "place" cannot be part of a form/);
  });

  it('nothing, where it sees that nobody can be asked', async () => {
    const { call } = await connect(kind);

    expect(await call('careful')).toEqual({ asked: 'nobody' });
    expect(can).toEqual({ elicitForm: false, elicitUrl: false, sample: false, listRoots: false });
  });

  it('and sees what it can be asked', async () => {
    const { call } = await connect(kind, {
      elicitation: { form: {}, url: {} },
      answer: () => 'accept',
      sample: () => ({}),
      roots: [],
    });

    expect(await call('careful')).toEqual({ asked: 'accept' });
    expect(can).toEqual({ elicitForm: true, elicitUrl: true, sample: true, listRoots: true });
  });
});

describe.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)(
  'a client of the 2025 era, %s',
  kind => {
    it.each([
      ['book', 'elicitation (form)'],
      ['open', 'elicitation (url)'],
      ['complete', 'sampling'],
      ['list', 'roots'],
    ])('that cannot be asked what %s asks is told what it lacks', async (action, lacks) => {
      const { call } = await connect(kind);

      expect(await call(action)).toBe(
        `ClientCapabilityError: The client cannot be asked: it does not support ${lacks}`,
      );
      expect(script.recorded).toMatchObject([{ outcome: { error: { name: 'ClientCapabilityError' } } }]);
    });

    it('that answers with an error is told so', async () => {
      const { call } = await connect(kind, { sample: () => Promise.reject(new Error('No model')) });

      expect(await call('complete')).toMatch(
        /^ClientCapabilityError: The client could not be asked, though it says that it can: it answered sampling\/createMessage \("idea"\) with the error -\d+: .*No model/,
      );
    });

    it('that answers what is no answer is told so', async () => {
      const { call } = await connect(kind, { answer: () => ({ action: 'yes' as never }) });

      expect(await call('book')).toMatch(
        /^(InputError: The client's answer to elicitation\/create \("answer"\) is none|ClientCapabilityError: The client could not be asked)/,
      );
    });
  },
);

describe('a client of the 2025 era without a session', () => {
  it('cannot be asked', async () => {
    const { status, json } = await app.call('script.book', {}, { token: TOKENS.ada });

    expect(status).toBe(200);
    expect(json.result).toMatchObject({
      isError: true,
      content: [{ text: 'ClientCapabilityError: The client cannot be asked: it does not support elicitation (form)' }],
    });
  });
});

describe('the invoke endpoint', () => {
  it('has nobody to ask', async () => {
    const answer = await fetch(`${app.origin}/api/script/.backstage/actions/v1/actions/script%3Abook/invoke`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${TOKENS.ada}`, 'Content-Type': 'application/json' },
      body: '{}',
    });

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: {
        name: 'ClientCapabilityError',
        message: 'Nobody can be asked: this call does not come from an MCP client',
      },
    });
  });
});
