import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { MemorySentEvents } from './MemorySentEvents.js';

const message = (text: string): JSONRPCMessage => ({ jsonrpc: '2.0', method: 'notifications/test', params: { text } });
const nothing = {} as JSONRPCMessage;

describe('what a session has sent', () => {
  it('is found from an event on, of its stream only, in the order in which it was sent', async () => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    const first = await sent.add('a', nothing);
    const second = await sent.add('a', message('1'));
    await sent.add('b', message('of another'));
    const last = await sent.add('a', message('2'), { isLast: true });

    expect(await sent.after(first)).toEqual({
      streamId: 'a',
      events: [
        { id: second, message: message('1') },
        { id: last, message: message('2') },
      ],
      isComplete: true,
    });
    expect(await sent.after(last)).toEqual({ streamId: 'a', events: [], isComplete: true });
  });

  it('is not complete before the last event of the stream', async () => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    const first = await sent.add('a', nothing);
    await sent.add('a', message('1'));

    expect(await sent.after(first)).toMatchObject({ isComplete: false });
  });

  it.each(['', 'x', '1', 'AAAAAAAA.1', '__proto__', 'AAAAAAAA.NaN'])('is not found from %j on', async id => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    await sent.add('a', message('1'));

    expect(await sent.after(id)).toBeUndefined();
  });

  it('is not found by the event of another session, nor by another spelling of its own', async () => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    const other = new MemorySentEvents({ maxEvents: 10 });
    const own = await sent.add('a', message('1'));
    const foreign = await other.add('a', message('1'));

    expect(await sent.after(foreign)).toBeUndefined();
    expect(await sent.after(`${own}!`)).toBeUndefined();
    expect(await sent.after(own)).toBeDefined();
  });

  it('is kept up to a number of events, and from an event that was dropped itself as long as nothing after it was', async () => {
    const sent = new MemorySentEvents({ maxEvents: 3 });
    const first = await sent.add('a', nothing);
    const second = await sent.add('a', message('1'));
    for (const text of ['2', '3', '4']) {
      await sent.add('b', message(text));
    }

    expect(sent.size.events).toBe(3);
    expect(await sent.after(first)).toBeUndefined();
    expect(await sent.after(second)).toMatchObject({ streamId: 'a', events: [] });
    const answer = await sent.add('a', message('5'), { isLast: true });
    expect(await sent.after(second)).toMatchObject({ events: [{ id: answer }], isComplete: true });
  });

  it('is kept up to a number of bytes, of which one event may be too many', async () => {
    const sent = new MemorySentEvents({ maxEvents: 100, maxBytes: 1_000 });
    const first = await sent.add('a', nothing);
    await sent.add('b', message('ü'.repeat(300)));
    const beforeLarge = await sent.add('a', message('1'));
    const large = await sent.add('a', message('x'.repeat(2_000)));

    expect(sent.size).toEqual({ events: 0, bytes: 0 });
    expect(await sent.after(first)).toBeUndefined();
    expect(await sent.after(beforeLarge)).toBeUndefined();
    expect(await sent.after(large)).toMatchObject({ events: [] });
  });

  it('remembers no more streams than events, however many there were', async () => {
    const sent = new MemorySentEvents({ maxEvents: 2 });
    const ids: string[] = [];
    for (let stream = 0; stream < 10; stream += 1) {
      ids.push(await sent.add(`${stream}`, message('1')));
    }

    const found = await Promise.all(ids.map(id => sent.after(id)));

    expect(found.map(missed => missed?.streamId)).toEqual([...Array(6).fill(undefined), '6', '7', '8', '9']);
  });

  it('is forgotten when the session ends', async () => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    const id = await sent.add('a', message('1'));

    await sent.close();

    expect(await sent.after(id)).toBeUndefined();
    expect(sent.size).toEqual({ events: 0, bytes: 0 });
  });
});
