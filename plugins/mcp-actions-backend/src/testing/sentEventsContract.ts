import { expect, it } from 'vitest';
import type { SentEvents } from '../transports/SentEvents.js';

/** Of one session, as `openSentEvents` of a contract's user gives them. */
export interface OpenedSentEvents {
  /** Keeps the events of one session. */
  readonly sent: SentEvents;
  /** Keeps those of another one. */
  readonly ofAnother: SentEvents;
}

export type OpenSentEvents = (options: { maxEvents: number; maxBytes?: number }) => Promise<OpenedSentEvents>;

const message = (text: string) => JSON.stringify({ jsonrpc: '2.0', method: 'notifications/test', params: { text } });
const answer = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, result: {} });

/** Defines what holds for the events that a session has sent, wherever they are kept. */
export function defineSentEventsContract(open: OpenSentEvents): void {
  it('are found from an event on, of its stream only, in the order in which they were sent', async () => {
    const { sent } = await open({ maxEvents: 10 });
    const first = sent.begin('a', [1]);
    const second = sent.add('a', message('1'));
    sent.add('b', message('of another'));
    const last = sent.add('a', answer(1), { isLast: true });

    expect(sent.streamOf(first)).toBe('a');
    expect(await sent.after(first)).toEqual({
      streamId: 'a',
      events: [
        { id: second, json: message('1') },
        { id: last, json: answer(1) },
      ],
      isComplete: true,
      unanswered: [],
    });
    expect(await sent.after(last)).toEqual({ streamId: 'a', events: [], isComplete: true, unanswered: [] });
  });

  it('are not complete before the last event of the stream, and say what is still to be answered', async () => {
    const { sent } = await open({ maxEvents: 10 });
    const first = sent.begin('a', [1, 'two', 3]);
    sent.add('a', message('1'));
    sent.add('a', answer(3));

    expect(await sent.after(first)).toMatchObject({ isComplete: false, unanswered: [1, 'two'] });
  });

  it('have ids of which no two are the same', async () => {
    const { sent, ofAnother } = await open({ maxEvents: 10 });

    const ids = [sent, ofAnother].flatMap(events => [
      events.begin('a', []),
      ...['a', 'a', 'b'].map(streamId => events.add(streamId, message('1'))),
    ]);

    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(['', 'x', '1', 'AAAAAAAA.1', 'a.AAAAAAAA.1', '__proto__', 'AAAAAAAA.NaN'])(
    'are not found from %j on',
    async id => {
      const { sent } = await open({ maxEvents: 10 });
      sent.add('a', message('1'));

      expect(await sent.after(id)).toBeUndefined();
    },
  );

  it('are not found by the event of another session, nor by another spelling of an id', async () => {
    const { sent, ofAnother } = await open({ maxEvents: 10 });
    const own = sent.add('a', message('1'));
    const foreign = ofAnother.add('a', message('1'));

    expect(await sent.after(foreign)).toBeUndefined();
    expect(await sent.after(`${own}!`)).toBeUndefined();
    expect(await sent.after(own)).toBeDefined();
  });

  it('are kept up to a number, and found from an event that was dropped itself as long as nothing after it was', async () => {
    const { sent } = await open({ maxEvents: 3 });
    const first = sent.begin('a', [1]);
    const second = sent.add('a', message('1'));
    for (const text of ['2', '3', '4']) {
      sent.add('b', message(text));
    }

    expect(await sent.after(first)).toBeUndefined();
    expect(await sent.after(second)).toMatchObject({ streamId: 'a', events: [] });
    const last = sent.add('a', answer(1), { isLast: true });
    expect(await sent.after(second)).toMatchObject({ events: [{ id: last }], isComplete: true });
  });

  it('are kept up to a number of bytes, of which one event may be too many', async () => {
    const { sent } = await open({ maxEvents: 100, maxBytes: 1_000 });
    const first = sent.begin('a', [1]);
    sent.add('b', message('ü'.repeat(300)));
    const beforeLarge = sent.add('a', message('1'));
    const large = sent.add('a', message('x'.repeat(2_000)));

    expect(await sent.after(first)).toBeUndefined();
    expect(await sent.after(beforeLarge)).toBeUndefined();
    expect(await sent.after(large)).toMatchObject({ events: [] });
  });

  it('are remembered of no more streams than events, however many there were', async () => {
    const { sent } = await open({ maxEvents: 2 });
    const ids: string[] = [];
    for (let stream = 0; stream < 10; stream += 1) {
      ids.push(sent.add(`${stream}`, message('1')));
    }

    const found = await Promise.all(ids.map(id => sent.after(id)));

    expect(found.map(missed => missed?.streamId)).toEqual([...Array(6).fill(undefined), '6', '7', '8', '9']);
  });
}
