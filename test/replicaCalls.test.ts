import { NotFoundError } from '@backstage/errors';
import type { JsonObject } from '@backstage/types';
import type { CallClient, ClientRequest } from '@callboard/actions-api';
import approvalsFeatures from '@callboard/plugin-approvals-backend';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type ClientKind,
  connectClient,
  deferred,
  describeOnPostgres,
  describeOnRedis,
  type LogMessage,
  type PostAnswer,
  type Progress,
  post,
  startTestApp,
  type TestApp,
} from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReportsPlugin } from '../plugins/mcp-actions-backend/src/testing/reportsPlugin.js';
import { createScriptPlugin } from '../plugins/mcp-actions-backend/src/testing/scriptPlugin.js';
import { backendOfTwo, modern, TOKENS } from '../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { askedBy, callInRounds, LATE, mcpPath, type RoundOptions, textOf } from './testing/callInRounds.js';
import { type Replica, type Replicas, startReplicas } from './testing/startReplicas.js';

/** One question of each kind, and how a client answers it. */
const questions = {
  form: {
    method: 'elicitation/create',
    params: { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
  },
  url: { method: 'elicitation/create', params: { mode: 'url', message: 'Look', url: 'https://board.example/look' } },
  sample: {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text: 'Think' } }], maxTokens: 10 },
  },
  roots: { method: 'roots/list' },
} as const;
const answers: Record<keyof typeof questions, JsonObject> = {
  form: { action: 'accept', content: { name: 'Ada' } },
  url: { action: 'accept' },
  sample: { role: 'assistant', content: { type: 'text', text: 'An idea' }, model: 'test', stopReason: 'endTurn' },
  roots: { roots: [{ uri: 'file:///home/ada' }] },
};
const kinds = Object.keys(questions) as (keyof typeof questions)[];

const put = async (client: CallClient, asked: object): Promise<JsonObject> => ({
  ...((await client.ask(asked as Record<string, ClientRequest>)) as JsonObject),
});

/** What the actions of both replicas do, and what happened in them. */
function createScript() {
  const resumed = deferred();
  const aborted = deferred();
  const script = createScriptPlugin({
    ...Object.fromEntries(
      kinds.map(kind => [kind, ({ client }: { client: CallClient }) => put(client, { [kind]: questions[kind] })]),
    ),
    async all({ client }) {
      const first = await put(client, { form: questions.form, roots: questions.roots });
      return { ...first, ...(await put(client, { sample: questions.sample })) };
    },
    async tell({ client }) {
      await put(client, { form: questions.form });
      client.reportProgress({ progress: 1, total: 2, message: 'Half' });
      client.log('info', 'told');
      return { told: true };
    },
    async refuse({ client }) {
      await put(client, { form: questions.form });
      throw new NotFoundError('There is no such table');
    },
    async fail({ client }) {
      await put(client, { form: questions.form });
      throw new Error('secret-internal-detail');
    },
    async listen({ client, signal }) {
      await put(client, { form: questions.form });
      signal.addEventListener('abort', () => aborted.resolve());
      resumed.resolve();
      await aborted.promise;
      throw signal.reason;
    },
    write: {
      effect: 'create',
      async action({ client }) {
        const { form } = await put(client, { form: questions.form });
        return { written: (form as { content?: { name?: string } }).content?.name ?? null };
      },
    },
  });
  return { ...script, resumed, aborted };
}

function startAppWith(features: unknown[]) {
  return ({ port, backend }: { port: number; backend: JsonObject }): Promise<TestApp> =>
    startTestApp({
      port,
      features: [approvalsFeatures, mcpFeatures, ...features] as never,
      config: {
        backend: {
          ...backend,
          auth: backendOfTwo.auth,
          actions: { ...(backend.actions as JsonObject), pluginSources: ['script', 'reports'], mode: 'safe' },
        },
        mcpActions: { maxOutputCharacters: 2_000 },
      },
    });
}

