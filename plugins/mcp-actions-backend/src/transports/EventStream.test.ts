import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deferred } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openEventStream } from '../testing/openEventStream.js';
import { EventStream, MAX_UNREAD_BYTES } from './EventStream.js';

const KEEP_ALIVE_MS = 15_000;
let url: string;
let stop: () => Promise<void>;
let responses: ServerResponse[];
let onRequest: (res: ServerResponse) => void;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  responses = [];
  const server = createServer((_req, res) => {
    responses.push(res);
    onRequest(res);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stop = () =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});
afterEach(async () => {
  await stop();
  vi.useRealTimers();
});

/** Opens a stream whose server side the test has. */
async function open(begin: (stream: EventStream) => void = stream => stream.open()) {
  const begun = deferred<EventStream>();
  onRequest = res => {
    const stream = new EventStream({ res, keepAliveMs: KEEP_ALIVE_MS });
    begin(stream);
    begun.resolve(stream);
  };
  const client = await openEventStream(url, {});
  return { stream: await begun.promise, client, res: responses.at(-1) as ServerResponse };
}

describe('an event stream', () => {
  it('has a comment after each time of silence, counted from the last byte', async () => {
    const { stream, client } = await open();

    vi.advanceTimersByTime(KEEP_ALIVE_MS - 1);
    stream.writeMessage({ n: 1 });
    const first = await client.next();
    vi.advanceTimersByTime(KEEP_ALIVE_MS - 1);
    stream.writeMessage({ n: 2 }, 'id-2');
    const second = await client.next();
    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    const third = await client.next();
    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    stream.end();

    expect([first, second, third]).toMatchObject([
      { json: { n: 1 } },
      { json: { n: 2 }, id: 'id-2' },
      { comment: 'keep-alive' },
    ]);
    expect(await client.rest()).toEqual([{ comment: 'keep-alive' }]);
  });

  it('has no comment within an event that comes in parts', async () => {
    const { stream, client } = await open();

    stream.write(Buffer.from('data: {"n":'));
    vi.advanceTimersByTime(KEEP_ALIVE_MS * 3);
    stream.write('1}\n\n');
    stream.end();

    expect(await client.rest()).toMatchObject([{ json: { n: 1 } }]);
  });

  it('begins with a comment where the answer is long in coming', async () => {
    const begun = deferred<EventStream>();
    onRequest = res => {
      const stream = new EventStream({ res, keepAliveMs: KEEP_ALIVE_MS });
      stream.keepAlive();
      begun.resolve(stream);
    };
    const opening = openEventStream(url, {});
    const stream = await begun.promise;
    const wasOpen = stream.isOpen;

    vi.advanceTimersByTime(KEEP_ALIVE_MS);
    stream.writeMessage({ n: 1 });
    stream.end();
    const client = await opening;

    expect([wasOpen, client.status, client.headers.get('content-type')]).toEqual([false, 200, 'text/event-stream']);
    expect(await client.rest()).toMatchObject([{ comment: 'keep-alive' }, { json: { n: 1 } }]);
  });

  it('is closed at the next event when its client does not read, and sends no comments to it', async () => {
    const begun = deferred<EventStream>();
    onRequest = res => {
      const stream = new EventStream({ res, keepAliveMs: KEEP_ALIVE_MS });
      stream.open();
      begun.resolve(stream);
    };
    const answered = deferred<IncomingMessage>();
    get(url, answered.resolve).on('error', () => {});
    const answer = await answered.promise;
    answer.pause();
    answer.on('error', () => {});
    const stream = await begun.promise;
    const [res] = responses as [ServerResponse];

    stream.write(`data: ${'x'.repeat(MAX_UNREAD_BYTES * 3)}\n\n`);
    const unread = res.writableLength;
    vi.advanceTimersByTime(KEEP_ALIVE_MS * 2);
    const afterSilence = res.writableLength;
    const wasOpen = !res.destroyed;
    stream.writeMessage({ n: 1 });

    expect(unread).toBeGreaterThan(MAX_UNREAD_BYTES);
    expect(afterSilence).toBeLessThanOrEqual(unread);
    expect([wasOpen, res.destroyed]).toEqual([true, true]);
    answer.destroy();
  });

  it('takes one event of any size for a client that reads', async () => {
    const { stream, client } = await open();

    stream.writeMessage({ text: 'x'.repeat(MAX_UNREAD_BYTES + 1) });
    const { json } = await client.nextMessage();
    stream.writeMessage({ n: 2 });
    stream.end();

    expect(json.text).toHaveLength(MAX_UNREAD_BYTES + 1);
    expect(await client.rest()).toMatchObject([{ json: { n: 2 } }]);
  });

  it('writes nothing after its end, and none of it to a client that has gone', async () => {
    const { stream, client, res } = await open();
    const closed = new Promise(resolve => res.once('close', resolve));

    client.close();
    await closed;
    stream.writeMessage({ n: 1 });
    stream.keepAlive();
    stream.end();

    expect(vi.getTimerCount()).toBe(0);
    expect(res.writableLength).toBe(0);
  });

  it('leaves no timer and no listener behind, of a thousand that were opened and closed', async () => {
    const closed: Promise<unknown>[] = [];
    onRequest = res => {
      new EventStream({ res, keepAliveMs: KEEP_ALIVE_MS }).open();
      closed.push(new Promise(resolve => res.once('close', resolve)));
    };
    const clients = [];
    for (let batch = 0; batch < 10; batch += 1) {
      clients.push(...(await Promise.all(Array.from({ length: 100 }, () => openEventStream(url, {})))));
    }
    const whileOpen = vi.getTimerCount();

    for (const client of clients) {
      client.close();
    }
    await Promise.all(closed);

    expect([whileOpen, closed.length]).toEqual([1_000, 1_000]);
    expect(vi.getTimerCount()).toBe(0);
    expect(responses.flatMap(res => res.listeners('close'))).toEqual([]);
  });
});
