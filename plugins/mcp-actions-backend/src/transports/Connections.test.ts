import { describe, expect, it } from 'vitest';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import { type Connection, Connections } from './Connections.js';

const server = { config: {} } as PublishedServer;
const otherServer = { config: { key: 'other' } } as PublishedServer;
const as = (principal: string) =>
  ({ credentials: { principal: { toString: () => principal } } }) as unknown as RequestContext;

function open({ maxConnections = 3, isBusy = (_transport: object): boolean => false } = {}) {
  const clock = { nowMs: 0 };
  const closed: string[] = [];
  const ended: string[] = [];
  const connections = new Connections<object>({
    idleTimeoutMs: 1000,
    maxConnections,
    nowMs: () => clock.nowMs,
    endStreams: ({ id }) => void ended.push(id),
    isBusy,
    observer: { opened: () => {}, closed: ({ id }) => void closed.push(id) },
  });
  const add = (id: string, principal = 'ada'): Connection<object> =>
    connections.add({ id, transport: {}, server, protocol: { close: async () => {} } as never }, as(principal));
  return { clock, closed, ended, connections, add };
}

describe('Connections', () => {
  it('finds a connection for the principal that opened it, on the server it was opened on', () => {
    const { connections, add } = open();
    const added = add('1');

    expect(connections.find('1', server, as('ada'))).toBe(added);
    expect(connections.find('1', server, as('eve'))).toBeUndefined();
    expect(connections.find('1', otherServer, as('ada'))).toBeUndefined();
    expect(connections.find('2', server, as('ada'))).toBeUndefined();
    expect(connections.find('__proto__', server, as('ada'))).toBeUndefined();
  });

  it('closes what has been idle for longer than the time-out', async () => {
    const { clock, closed, connections, add } = open();
    add('idle');
    add('used');
    add('streaming').openStreams = 1;
    clock.nowMs = 900;
    connections.find('used', server, as('ada'));
    clock.nowMs = 1000;

    await connections.closeIdle();

    expect(closed).toEqual(['idle']);
    expect(connections.size).toBe(2);
  });

  it('closes nothing idle in which a call is in flight, until it has been idle again for that long', async () => {
    const busy = new Set<object>();
    const { clock, closed, connections, add } = open({ isBusy: transport => busy.has(transport) });
    const { transport } = add('calling');
    busy.add(transport);
    clock.nowMs = 5000;
    await connections.closeIdle();
    const whileBusy = [...closed];

    busy.delete(transport);
    connections.touch([...connections.all][0] as Connection<object>);
    clock.nowMs = 5999;
    await connections.closeIdle();
    const soonAfter = [...closed];
    clock.nowMs = 6000;
    await connections.closeIdle();

    expect([whileBusy, soonAfter, closed]).toEqual([[], [], ['calling']]);
  });

  it("makes room by closing the caller's own longest unused connection", async () => {
    const { clock, closed, connections, add } = open();
    add('1', 'eve');
    clock.nowMs = 1;
    add('2');
    clock.nowMs = 2;
    add('3');

    await connections.makeRoomFor(as('ada'));

    expect(closed).toEqual(['2']);
  });

  it("refuses at the cap rather than close somebody else's connection", async () => {
    const { closed, connections, add } = open();
    for (const id of ['1', '2', '3']) {
      add(id, 'eve');
    }

    await expect(connections.makeRoomFor(as('ada'))).rejects.toMatchObject({ status: 503 });
    expect(closed).toEqual([]);
  });

  it('ends the streams of those whose credentials have ended, unless they were renewed', async () => {
    const { clock, ended, connections, add } = open();
    const until = (expiresAtMs: number) =>
      ({
        credentials: { principal: as('ada').credentials.principal, expiresAt: new Date(expiresAtMs) },
      }) as RequestContext;
    for (const id of ['expired', 'renewed', 'quiet', 'lasting']) {
      add(id).openStreams = id === 'quiet' ? 0 : 1;
    }
    for (const id of ['expired', 'renewed', 'quiet']) {
      connections.find(id, server, until(1000));
    }
    connections.find('renewed', server, until(2000));
    clock.nowMs = 1500;

    await connections.endExpiredStreams();

    expect(ended).toEqual(['expired']);
  });

  it('closes each connection once', async () => {
    const { closed, connections, add } = open();
    add('1');

    await Promise.all([connections.close('1'), connections.close('1'), connections.closeAll()]);

    expect(closed).toEqual(['1']);
  });
});
