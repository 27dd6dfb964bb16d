import type { JsonObject } from '@backstage/types';
import type { CallClient } from '@callboard/actions-api';
import {
  type ClientKind,
  clientKinds,
  connectClient,
  type Deferred,
  deferred,
  type LogMessage,
  type Progress,
} from '@callboard/test-utils';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createScriptPlugin } from '../../testing/scriptPlugin.js';
import { initialize, modern, startProbe } from '../../testing/startProbe.js';

let app: Awaited<ReturnType<typeof startProbe>>;
let tell: (client: CallClient) => unknown;
let heard: Deferred<void>;
let late: CallClient | undefined;
const script = createScriptPlugin({
  async tell({ client }) {
    late = client;
    await tell(client);
    return {};
  },
});

beforeAll(async () => {
  app = await startProbe({
    features: [script.plugin],
    config: { backend: { actions: { pluginSources: ['script'] } } },
  });
});
afterAll(() => app.stop());

let closers: (() => Promise<void>)[];
beforeEach(() => {
  closers = [];
  heard = deferred();
});
afterEach(async () => {
  for (const close of closers) {
    await close();
  }
});

async function connect(kind: ClientKind, options: Partial<Parameters<typeof connectClient>[0]> = {}) {
  const client = await connectClient({ url: app.url, token: app.token, kind, ...options });
  closers.push(client.close);
  return client;
}

/** All messages of the answer to a call of the 2026 era, in their order. */
async function messagesOf(meta: JsonObject, more: JsonObject = {}) {
  const { body, headers } = modern('tools/call', { name: 'script.tell', arguments: {}, ...more }, meta);
  const { text } = await app.send(body, { headers });
  const events = text.split('\n').filter(line => line.startsWith('data: '));
  return events.length > 0 ? events.map(line => JSON.parse(line.slice('data: '.length))) : [JSON.parse(text)];
}

describe.each(clientKinds)('%s', kind => {
  it('is told of progress', async () => {
    const told: Progress[] = [];
    tell = client => {
      client.reportProgress({ progress: 1, total: 2, message: 'Half' });
      client.reportProgress({ progress: 2, total: 2 });
      return heard.promise;
    };
    const client = await connect(kind);

    await client.callTool(
      'script.tell',
      {},
      {
        onProgress: progress => {
          told.push(progress);
          if (progress.progress === 2) {
            heard.resolve();
          }
        },
      },
    );

    expect(told).toEqual([
      { progress: 1, total: 2, message: 'Half' },
      { progress: 2, total: 2 },
    ]);
  });

  it('is told of the last progress, but not of all in between', async () => {
    const told: number[] = [];
    tell = client => {
      for (let progress = 1; progress <= 1_000; progress += 1) {
        client.reportProgress({ progress });
      }
      return heard.promise;
    };
    const client = await connect(kind);

    await client.callTool(
      'script.tell',
      {},
      {
        onProgress: ({ progress }) => {
          told.push(progress);
          if (progress === 1_000) {
            heard.resolve();
          }
        },
      },
    );

    expect(told).toEqual([1, 1_000]);
  });

  it('gets log messages from the level on that it has asked for', async () => {
    const logged: LogMessage[] = [];
    tell = client => {
      client.log('debug', 'one');
      client.log('info', 'two');
      client.log('warning', { three: 3 }, 'script');
      client.log('error', 'four');
      return heard.promise;
    };
    const client = await connect(kind, {
      logLevel: 'warning',
      onLog: message => {
        logged.push(message);
        if (message.level === 'error') {
          heard.resolve();
        }
      },
    });

    await client.callTool('script.tell');

    expect(logged).toEqual([
      { level: 'warning', data: { three: 3 }, logger: 'script' },
      { level: 'error', data: 'four' },
    ]);
  });
});

describe.each(['sdk-v1-streamable', 'sdk-v1-sse', 'v2-legacy', 'v2-sse'] as const)(
  'a client of the 2025 era that has not said what it wants to hear, %s',
  kind => {
    it('gets log messages from info on', async () => {
      const logged: unknown[] = [];
      tell = client => {
        client.log('debug', 'one');
        client.log('info', 'two');
        return heard.promise;
      };
      const client = await connect(kind, {
        onLog: ({ data }) => {
          logged.push(data);
          heard.resolve();
        },
      });

      await client.callTool('script.tell');

      expect(logged).toEqual(['two']);
    });
  },
);

it('one connection of the 2025 era sets its level, not that of another', async () => {
  const levels: string[] = [];
  tell = client => {
    client.log('info', 'told');
    client.log('error', 'told');
    return heard.promise;
  };
  await connect('v2-legacy', { logLevel: 'error' });
  const other = await connect('v2-legacy', {
    onLog: ({ level }) => {
      levels.push(level);
      if (level === 'error') {
        heard.resolve();
      }
    },
  });

  await other.callTool('script.tell');

  expect(levels).toEqual(['info', 'error']);
});