const call = (replica: Replica, action: string, options?: RoundOptions) =>
  callInRounds(replica, `script.${action}`, options);

const ask = (replica: Replica, action: string) => askedBy(replica, `script.${action}`);

/** The answer without what is different each time. */
const settled = ({ status, message }: PostAnswer) =>
  JSON.parse(JSON.stringify({ status, ...message }).replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'));

await describeOnRedis('two replicas that share a database and a Redis', () =>
  describeOnPostgres('and a call that asks its client', () => {
    let shared: Replicas;
    let one: Replica;
    let two: Replica;
    let script: ReturnType<typeof createScript>;
    const reports = createReportsPlugin();

    beforeAll(async () => {
      script = createScript();
      shared = await startReplicas({ redis: true, startApp: startAppWith([script.plugin, reports.plugin]) });
      [one, two] = shared.replicas;
    });
    afterAll(() => shared?.stop());
    beforeEach(() => {
      script.recorded.length = 0;
      for (const name of Object.keys(script.runs)) {
        delete script.runs[name];
      }
    });

    it.each(kinds)('%s: goes on with the answer that reaches the other one', async kind => {
      const state = await ask(one, kind);
      const responses = { [kind]: answers[kind] };

      const elsewhere = await call(two, kind, { state, responses });

      const here = await call(one, kind, { state: await ask(one, kind), responses });
      expect(elsewhere.message.result).toMatchObject({ resultType: 'complete', structuredContent: responses });
      expect(settled(elsewhere)).toEqual(settled(here));
      expect(script.runs).toEqual({ [kind]: 2 });
      expect(script.recorded.map(({ decision, outcome }) => [decision, outcome?.error])).toEqual([
        ['allow', undefined],
        ['allow', undefined],
      ]);
    });

    it('asks on, and goes back and forth', async () => {
      const first = await call(one, 'all');
      const second = await call(two, 'all', {
        state: first.message.result.requestState,
        responses: { form: answers.form, roots: answers.roots },
      });
      const missing = await call(two, 'all', { state: second.message.result.requestState, responses: {} });
      const third = await call(two, 'all', {
        state: missing.message.result.requestState,
        responses: { sample: answers.sample },
      });

      expect(Object.keys(second.message.result.inputRequests)).toEqual(['sample']);
      expect(missing.message.result.inputRequests).toEqual(second.message.result.inputRequests);
      expect(third.message.result.structuredContent).toEqual({
        form: answers.form,
        roots: answers.roots,
        sample: answers.sample,
      });
      expect(script.runs).toEqual({ all: 1 });
    });

    it.each<ClientKind>(['v2-auto', 'v2-modern'])('is nothing that a client of the SDK notices: %s', async kind => {
      const told: (Progress | LogMessage)[] = [];
      const client = await connectClient({
        url: shared.url + mcpPath,
        token: TOKENS.ada,
        kind,
        elicitation: { form: {}, url: {} },
        answer: () => ({ action: 'accept', content: { name: 'Ada' } }),
        sample: () => answers.sample,
        roots: ['file:///home/ada'],
        onLog: message => told.push(message),
        logLevel: 'info',
      });
      try {
        // Twice, so that each replica has been the one that was called.
        for (let turn = 0; turn < 2; turn += 1) {
          const all = await client.callTool('script.all');
          const tell = await client.callTool(
            'script.tell',
            {},
            {
              // The SDK counts rounds as progress of its own.
              onProgress: progress => progress.total !== undefined && told.push(progress),
            },
          );

          expect(all.structuredContent).toMatchObject({ form: answers.form, sample: { model: 'test' } });
          expect(tell.structuredContent).toEqual({ told: true });
        }
      } finally {
        await client.close();
      }

      expect(told).toEqual([
        { progress: 1, total: 2, message: 'Half' },
        { level: 'info', data: 'told' },
        { progress: 1, total: 2, message: 'Half' },
        { level: 'info', data: 'told' },
      ]);
      expect(script.runs).toEqual({ all: 2, tell: 2 });
    });

    it('tells progress and log messages on the request that continues it, before its answer', async () => {
      const state = await ask(one, 'tell');

      const { messages } = await call(two, 'tell', {
        state,
        responses: { form: answers.form },
        meta: { progressToken: 'p-2', 'io.modelcontextprotocol/logLevel': 'info' },
      });

      expect(messages).toMatchObject([
        { method: 'notifications/progress', params: { progressToken: 'p-2', progress: 1, total: 2, message: 'Half' } },
        { method: 'notifications/message', params: { level: 'info', data: 'told' } },
        { result: { structuredContent: { told: true } } },
      ]);
    });

    it.each<[string, RoundOptions]>([
      ['refuse', {}],
      ['fail', {}],
      ['all', { capabilities: { elicitation: {}, roots: {} } }],
    ])('%s: fails as it does on the one that has it', async (action, options) => {
      const responses = { form: answers.form, roots: answers.roots };
      const elsewhere = await call(two, action, { ...options, state: await ask(one, action), responses });
      const here = await call(one, action, { ...options, state: await ask(one, action), responses });

      expect(settled(elsewhere)).toEqual(settled(here));
      expect(elsewhere.message.error?.code).toBe({ refuse: undefined, fail: -32_603, all: -32_021 }[action]);
      expect(textOf(elsewhere)).toBe(action === 'refuse' ? 'NotFoundError: There is no such table' : undefined);
      expect(elsewhere.text).not.toContain('secret-internal-detail');
    });

    it('is approved and answered on whichever', async () => {
      const approving = await call(one, 'write');
      const asking = await call(two, 'write', {
        state: approving.message.result.requestState,
        responses: { approval: { action: 'accept', content: {} } },
      });
      const written = await call(one, 'write', {
        state: asking.message.result.requestState,
        responses: { form: answers.form },
      });
      const again = await call(one, 'write', {
        state: approving.message.result.requestState,
        responses: { approval: { action: 'accept', content: {} } },
      });

      expect(Object.keys(approving.message.result.inputRequests)).toEqual(['approval']);
      expect(Object.keys(asking.message.result.inputRequests)).toEqual(['form']);
      expect(written.message.result.structuredContent).toEqual({ written: 'Ada' });
      expect(again.message.result.isError).toBe(true);
      expect(script.runs).toEqual({ write: 1 });
    });

    it('takes one of the same answers that reach both at once', async () => {
      const state = await ask(one, 'form');

      const all = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          call(index % 2 ? one : two, 'form', { state, responses: { form: answers.form } }),
        ),
      );

      expect(all.filter(({ message }) => message.result.structuredContent)).toHaveLength(1);
      expect(all.filter(answer => LATE.test(textOf(answer) ?? ''))).toHaveLength(19);
      expect(script.runs).toEqual({ form: 1 });
      expect(script.recorded.filter(({ decision }) => decision === 'refuse_late_answer')).toHaveLength(19);
    });

    it.each<[string, RoundOptions, (answer: PostAnswer) => unknown, unknown]>([
      ['other arguments', { args: { place: 'There' } }, textOf, expect.stringMatching(LATE)],
      ['another principal', { token: TOKENS.eve }, ({ message }) => message.error.code, -32_602],
    ])('stays closed to %s', async (_, changed, read, refusal) => {
      const state = await ask(one, 'form');

      const refused = await call(two, 'form', { ...changed, state, responses: { form: answers.form } });
      const taken = await call(two, 'form', { state, responses: { form: answers.form } });

      expect(read(refused)).toEqual(refusal);
      expect(taken.message.result.structuredContent).toEqual({ form: answers.form });
      expect(script.runs).toEqual({ form: 1 });
    });

    it('is cancelled with the request that continues it', async () => {
      const state = await ask(one, 'listen');
      const leaving = new AbortController();

      const left = call(two, 'listen', { state, responses: { form: answers.form }, signal: leaving.signal });
      left.catch(() => {});
      await script.resumed.promise;
      leaving.abort();

      await expect(left).rejects.toThrow();
      await script.aborted.promise;
      expect(script.runs).toEqual({ listen: 1 });
    });

    it('goes with the one that has it, which is on record', async () => {
      const state = await ask(one, 'form');

      await one.stop();
      const late = await call(two, 'form', { state, responses: { form: answers.form } });
      const anew = await ask(two, 'form');
      await one.start();
      const afterwards = await call(one, 'form', { state: anew, responses: { form: answers.form } });

      expect(textOf(late)).toMatch(LATE);
      expect(afterwards.message.result.structuredContent).toEqual({ form: answers.form });
      expect(script.recorded.map(({ decision, outcome }) => [decision, outcome?.error?.name])).toEqual([
        ['allow', 'ServiceUnavailableError'],
        ['refuse_late_answer', 'InputError'],
        ['allow', undefined],
      ]);
    });

    describe('with a long output', () => {
      interface Note {
        uri: string;
        cursor: string;
      }

      async function cut(replica: Replica, count = 500): Promise<{ rows: unknown[]; note: Note }> {
        const first = await callInRounds(replica, 'reports.rows', { args: { count } });
        const { message } = await callInRounds(replica, 'reports.rows', {
          args: { count },
          state: first.message.result.requestState,
          responses: { approval: { action: 'accept', content: {} } },
        });
        const { structuredContent, _meta } = message.result;
        return { rows: structuredContent.rows, note: _meta['callboard/output'] };
      }

      function read(replica: Replica, uri: string, token = TOKENS.ada): Promise<PostAnswer> {
        const { body, headers } = modern('resources/read', { uri });
        return post(replica.url + mcpPath, body, { token, headers: { ...headers, 'Mcp-Name': uri } });
      }

      it('has it read on to its end on either', async () => {
        const { rows, note } = await cut(one);
        const all = [...rows];

        for (let cursor: string | undefined = note.cursor, turn = 0; cursor !== undefined; turn += 1) {
          const { message }: PostAnswer = await callInRounds(turn % 3 ? two : one, 'read_output', { args: { cursor } });
          all.push(...message.result.structuredContent.items);
          cursor = message.result.structuredContent.nextCursor;
        }
        const { message } = await read(two, note.uri);

        expect(all).toEqual(Array.from({ length: 500 }, (_, id) => ({ id, text: 'x'.repeat(10) })));
        expect(JSON.parse(message.result.contents[0].text)).toEqual({ rows: all, total: 500 });
        expect(message).toEqual((await read(one, note.uri)).message);
      });

      it('has the whole of it read where that is longer than a message', async () => {
        const { note } = await cut(one, 150_000);

        const { message } = await read(two, note.uri);

        expect(message.result.contents[0].text.length).toBeGreaterThan(4 * 1024 * 1024);
        expect(JSON.parse(message.result.contents[0].text)).toMatchObject({ total: 150_000 });
      });

      it('has none for anybody else', async () => {
        const { note } = await cut(one);

        const part = await callInRounds(two, 'read_output', { args: { cursor: note.cursor }, token: TOKENS.eve });
        const whole = await read(two, note.uri, TOKENS.eve);

        expect(part.message.error).toMatchObject({ code: -32_602, message: expect.stringMatching(/^Unknown cursor/) });
        expect(whole.message.error).toMatchObject({ code: -32_602, data: { uri: note.uri } });
      });

      it('has it no longer than there is the one that keeps it', async () => {
        const { note } = await cut(one);

        await one.stop();
        const part = await callInRounds(two, 'read_output', { args: { cursor: note.cursor } });
        const whole = await read(two, note.uri);
        await one.start();

        expect(part.message.error).toMatchObject({ code: -32_602, message: expect.stringMatching(/^Unknown cursor/) });
        expect(whole.message.error).toMatchObject({ code: -32_602, data: { uri: note.uri } });
      });
    });
  }),
);
