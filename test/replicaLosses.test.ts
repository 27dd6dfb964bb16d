import type { JsonObject } from '@backstage/types';
import mcpFeatures from '@callboard/plugin-mcp-actions-backend';
import {
  type Deferred,
  deferred,
  describeOnPostgres,
  describeOnRedis,
  describeWithRedisServer,
  type OwnRedis,
  type PostAnswer,
  startRedis,
  startTestApp,
} from '@callboard/test-utils';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openEventStream } from '../plugins/mcp-actions-backend/src/testing/openEventStream.js';
import { createScriptPlugin } from '../plugins/mcp-actions-backend/src/testing/scriptPlugin.js';
import { backendOfTwo, TOKENS } from '../plugins/mcp-actions-backend/src/testing/startProbe.js';
import { askedBy, callInRounds, LATE, mcpPath, roundOf, textOf } from './testing/callInRounds.js';
import { startReplicaProcess } from './testing/startReplicaProcess.js';
import { type Replica, type Replicas, startReplicas } from './testing/startReplicas.js';
import { waiterPlugin } from './testing/waiterPlugin.mjs';

const question = { method: 'elicitation/create' as const, params: { message: 'Who?', requestedSchema: {} } };
const answer = { action: 'accept', content: { name: 'Ada' } };

const configOf = (backend: JsonObject, plugin: string): { backend: JsonObject } => ({
  backend: {
    ...backend,
    auth: backendOfTwo.auth,
    actions: { mode: 'full_access', ...(backend.actions as JsonObject), pluginSources: [plugin] },
  },
});

describeWithRedisServer('replicas whose Redis, or one of them, goes away', () =>
  describeOnPostgres('and a call that asks its client', () => {
    let redis: OwnRedis;
    let shared: Replicas;
    let one: Replica;
    let two: Replica;
    let script: ReturnType<typeof createScriptPlugin>;
    let resumed: Deferred<void>;
    let goOn: Deferred<void>;

    beforeEach(async () => {
      resumed = deferred();
      goOn = deferred();
      script = createScriptPlugin({
        async greet({ client }) {
          const { form } = await client.ask({ form: question });
          return { name: form.content?.name ?? null };
        },
        async work({ client }) {
          await client.ask({ form: question });
          resumed.resolve();
          await goOn.promise;
          return { done: true };
        },
      });
      redis = await startRedis();
      shared = await startReplicas({
        redis,
        startApp: ({ port, backend }) =>
          startTestApp({ port, features: [mcpFeatures, script.plugin], config: configOf(backend, 'script') }),
      });
      [one, two] = shared.replicas;
    });
    afterEach(async () => {
      await shared?.stop();
      await redis?.drop();
    });

    it('waits on, and the same answers find it as soon as they can', async () => {
      const state = await askedBy(one, 'script.greet');
      const bring = () => callInRounds(two, 'script.greet', { state, responses: { form: answer } });

      await redis.kill();
      const away = await bring();
      await redis.start();
      const taken = await vi.waitFor(
        async () => {
          const { message }: PostAnswer = await bring();
          expect(message.error).toBeUndefined();
          return message.result;
        },
        { timeout: 10_000 },
      );

      expect(away.message.error).toMatchObject({
        code: -31_503,
        message: expect.stringContaining('Make the same request again'),
      });
      expect(taken.structuredContent).toEqual({ name: 'Ada' });
      expect(script.runs).toEqual({ greet: 1 });
    });

    it('brings its result when they reach each other again', async () => {
      const state = await askedBy(one, 'script.work');

      const taken = callInRounds(two, 'script.work', { state, responses: { form: answer } });
      await resumed.promise;
      await redis.kill();
      goOn.resolve();
      await redis.start();

      expect((await taken).message.result.structuredContent).toEqual({ done: true });
      expect(script.runs).toEqual({ work: 1 });
    });

    it('ends on a replica that is told to stop meanwhile', async () => {
      const state = await askedBy(one, 'script.work');

      const taken = callInRounds(two, 'script.work', { state, responses: { form: answer } });
      await resumed.promise;
      const stopped = one.stop();
      goOn.resolve();

      expect((await taken).message.result.structuredContent).toEqual({ done: true });
      await stopped;
    });

    it('is answered on the replica that has it as ever', async () => {
      const state = await askedBy(one, 'script.greet');

      await redis.kill();
      const taken = await callInRounds(one, 'script.greet', { state, responses: { form: answer } });

      expect(taken.message.result.structuredContent).toEqual({ name: 'Ada' });
    });
  }),
);

await describeOnRedis('replicas of which one is killed', () =>
  describeOnPostgres('and a call that asks its client', () => {
    let shared: Replicas;
    let one: Replica;
    let two: Replica;

    beforeEach(async () => {
      let started = 0;
      shared = await startReplicas({
        redis: true,
        startApp: ({ port, backend }) => {
          const config = configOf(backend, 'waiter');
          started += 1;
          // To stop the first one is to kill it.
          return started === 1
            ? startReplicaProcess(config)
            : startTestApp({ port, features: [mcpFeatures, waiterPlugin], config });
        },
      });
      [one, two] = shared.replicas;
    }, 60_000);
    afterEach(() => shared?.stop());

    const answered = { answer: { action: 'accept', content: { table: '7' } } };

    it('that waited has gone with it', async () => {
      const state = await askedBy(one, 'waiter.serve');

      await one.stop();
      const late = await callInRounds(two, 'waiter.serve', { state, responses: answered });

      expect(textOf(late)).toMatch(LATE);
    });

    it('that was at work leaves open how far it came', async () => {
      const state = await askedBy(one, 'waiter.serve');
      const meta = { 'io.modelcontextprotocol/logLevel': 'info' };
      const { body, headers } = roundOf('waiter.serve', { state, responses: answered, meta });
      const stream = await openEventStream(two.url + mcpPath, {
        method: 'POST',
        headers: {
          Accept: 'application/json, text/event-stream',
          Authorization: `Bearer ${TOKENS.ada}`,
          'Content-Type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(body),
      });

      const told = await stream.nextMessage();
      await one.stop();
      const ended = await stream.nextMessage();

      expect(told.json.params.data).toBe('On the way to 7');
      expect(ended.json.error).toMatchObject({
        code: -32_603,
        message: expect.stringContaining('Whether the call has run to its end is not known here'),
      });
    });
  }),
);
