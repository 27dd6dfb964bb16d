import type { CallClient, ClientRequest } from '@callboard/actions-api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RoundTripCall, type ServedRequest } from './RoundTripCall.js';
import { SuspendedCalls } from './SuspendedCalls.js';

const question: ClientRequest = { method: 'roots/list' };
const answers = { folders: { roots: [] } };

function served(signal = new AbortController().signal): ServedRequest {
  return { capabilities: { roots: {} }, logLevel: undefined, signal, mcpReq: { _meta: {}, notify: async () => {} } };
}

/** Starts a call that asks at once, or does what it is told. */
async function start(
  suspended: SuspendedCalls,
  {
    principal = 'ada',
    run = async ({ ask }: CallClient) => ask({ folders: question }),
    request = served(),
  }: { principal?: string; run?: (client: CallClient) => Promise<unknown>; request?: ServedRequest } = {},
) {
  const call = new RoundTripCall<unknown>({ suspended, principal, bind: () => 'binding', given: undefined });
  const client = { ...call.client, ask: call.client.ask.bind(call.client) } as CallClient;
  const round = await call.start(request, () => run(client).catch(error => error));
  return { call, round };
}

const find = (suspended: SuspendedCalls, call: RoundTripCall<unknown>) =>
  suspended.find({ callId: call.id, round: call.round }, 'binding');

describe('a call that asks', () => {
  it('is kept until it is taken up', async () => {
    const suspended = new SuspendedCalls();
    const { call, round } = await start(suspended);

    const found = find(suspended, call);
    const next = await found?.resume(served(), answers);

    expect(round).toMatchObject({ kind: 'asked' });
    expect(next).toEqual({ kind: 'ended', outcome: { folders: { roots: [] } } });
    expect(suspended.size).toBe(0);
  });

  it.each([
    ['of another round', (id: string) => ({ callId: id, round: 2 }), 'binding'],
    ['of another call', () => ({ callId: 'other', round: 1 }), 'binding'],
    ['of another caller', (id: string) => ({ callId: id, round: 1 }), 'other'],
  ])('is not found with state %s', async (_, stateOf, binding) => {
    const suspended = new SuspendedCalls();
    const { call } = await start(suspended);

    expect(suspended.find(stateOf(call.id), binding)).toBeUndefined();
    expect(find(suspended, call)).toBe(call);
  });

  it('does not mind that the request that it was asked on is left', async () => {
    const suspended = new SuspendedCalls();
    const leaving = new AbortController();
    const { call } = await start(suspended, { request: served(leaving.signal) });

    leaving.abort();

    expect(call.signal.aborted).toBe(false);
    expect(find(suspended, call)).toBe(call);
  });

  it('is aborted where the request that takes it up has been left already', async () => {
    const suspended = new SuspendedCalls();
    const { call } = await start(suspended);

    const next = await find(suspended, call)?.resume(served(AbortSignal.abort(new Error('left'))), answers);

    expect(next).toMatchObject({ kind: 'ended', outcome: { message: 'left' } });
    expect(call.signal.aborted).toBe(true);
  });
});

describe('the caps', () => {
  it('refuse one more call of a principal, not that of another', async () => {
    const suspended = new SuspendedCalls({ maxPerPrincipal: 2 });
    const [first] = [await start(suspended), await start(suspended)];

    const third = await start(suspended);
    const other = await start(suspended, { principal: 'eve' });
    await find(suspended, first.call)?.resume(served(), answers);
    const fourth = await start(suspended);

    expect(third.round).toMatchObject({
      kind: 'ended',
      outcome: { name: 'TooManyRequestsError', message: expect.stringMatching(/^2 calls of this caller wait/) },
    });
    expect([other.round.kind, fourth.round.kind]).toEqual(['asked', 'asked']);
  });

  it('refuse one more call of anybody', async () => {
    const suspended = new SuspendedCalls({ maxOverall: 1 });
    await start(suspended);

    const { round } = await start(suspended, { principal: 'eve' });

    expect(round).toMatchObject({ kind: 'ended', outcome: { name: 'TooManyRequestsError' } });
    expect(suspended.size).toBe(1);
  });
});