it('logging/setLevel with a level that there is not is refused', async () => {
  const opened = await app.send(initialize());
  const headers = {
    'Mcp-Session-Id': opened.headers.get('mcp-session-id') as string,
    'MCP-Protocol-Version': '2025-11-25',
  };

  const { json } = await app.request('logging/setLevel', { level: 'loud' }, { headers });

  expect(opened.json.result.capabilities).toMatchObject({ logging: {} });
  expect(json.error).toBeDefined();
});

describe('in the 2026 era', () => {
  const wanted = { progressToken: 'p-1', 'io.modelcontextprotocol/logLevel': 'debug' };

  it('notices come before the result, progress with the token', async () => {
    tell = client => {
      client.log('debug', 'started');
      client.reportProgress({ progress: 0, total: 100 });
      client.reportProgress({ progress: 50, total: 100 });
      client.reportProgress({ progress: 100, total: 100 });
    };

    const messages = await messagesOf(wanted);

    expect(messages.map(({ method, params, result }) => ({ method, params, resultType: result?.resultType }))).toEqual([
      { method: 'notifications/message', params: { level: 'debug', data: 'started' } },
      { method: 'notifications/progress', params: { progressToken: 'p-1', progress: 0, total: 100 } },
      { method: 'notifications/progress', params: { progressToken: 'p-1', progress: 100, total: 100 } },
      { resultType: 'complete' },
    ]);
  });

  it('nobody is told of progress without a token, nor of log messages without a level', async () => {
    tell = client => {
      client.reportProgress({ progress: 1 });
      client.log('emergency', 'told');
    };

    expect(await messagesOf({})).toMatchObject([{ result: { resultType: 'complete' } }]);
  });

  it('progress that does not grow, or is no number, is dropped', async () => {
    tell = client => {
      client.reportProgress({ progress: 5 });
      client.reportProgress({ progress: 5 });
      client.reportProgress({ progress: 4 });
      client.reportProgress({ progress: Number.NaN });
      client.reportProgress({ progress: Number.POSITIVE_INFINITY });
    };

    expect((await messagesOf(wanted)).map(({ params }) => params?.progress)).toEqual([5, undefined]);
  });

  it('secrets are taken out, and long texts are cut', async () => {
    tell = client => {
      client.log(
        'info',
        { password: 'hunter-22', note: 'signed in with hunter-22', list: 'x'.repeat(100_000) },
        'a\nb',
      );
      client.log('info', 'Authorization: Bearer abcdefghijkl');
      client.reportProgress({ progress: 1, message: `token=abcdefghijkl ${'y'.repeat(5_000)}` });
    };

    const messages = await messagesOf(wanted);

    const text = JSON.stringify(messages);
    expect(text).not.toMatch(/hunter-22|abcdefghijkl/);
    expect(messages[0].params).toMatchObject({ data: { password: '***' }, logger: 'a\\u{a}b' });
    expect(messages[0].params.data.list).toMatch(/\[cut \d+ characters\]$/);
    expect(messages[2].params.message).toMatch(/^token=\*\*\* y+…\[cut \d+ characters\]$/);
    expect(text.length).toBeLessThan(25_000);
  });

  it('what cannot be written as JSON is written as well as can be', async () => {
    const circle: Record<string, unknown> = { big: 10n };
    circle.self = circle;
    tell = client => {
      client.log('info', circle);
      client.log('info', undefined);
    };

    expect((await messagesOf(wanted)).slice(0, 2).map(({ params }) => params.data)).toEqual([
      { big: '10', self: '…[cut: contains itself]' },
      null,
    ]);
  });

  it('after a question, notices go with the request that brought the answer', async () => {
    const question = deferred();
    tell = async client => {
      client.reportProgress({ progress: 1 });
      const answer = client.elicit({ message: 'Go on?', schema: z.object({}) });
      await question.promise;
      client.reportProgress({ progress: 2 });
      await answer;
      client.log('info', 'goes on');
      client.reportProgress({ progress: 3 });
    };
    const meta = { ...wanted, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };

    const first = await messagesOf(meta);
    question.resolve();
    const second = await messagesOf(
      { ...meta, progressToken: 'p-2' },
      { requestState: first[1].result.requestState, inputResponses: { answer: { action: 'accept', content: {} } } },
    );

    expect(first.map(({ params }) => params)).toEqual([{ progressToken: 'p-1', progress: 1 }, undefined]);
    expect(second.map(({ params }) => params)).toEqual([
      { progressToken: 'p-2', progress: 2 },
      { level: 'info', data: 'goes on' },
      { progressToken: 'p-2', progress: 3 },
      undefined,
    ]);
  });

  it('a handler that goes on after its call has ended is not heard', async () => {
    tell = () => {};
    await messagesOf(wanted);

    late?.log('info', 'too late');
    late?.reportProgress({ progress: 9 });

    await expect(late?.elicit({ message: 'Still there?', schema: z.object({}) })).rejects.toThrow('the call has ended');
  });
});
