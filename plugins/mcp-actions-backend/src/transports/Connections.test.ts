import { LoneReplica } from '@callboard/actions';
import { recordingLogger } from '@callboard/test-utils';
import { describe, expect, it } from 'vitest';
import type { PublishedServer } from '../protocol/PublishedServer.js';
import type { RequestContext } from '../protocol/RequestContext.js';
import type { Connection, ConnectionTransport } from './Connection.js';
import { ConnectionLink } from './ConnectionLink.js';
import { Connections } from './Connections.js';
import { RequestIds } from './RequestIds.js';
import { MemorySessionRecords } from './records/MemorySessionRecords.js';

const { logger } = recordingLogger();
const server = { config: {} } as PublishedServer;
const otherServer = { config: { key: 'other' } } as PublishedServer;
const as = (principal: string) =>
  ({ credentials: { principal: { toString: () => principal } } }) as unknown as RequestContext;

function open({ maxSessions = 3 } = {}) {
  const clock = { nowMs: 0 };
  const closed: string[] = [];
  const ended: string[] = [];
  const nowMs = () => clock.nowMs;
  const connections = new Connections<TestTransport>({
    records: new MemorySessionRecords({ maxSessions, idleTimeoutMs: 1000, nowMs }),
    link: new ConnectionLink({ kind: 'streamable', replicas: new LoneReplica(), logger }),
    ids: new RequestIds({ replicaId: undefined }),
    servers: [server, otherServer],
    connect: async () => expect.fail('There is nobody to take a connection over from'),
    observer: { opened: () => {}, closed: ({ principal }) => void closed.push(principal) },
    logger,
    nowMs,
  });
  const add = (id: string, principal = 'ada') => {
    const transport = {
      isBusy: false,
      endStreams: () => void ended.push(id),
      leave: async () => {},
    } as Partial<TestTransport> as TestTransport;
    const protocol = { close: async () => {}, getNegotiatedProtocolVersion: () => undefined } as never;
    return connections.add({ id, transport, server, protocol }, as(principal));
  };
  /** Those that there still are. */
  const left = () => [...connections.all].map(({ id }) => id);
  return { clock, closed, ended, connections, add, left };
}

interface TestTransport extends ConnectionTransport {
  isBusy: boolean;
}

describe('Connections', () => {
  it('finds a connection for the principal that opened it, on the server it was opened on', async () => {
    const { connections, add } = open();
    const added = await add('1');

    expect(await connections.find('1', server, as('ada'))).toBe(added);
    expect(await connections.find('1', server, as('eve'))).toBeUndefined();
    expect(await connections.find('1', otherServer, as('ada'))).toBeUndefined();
    expect(await connections.find('2', server, as('ada'))).toBeUndefined();
    expect(await connections.find('__proto__', server, as('ada'))).toBeUndefined();
  });

  it('closes what has been idle for longer than the time-out', async () => {
    const { clock, connections, add, left } = open();
    await add('idle');
    await add('used');
    (await add('streaming')).openStreams = 1;
    clock.nowMs = 900;
    await connections.find('used', server, as('ada'));
    clock.nowMs = 1000;

    await connections.sweep();

    expect(left()).toEqual(['used', 'streaming']);
  });

  it('closes nothing idle in which a call is in flight, until it has been idle again for that long', async () => {
    const { clock, connections, add, left } = open();
    const calling = await add('calling');
    calling.transport.isBusy = true;
    clock.nowMs = 5000;
    await connections.sweep();
    const whileBusy = left();

    calling.transport.isBusy = false;
    connections.touch(calling);
    clock.nowMs = 5999;
    await connections.sweep();
    const soonAfter = left();
    clock.nowMs = 6000;
    await connections.sweep();

    expect([whileBusy, soonAfter, left()]).toEqual([['calling'], ['calling'], []]);
  });

  it("makes room by closing the caller's own longest unused connection, and puts that on record", async () => {
    const { clock, closed, add, left } = open();
    await add('1', 'eve');
    for (const id of ['2', '3']) {
      clock.nowMs += 1;
      await add(id);
    }

    await add('4');

    expect(left()).toEqual(['1', '3', '4']);
    expect(closed).toEqual(['ada']);
  });

  it("refuses at the cap rather than close somebody else's connection", async () => {
    const { add, left } = open();
    for (const id of ['1', '2', '3']) {
      await add(id, 'eve');
    }

    await expect(add('4')).rejects.toMatchObject({ status: 503 });
    expect(left()).toEqual(['1', '2', '3']);
  });

  it('ends the streams of those whose credentials have ended, unless they were renewed', async () => {
    const { clock, ended, connections, add } = open({ maxSessions: 4 });
    const until = (expiresAtMs: number) =>
      ({
        credentials: { principal: as('ada').credentials.principal, expiresAt: new Date(expiresAtMs) },
      }) as RequestContext;
    for (const id of ['expired', 'renewed', 'quiet', 'lasting']) {
      const connection: Connection<TestTransport> = await add(id);
      connection.openStreams = id === 'quiet' ? 0 : 1;
    }
    for (const id of ['expired', 'renewed', 'quiet']) {
      await connections.find(id, server, until(1000));
    }
    await connections.find('renewed', server, until(2000));
    clock.nowMs = 1500;

    connections.endExpiredStreams();

    expect(ended).toEqual(['expired']);
  });

  it('closes each connection once', async () => {
    const { closed, connections, add } = open();
    await add('1');

    await Promise.all([connections.close('1'), connections.close('1'), connections.closeAll({ isLeft: () => true })]);

    expect(closed).toEqual(['ada']);
  });

  it('opens nothing any more once it has stopped', async () => {
    const { connections, add } = open();
    await connections.closeAll({ isLeft: () => true });

    await expect(add('1')).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '1' } });
  });
});