describe('the deadline', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('aborts the call, and its state is good for nothing', async () => {
    const suspended = new SuspendedCalls({ waitMs: 600_000 });
    let failure: unknown;
    const { call } = await start(suspended, {
      run: ({ ask }) =>
        ask({ folders: question }).catch(error => {
          failure = error;
        }),
    });

    vi.advanceTimersByTime(600_000);
    await call.ended;

    expect(failure).toMatchObject({
      name: 'ActionTimeoutError',
      message: 'The client did not answer within 600 seconds',
    });
    expect(call.signal.reason).toBe(failure);
    expect(find(suspended, call)).toBeUndefined();
    expect(suspended.size).toBe(0);
  });

  it('is not put off by answers that are none', async () => {
    const suspended = new SuspendedCalls({ waitMs: 600_000 });
    const { call } = await start(suspended);

    vi.advanceTimersByTime(599_999);
    await find(suspended, call)?.resume(served(), {});
    vi.advanceTimersByTime(1);

    expect(call.signal.aborted).toBe(true);
  });

  it('is over for a call that has been taken up', async () => {
    const suspended = new SuspendedCalls({ waitMs: 600_000 });
    const { call } = await start(suspended);
    await find(suspended, call)?.resume(served(), answers);

    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('closing', () => {
  it('aborts all calls, waits for them, and takes no more', async () => {
    const suspended = new SuspendedCalls();
    const ended: string[] = [];
    const run = ({ ask }: CallClient) => ask({ folders: question }).catch(({ name }) => void ended.push(name));
    await start(suspended, { run });
    await start(suspended, { run });

    await suspended.close();
    const { round } = await start(suspended);

    expect(ended).toEqual(['ServiceUnavailableError', 'ServiceUnavailableError']);
    expect(round).toMatchObject({ kind: 'ended', outcome: { name: 'ServiceUnavailableError' } });
  });
});

describe('any sequence of requests', () => {
  /** A generator that gives the same numbers for the same seed (mulberry32). */
  const randomOf = (seed: number) => {
    let state = seed;
    return (below: number) => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
  };

  it.each(Array.from({ length: 200 }, (_, seed) => [seed]))(
    'runs a handler once, and answers each of its questions once: seed %i',
    async seed => {
      const random = randomOf(seed);
      const suspended = new SuspendedCalls();
      const questions = random(5);
      let runs = 0;
      let answered = 0;
      let ended = 0;
      const { call, round } = await start(suspended, {
        async run({ ask }) {
          runs += 1;
          for (let asked = 0; asked < questions; asked += 1) {
            await ask({ folders: question });
            answered += 1;
          }
          return 'result';
        },
      });
      const states = [{ callId: call.id, round: call.round }];
      const rounds = [round];
      const leavings: AbortController[] = [];

      for (let turn = 0; turn < 30 && rounds.at(-1)?.kind === 'asked'; turn += 1) {
        const leaving = new AbortController();
        const attempts = Array.from({ length: 1 + random(3) }, () => {
          // Mostly the newest state, sometimes one that was used before.
          const state = states[random(4) === 0 ? random(states.length) : states.length - 1];
          const found = suspended.find(state as (typeof states)[number], 'binding');
          const responses = [answers, answers, {}, { folders: 7 }, undefined][random(5)];
          return found?.resume(served(leaving.signal), responses as never);
        });
        const leaves = random(12) === 0;
        if (leaves) {
          leaving.abort(new Error('left'));
        }
        leavings.push(leaving);
        if (random(25) === 0) {
          call.abort(new Error('shutdown'));
        }
        for (const next of (await Promise.all(attempts)).filter(Boolean)) {
          rounds.push(next as typeof round);
          states.push({ callId: call.id, round: call.round });
        }
        if (call.signal.aborted) {
          break;
        }
      }
      ended = rounds.filter(({ kind }) => kind === 'ended').length;

      expect(runs).toBe(1);
      expect(answered).toBeLessThanOrEqual(questions);
      expect(ended).toBeLessThanOrEqual(1);
      if (ended === 1 && !call.signal.aborted) {
        expect(answered).toBe(questions);
        expect(rounds.at(-1)).toEqual({ kind: 'ended', outcome: 'result' });
        expect(states.some(state => suspended.find(state, 'binding'))).toBe(false);
      }
      expect(suspended.size).toBe(call.signal.aborted || ended === 1 ? 0 : 1);
    },
  );
});
