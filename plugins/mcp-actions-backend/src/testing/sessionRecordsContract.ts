import { describe, expect, it } from 'vitest';
import type { SessionRecord, SessionRecords } from '../transports/records/SessionRecords.js';

export type OpenSessionRecords = (options: {
  maxSessions: number;
  idleTimeoutMs: number;
  nowMs: () => number;
}) => Promise<SessionRecords>;

export const sampleRecord: SessionRecord = {
  id: 'session-0000000000000000',
  owner: 'user:default/ada',
  serverKey: undefined,
  openedAtMs: 1,
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { roots: {} },
    clientInfo: { name: 'test', version: '1' },
  },
  logLevel: undefined,
  subscriptions: [],
  expiresAtMs: undefined,
  speaker: undefined,
};

/** Defines what holds for the records of sessions, wherever they are. */
export function defineSessionRecordsContract(openRecords: OpenSessionRecords): void {
  async function open({ maxSessions = 3 }: { maxSessions?: number } = {}) {
    const clock = { nowMs: 1_000_000 };
    const records = await openRecords({ maxSessions, idleTimeoutMs: 1000, nowMs: () => clock.nowMs });
    await records.open();
    const add = (number: number, rest: Partial<SessionRecord> = {}) =>
      records.add({ ...sampleRecord, id: idOf(number), ...rest });
    /** Of the given ones, those that there are. */
    const left = async (...numbers: number[]) => {
      const found = await Promise.all(numbers.map(number => records.find(idOf(number))));
      return numbers.filter((_number, index) => found[index]);
    };
    return { clock, records, add, left };
  }

  it('are found as they were added', async () => {
    const { records, add } = await open();
    const full = {
      serverKey: 'readers',
      logLevel: 'debug',
      subscriptions: ['a://1', 'a://2'],
      expiresAtMs: 5_000,
      speaker: 'replica-1',
    } as const;
    await add(1);
    await add(2, full);

    expect(await records.find(idOf(1))).toEqual({ ...sampleRecord, id: idOf(1) });
    const found = await records.find(idOf(2));
    expect({ ...found, subscriptions: [...(found?.subscriptions ?? [])].sort() }).toEqual({
      ...sampleRecord,
      id: idOf(2),
      ...full,
    });
  });

  it.each(['', 'x', '__proto__', idOf(9), `${idOf(1)}:events`, `${idOf(1)} `])('are not found under %j', async id => {
    const { records, add } = await open();
    await add(1);

    expect(await records.find(id)).toBeUndefined();
    expect(await records.take(id)).toBeUndefined();
  });

  it('change bit by bit', async () => {
    const { records, add } = await open();
    await add(1, { initialize: undefined });

    await records.change(idOf(1), { initialize: { protocolVersion: '2025-06-18' } });
    await records.change(idOf(1), { logLevel: 'error' });
    await records.change(idOf(1), { expiresAtMs: 7_000 });
    await Promise.all(['a://1', 'a://2', 'a://3'].map(subscribed => records.change(idOf(1), { subscribed })));
    await records.change(idOf(1), { unsubscribed: 'a://2' });
    const changed = await records.find(idOf(1));
    await records.change(idOf(1), { expiresAtMs: null });
    const renewed = await records.find(idOf(1));

    expect(changed).toMatchObject({
      initialize: { protocolVersion: '2025-06-18' },
      logLevel: 'error',
      expiresAtMs: 7_000,
    });
    expect([...(changed?.subscriptions ?? [])].sort()).toEqual(['a://1', 'a://3']);
    expect(renewed?.expiresAtMs).toBeUndefined();
  });

  it('do not come back by a change', async () => {
    const { records, add } = await open();
    await add(1);
    await records.take(idOf(1));

    await records.change(idOf(1), { logLevel: 'error' });
    const before = await records.speak(idOf(1), 'replica-1');

    expect(before).toBeUndefined();
    expect(await records.find(idOf(1))).toBeUndefined();
  });

  it('know who speaks, and who did before', async () => {
    const { records, add } = await open();
    await add(1);

    const before = [];
    for (const replica of ['replica-1', 'replica-2', 'replica-2']) {
      before.push(await records.speak(idOf(1), replica));
    }

    expect(before).toEqual([undefined, 'replica-1', 'replica-2']);
    expect((await records.find(idOf(1)))?.speaker).toBe('replica-2');
  });

  it('are taken once, however many try', async () => {
    const { records, add } = await open();
    await add(1);

    const taken = await Promise.all(Array.from({ length: 10 }, () => records.take(idOf(1))));

    expect(taken.filter(record => record !== undefined)).toEqual([{ ...sampleRecord, id: idOf(1) }]);
    expect(await records.find(idOf(1))).toBeUndefined();
  });

  describe('at the cap', () => {
    it("let the owner's own longest unused one give way", async () => {
      const { clock, records, add, left } = await open();
      await add(1, { owner: 'eve' });
      for (const number of [2, 3]) {
        clock.nowMs += 1;
        await add(number);
      }
      clock.nowMs += 1;
      records.touch(idOf(2));
      await records.sync([]);

      const displaced = await add(4);

      expect(displaced?.id).toBe(idOf(3));
      expect(await left(1, 2, 3, 4)).toEqual([1, 2, 4]);
    });

    it("refuse a new one rather than end somebody else's", async () => {
      const { add, left } = await open();
      for (const number of [1, 2, 3]) {
        await add(number, { owner: 'eve' });
      }

      await expect(add(4)).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '30' } });
      expect(await left(1, 2, 3, 4)).toEqual([1, 2, 3]);
    });

    it('are no more than that, however many are added at once', async () => {
      const { add, left } = await open({ maxSessions: 3 });

      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(number => add(number)));

      expect(await left(1, 2, 3, 4, 5, 6, 7, 8)).toHaveLength(3);
    });
  });

  it('end when nobody has used them for the idle time', async () => {
    const { clock, records, add, left } = await open();
    for (const number of [1, 2]) {
      await add(number);
    }
    clock.nowMs += 900;
    records.touch(idOf(2));
    const early = await records.sync([]);
    clock.nowMs += 100;

    const [first, second] = await Promise.all([records.sync([]), records.sync([])]);

    expect(early).toEqual({ ended: [], idle: [] });
    expect([...first.idle, ...second.idle].map(({ id }) => id)).toEqual([idOf(1)]);
    expect(await left(1, 2)).toEqual([2]);
  });

  it('say which of those held have ended', async () => {
    const { records, add } = await open();
    for (const number of [1, 2]) {
      await add(number);
    }
    await records.take(idOf(1));

    expect((await records.sync([idOf(1), idOf(2), idOf(3)])).ended).toEqual([idOf(1), idOf(3)]);
  });

  it('are written again where they are lost, and left alone where they are not', async () => {
    const { records, add } = await open();
    await add(1, { logLevel: 'error' });

    await records.restore([
      { ...sampleRecord, id: idOf(1), logLevel: 'debug' },
      { ...sampleRecord, id: idOf(2), subscriptions: ['a://1'] },
    ]);

    expect(await records.find(idOf(1))).toMatchObject({ logLevel: 'error' });
    expect(await records.find(idOf(2))).toMatchObject({ owner: sampleRecord.owner, subscriptions: ['a://1'] });
  });
}

function idOf(number: number): string {
  return `session-${String(number).padStart(16, '0')}`;
}
