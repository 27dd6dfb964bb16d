import fc from 'fast-check';
import { MemorySentEvents } from '../../../plugins/mcp-actions-backend/src/transports/MemorySentEvents.js';
import { hold, holdEqual } from '../engine/expect.js';
import type { Kind } from '../engine/FuzzTarget.js';
import { mutatedText } from '../json/mutateText.js';

interface EventsCase {
  readonly maxEvents: number;
  /** Streams of the events, in the order in which they are sent. */
  readonly streams: readonly number[];
  /** Which event a client names, and how it changes its id. */
  readonly from: number;
  readonly forged: string | null;
}

/** Who comes back with an event's id gets what came after it on that stream, all of it or none, and of no other. */
export const eventIds: Kind<EventsCase> = {
  name: 'event ids',
  weight: 2,
  cases: fc.record({
    maxEvents: fc.integer({ min: 1, max: 8 }),
    streams: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 14 }),
    from: fc.nat({ max: 13 }),
    forged: fc.option(
      mutatedText(fc.constantFrom('{id}', '{id}', '', 'x.1', '.1', 'NaN', '-1', '1e3'), {
        tokens: ['.', '0', '-', 'z', ' ', 'NaN', '\u0000', '_', 'Infinity'],
      }),
      { freq: 2 },
    ),
  }),
  async check({ maxEvents, streams, from, forged }) {
    const events = new MemorySentEvents({ maxEvents });
    const sent: { id: string; stream: string; number: number }[] = [];
    for (const [number, stream] of streams.entries()) {
      const message = JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { number } });
      sent.push({ id: await events.add(`s${stream}`, message), stream: `s${stream}`, number });
    }
    hold(events.size.events <= maxEvents, 'keeps more than it may', events.size);
    const named = sent[from % sent.length] as (typeof sent)[number];
    const id = forged === null ? named.id : forged.replaceAll('{id}', named.id);
    const known = sent.find(event => event.id === id);

    const missed = await events.after(id);

    if (missed) {
      hold(known !== undefined, 'takes an id that was never given', { id });
      const expected = sent.filter(({ stream, number }) => stream === known.stream && number > known.number);
      holdEqual(missed.streamId, known.stream, 'another stream');
      holdEqual(
        missed.events.map(event => event.id),
        expected.map(event => event.id),
        'other events than those that were missed',
      );
    } else if (known) {
      const isKept = sent.indexOf(known) >= sent.length - maxEvents;
      hold(!isKept, 'does not know what it keeps', { id });
    }
    await events.close();
  },
};
