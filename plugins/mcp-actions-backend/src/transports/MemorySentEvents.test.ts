import { describe, expect, it } from 'vitest';
import { defineSentEventsContract } from '../testing/sentEventsContract.js';
import { MemorySentEvents } from './MemorySentEvents.js';

describe('events in memory', () => {
  defineSentEventsContract(async options => ({
    sent: new MemorySentEvents(options),
    ofAnother: new MemorySentEvents(options),
  }));

  it('are forgotten when the session ends', async () => {
    const sent = new MemorySentEvents({ maxEvents: 10 });
    const id = sent.add('a', '{}');

    await sent.close();

    expect(await sent.after(id)).toBeUndefined();
    expect(sent.size).toEqual({ events: 0, bytes: 0 });
  });
});
