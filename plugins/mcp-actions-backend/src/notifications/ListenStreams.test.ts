import type { AddressInfo } from 'node:net';
import { recordingLogger } from '@callboard/test-utils';
import { Server } from '@modelcontextprotocol/server';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusedRequest } from '../guards/RefusedRequest.js';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { openEventStream } from '../testing/openEventStream.js';
import { modern } from '../testing/startProbe.js';
import { EventStream } from '../transports/EventStream.js';
import { ListenStreams } from './ListenStreams.js';

const PER_PRINCIPAL = 2;
const OVERALL = 3;
const server = {
  config: {},
  connectable: () => new Server({ name: 'a', version: '1' }, { capabilities: { tools: { listChanged: true } } }),
} as unknown as PublishedServer;
const changes = { listsOf: () => ['tools'] as const, resources: [] };

let clock: { nowMs: number };
let events: string[];
let listens: ListenStreams;
let url: string;
let stop: () => Promise<void>;

async function start(limits: { maxStreams: number; maxPerPrincipal: number }) {
  clock = { nowMs: 0 };
  events = [];
  listens = new ListenStreams({
    ...limits,
    logger: recordingLogger().logger,
    nowMs: () => clock.nowMs,
    observer: {
      opened: ({ principal }) => void events.push(`${principal} opened`),
      closed: ({ principal }, durationMs) => void events.push(`${principal} closed after ${durationMs}`),
    },
  });
  const app = express();
  app.post('/', express.json(), async (req, res) => {
    const { principal, until } = req.query;
    const context = {
      credentials: {
        principal: { toString: () => principal },
        ...(until !== undefined && { expiresAt: new Date(Number(until)) }),
      },
      request: req,
    } as unknown as RequestContext;
    const stream = new EventStream({ res, keepAliveMs: 15_000 });
    try {
      await listens.serve({ req, res, server, context, body: req.body }, stream);
    } catch (error) {
      res
        .status((error as RefusedRequest).status)
        .set((error as RefusedRequest).headers)
        .json({});
    }
  });
  const http = app.listen(0, '127.0.0.1');
  await new Promise(resolve => http.once('listening', resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  stop = () =>
    new Promise(resolve => {
      http.close(() => resolve());
      http.closeAllConnections();
    });
}

beforeEach(() => start({ maxStreams: OVERALL, maxPerPrincipal: PER_PRINCIPAL }));
afterEach(async () => {
  await listens.close();
  await stop();
});

async function listen(principal: string, until?: number) {
  const { body, headers } = modern('subscriptions/listen', { notifications: { toolsListChanged: true } });
  const stream = await openEventStream(`${url}?principal=${principal}${until === undefined ? '' : `&until=${until}`}`, {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    body: JSON.stringify(body),
  });
  if (stream.status === 200) {
    await stream.next();
  }
  return stream;
}

describe('listen streams', () => {
  it('are so many per principal, and so many overall', async () => {
    const ofAda = [await listen('ada'), await listen('ada')];
    const tooMany = await listen('ada');
    const ofEve = await listen('eve');
    const noRoom = await listen('bob');

    expect([...ofAda, ofEve].map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([tooMany, noRoom].map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [429, '30'],
      [503, '30'],
    ]);
    expect(listens.size).toBe(OVERALL);
  });

  it('make room when they are closed', async () => {
    const first = await listen('ada');
    await listen('ada');

    clock.nowMs = 5;
    first.close();
    await vi.waitFor(() => expect(listens.size).toBe(1));

    expect((await listen('ada')).status).toBe(200);
    expect(events).toEqual(['ada opened', 'ada opened', 'ada closed after 5', 'ada opened']);
  });

  it('end with their result when the credentials that opened them end, and others go on', async () => {
    const short = await listen('ada', 1_000);
    const long = await listen('ada', 2_000);
    const endless = await listen('eve');
    clock.nowMs = 999;
    await listens.endExpired();
    const early = listens.size;

    clock.nowMs = 1_000;
    await listens.endExpired();
    const ended = await short.rest();
    await listens.tell(changes);

    expect([early, listens.size]).toEqual([3, 2]);
    expect(ended.map(({ json }) => json)).toMatchObject([{ id: 1, result: { resultType: 'complete' } }]);
    for (const stream of [long, endless]) {
      expect((await stream.next())?.json.method).toBe('notifications/tools/list_changed');
    }
  });

  it('take no room when the request is refused', async () => {
    const { body } = modern('subscriptions/listen', {});

    const { status } = await fetch(`${url}?principal=ada`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });

    expect(status).toBe(400);
    expect([listens.size, events]).toEqual([0, []]);
  });

  it('leave no timer and nothing to be told, of a thousand that were opened and closed', async () => {
    await stop();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await start({ maxStreams: 1_000, maxPerPrincipal: 1_000 });
    const streams = [];
    for (let batch = 0; batch < 10; batch += 1) {
      streams.push(...(await Promise.all(Array.from({ length: 100 }, () => listen('ada')))));
    }
    const whileOpen = [vi.getTimerCount(), listens.size];

    for (const stream of streams) {
      stream.close();
    }
    await vi.waitFor(() => expect([vi.getTimerCount(), listens.size]).toEqual([0, 0]), { timeout: 10_000 });

    expect(whileOpen).toEqual([1_000, 1_000]);
    expect(events).toHaveLength(2_000);
    vi.useRealTimers();
  });
});
