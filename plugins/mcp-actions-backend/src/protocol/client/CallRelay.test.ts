import { ServiceUnavailableError } from '@backstage/errors';
import { ApprovalQuestion, type CallSignal } from '@callboard/actions';
import type { CallClient, ClientRequest } from '@callboard/actions-api';
import { connectReplicas, deferred, type LogEntry, recordingLogger, type TestReplica } from '@callboard/test-utils';
import { MissingRequiredClientCapabilityError, ProtocolError } from '@modelcontextprotocol/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallRelay } from './CallRelay.js';
import { type Round, RoundTripCall, type ServedRequest } from './RoundTripCall.js';
import { SuspendedCalls } from './SuspendedCalls.js';

const question: ClientRequest = { method: 'roots/list' };
const answers = { folders: { roots: [] } };

interface Node {
  readonly replica: TestReplica;
  readonly suspended: SuspendedCalls;
  readonly relay: CallRelay;
  readonly logs: LogEntry[];
}

interface Request extends ServedRequest {
  readonly notices: unknown[];
}

function startNodes(count: number, options: ConstructorParameters<typeof SuspendedCalls>[0] = {}): Node[] {
  return connectReplicas(count).map(replica => {
    const { logger, logs } = recordingLogger();
    const suspended = new SuspendedCalls({ ...options, replicas: replica });
    const relay = new CallRelay({ replicas: replica, suspended, logger });
    relay.open();
    return { replica, suspended, relay, logs };
  });
}

function served({
  signal = new AbortController().signal,
  capabilities = { roots: {} },
  logLevel,
  progressToken,
  onNotice = () => {},
}: Partial<Pick<ServedRequest, 'capabilities' | 'logLevel'>> & {
  signal?: AbortSignal;
  progressToken?: string;
  onNotice?: () => void;
} = {}): Request {
  const notices: unknown[] = [];
  return {
    capabilities,
    logLevel,
    notices,
    signal,
    mcpReq: {
      _meta: progressToken === undefined ? {} : { progressToken },
      notify: async notification => {
        notices.push(notification);
        onNotice();
      },
    },
  };
}

type Run = (client: CallClient, signal: CallSignal) => Promise<unknown>;

/** Starts a call on a replica that asks at once, or does what it is told. */
async function start(
  { suspended }: Node,
  run: Run = ({ ask }) => ask({ folders: question }),
  { principal = 'ada', capabilities = { roots: {} } as object } = {},
) {
  const call = new RoundTripCall<unknown>({ suspended, principal, bind: () => 'binding', given: undefined });
  const client = { ...call.client, ask: call.client.ask.bind(call.client) } as CallClient;
  const round = await call.start(served({ capabilities }), () => run(client, call.signal));
  return { call, state: { callId: call.id, round: call.round }, round };
}

const takeUp = (
  { relay }: Node,
  state: { callId: string; round: number },
  {
    request = served(),
    responses = answers,
    binding = 'binding',
  }: { request?: ServedRequest; responses?: Record<string, unknown> | undefined; binding?: string } = {},
) => relay.takeUp<unknown>({ state, binding, method: 'tools/call', request, responses });

const failureOf = (taken: Promise<unknown>): Promise<ProtocolError> =>
  taken.then(
    () => expect.fail('It did not fail'),
    error => error,
  );

describe('a call that waits on another replica', () => {
  let nodes: Node[];
  let one: Node;
  let two: Node;

  beforeEach(() => {
    nodes = startNodes(3);
    [one, two] = nodes as [Node, Node];
  });

  it('is named after that replica', async () => {
    const { call } = await start(one);

    expect(call.id.startsWith(`${one.replica.id}.`)).toBe(true);
  });

  it('goes on there with the answers that reach this one', async () => {
    const run = vi.fn<Run>(({ ask }) => ask({ folders: question }));
    const { state } = await start(one, run);

    const round = await takeUp(two, state);

    expect(round).toEqual({ kind: 'ended', outcome: { folders: { roots: [] } } });
    expect(run).toHaveBeenCalledTimes(1);
    expect(one.suspended.size).toBe(0);
  });

  it('asks on, and each answer may come to another replica', async () => {
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      await ask({ folders: question });
      return 'done';
    });

    const second = await takeUp(two, state);
    const third = await takeUp(nodes[2] as Node, { ...state, round: (second as { round: number }).round });

    expect(second).toEqual({ kind: 'asked', requests: { folders: question }, round: 2 });
    expect(third).toEqual({ kind: 'ended', outcome: 'done' });
  });

  it('takes the same answers once, wherever they come at the same moment', async () => {
    const run = vi.fn<Run>(({ ask }) => ask({ folders: question }));
    const { state } = await start(one, run);

    const rounds = await Promise.all([...nodes, ...nodes].map(node => takeUp(node, state)));

    expect(rounds.filter(round => round?.kind === 'ended')).toHaveLength(1);
    expect(rounds.filter(round => round === undefined)).toHaveLength(5);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it.each<[string, (state: { callId: string; round: number }) => { callId: string; round: number }, string]>([
    ['state of another round', state => ({ ...state, round: 2 }), 'binding'],
    ['state of another call', ({ callId, round }) => ({ callId: `${callId.split('.')[0]}.other`, round }), 'binding'],
    ['state that names no replica', ({ round }) => ({ callId: 'other', round }), 'binding'],
    ['state of a replica that never was', ({ round }) => ({ callId: 'nobody.other', round }), 'binding'],
    ['the request of another caller', state => state, 'other'],
  ])('is not taken up with %s', async (_, stateOf, binding) => {
    const { state } = await start(one);

    const refused = await takeUp(two, stateOf(state), { binding });
    const taken = await takeUp(two, state);

    expect(refused).toBeUndefined();
    expect(taken?.kind).toBe('ended');
  });

  it('asks again, with new state, where an answer is missing', async () => {
    const { state } = await start(one);

    const again = await takeUp(two, state, { responses: {} });
    const old = await takeUp(two, state);
    const taken = await takeUp(two, { ...state, round: 2 });

    expect(again).toEqual({ kind: 'asked', requests: { folders: question }, round: 2 });
    expect(old).toBeUndefined();
    expect(taken?.kind).toBe('ended');
  });

  it('keeps its state good where the request says that its client cannot be asked again', async () => {
    const { state } = await start(one);

    const again = await takeUp(two, state, { responses: {}, request: served({ capabilities: {} }) });

    expect(again).toMatchObject({ kind: 'asked', round: 1 });
    expect((await takeUp(two, state))?.kind).toBe('ended');
  });

  it('knows the client of the request that took it up', async () => {
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      return ask({ folders: question });
    });

    const failure = await failureOf(takeUp(two, state, { request: served({ capabilities: {} }) }));

    expect(failure).toMatchObject({ code: -32603 });
    expect(one.logs.map(({ error }) => (error as Error).name)).toEqual(['ClientCapabilityError']);
  });

  it('tells progress and log messages on that request, in their order and before its answer', async () => {
    const { state } = await start(one, async client => {
      client.log('info', 'lost');
      await client.ask({ folders: question });
      client.log('debug', 'not wanted');
      client.log('info', 'wanted');
      client.reportProgress({ progress: 1, total: 2 });
      client.log('warning', 'last');
      return 'done';
    });
    const request = served({ logLevel: 'info', progressToken: 'of the second' });

    await takeUp(two, state, { request });

    expect(request.notices).toEqual([
      { method: 'notifications/message', params: { level: 'info', data: 'wanted' } },
      { method: 'notifications/progress', params: { progressToken: 'of the second', progress: 1, total: 2 } },
      { method: 'notifications/message', params: { level: 'warning', data: 'last' } },
    ]);
  });

  it('is aborted when that request is left', async () => {
    const resumed = deferred();
    const aborted = deferred<unknown>();
    const { state } = await start(one, async ({ ask }, signal) => {
      await ask({ folders: question });
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      resumed.resolve();
      return aborted.promise;
    });
    const leaving = new AbortController();

    const taken = takeUp(two, state, { request: served({ signal: leaving.signal }) });
    await resumed.promise;
    leaving.abort(new Error('left'));

    await expect(taken).rejects.toThrow('left');
    expect(await aborted.promise).toBeInstanceOf(Error);
  });

  it('is aborted when the replica of that request is gone', async () => {
    const resumed = deferred();
    const aborted = deferred();
    const { state } = await start(one, async ({ ask, log }, signal) => {
      await ask({ folders: question });
      signal.addEventListener('abort', () => aborted.resolve());
      log('info', 'at work');
      await aborted.promise;
    });
    const request = served({ logLevel: 'info', onNotice: resumed.resolve });

    const taken = failureOf(takeUp(two, state, { request }));
    await resumed.promise;
    two.replica.kill();

    await aborted.promise;
    expect(await taken).toMatchObject({ code: -32603 });
  });

  it('waits on when it asks again, whoever leaves', async () => {
    const { call, state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      return ask({ folders: question });
    });
    const leaving = new AbortController();

    await takeUp(two, state, { request: served({ signal: leaving.signal }) });
    leaving.abort();
    two.replica.kill();
    const taken = await takeUp(one, { ...state, round: 2 });

    expect(call.signal.aborted).toBe(false);
    expect(taken?.kind).toBe('ended');
  });

  it('brings results of any length', async () => {
    const text = 'ä😀"\u0001'.repeat(200_000);
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      return { content: [{ type: 'text', text }] };
    });

    const round = await takeUp(two, state);

    expect(round).toEqual({ kind: 'ended', outcome: { content: [{ type: 'text', text }] } });
    expect(Math.max(...two.replica.received.map(({ length }) => length))).toBeLessThan(1_000_000);
  });

  it('keeps waiting where answers are too long to get to it', async () => {
    const { state } = await start(one);
    const tooLong = { ...answers, more: 'x'.repeat(5_000_000) };

    const failure = await failureOf(takeUp(two, state, { responses: tooLong }));

    expect(failure).toMatchObject({ code: -32_602, data: { name: 'InputError' } });
    expect((await takeUp(two, state))?.kind).toBe('ended');
  });

  it('brings the question whether it may run', async () => {
    const approval = { id: 'a-1', expiresAt: '2027-01-01T00:00:00.000Z' } as never;
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      return new ApprovalQuestion(approval, 'May it?');
    });

    const round = (await takeUp(two, state)) as Extract<Round<ApprovalQuestion>, { kind: 'ended' }>;

    expect(round.outcome).toBeInstanceOf(ApprovalQuestion);
    expect(round.outcome).toMatchObject({ approval, question: 'May it?' });
  });

  it.each<[string, ProtocolError]>([
    ['with data', new ProtocolError(-31_404, 'Nothing here', { name: 'NotFoundError' })],
    ['without', new ProtocolError(-32_602, 'Unknown tool')],
    [
      'of a capability',
      new MissingRequiredClientCapabilityError({ requiredCapabilities: { elicitation: { form: {} } } }, 'It lacks one'),
    ],
  ])('brings errors of the protocol as they are: %s', async (_, error) => {
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      throw error;
    });

    const failure = await failureOf(takeUp(two, state));

    expect(failure).toBeInstanceOf(ProtocolError);
    expect(failure).toMatchObject({ code: error.code, message: error.message });
    expect(failure.data).toEqual(error.data);
  });

  it('says no more of an unexpected failure than where the log of its replica has it', async () => {
    const { state } = await start(one, async ({ ask }) => {
      await ask({ folders: question });
      throw new Error('secret-internal-detail');
    });

    const failure = await failureOf(takeUp(two, state));

    const { requestId } = failure.data as { requestId: string };
    expect(failure.code).toBe(-32_603);
    expect(failure.message).toContain(requestId);
    expect(JSON.stringify(two.replica.received)).not.toContain('secret-internal-detail');
    expect(one.logs).toMatchObject([
      { level: 'error', message: expect.stringContaining(requestId), error: { message: 'secret-internal-detail' } },
    ]);
  });
});

describe('a replica', () => {
  it('that is gone has taken its calls along', async () => {
    const [one, two] = startNodes(2) as [Node, Node];
    const { state } = await start(one);

    one.replica.kill();

    expect(await takeUp(two, state)).toBeUndefined();
  });

  it('that goes while it runs a call leaves open what came of it, and says so', async () => {
    const [one, two] = startNodes(2) as [Node, Node];
    const resumed = deferred();
    const { state } = await start(one, async ({ ask, log }) => {
      await ask({ folders: question });
      log('info', 'at work');
      await new Promise(() => {});
    });
    const request = served({ logLevel: 'info', onNotice: resumed.resolve });

    const taken = failureOf(takeUp(two, state, { request }));
    await resumed.promise;
    one.replica.kill();

    expect(await taken).toMatchObject({ code: -32603, message: expect.stringContaining('is not known here') });
    expect(two.logs).toMatchObject([{ level: 'warn' }]);
  });

  it('that cannot be reached for a while keeps its calls for the same answers', async () => {
    const [one, two] = startNodes(2) as [Node, Node];
    const run = vi.fn<Run>(({ ask }) => ask({ folders: question }));
    const { state } = await start(one, run);

    one.replica.cutAllOff(true);
    const failure = await failureOf(takeUp(two, state));
    one.replica.cutAllOff(false);
    const taken = await takeUp(two, state);

    expect(failure).toMatchObject({
      code: -31_503,
      message: expect.stringContaining('Make the same request again'),
      data: { name: 'ServiceUnavailableError' },
    });
    expect(taken?.kind).toBe('ended');
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('counts the calls of a principal that wait on it, and no others', async () => {
    const [one, two] = startNodes(2, { maxPerPrincipal: 1 }) as [Node, Node];
    const onOne = await start(one);
    const onTwo = await start(two);

    const more = start(one);

    await expect(more).rejects.toThrow(/^1 calls of this caller wait/);
    expect([onOne, onTwo].map(({ round }) => round.kind)).toEqual(['asked', 'asked']);
  });
});

describe('stopping', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function startHeld() {
    const [one, two] = startNodes(2) as [Node, Node];
    const resumed = deferred();
    const goOn = deferred();
    const { state } = await start(one, async ({ ask }, signal) => {
      await ask({ folders: question });
      resumed.resolve();
      await Promise.race([
        goOn.promise,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
      return 'done';
    });
    const taken = takeUp(two, state);
    await resumed.promise;
    return { one, taken, goOn };
  }

  it('lets calls end that are served for other replicas', async () => {
    const { one, taken, goOn } = await startHeld();

    const closed = one.relay.close();
    goOn.resolve();

    expect(await taken).toEqual({ kind: 'ended', outcome: 'done' });
    await closed;
  });

  it('aborts those that take too long', async () => {
    const { one, taken } = await startHeld();
    const failure = failureOf(taken);

    const closed = one.relay.close();
    await vi.advanceTimersByTimeAsync(5_000);
    await closed;

    expect(await failure).toMatchObject({ code: -32603 });
    expect(one.logs[0]?.error).toBeInstanceOf(ServiceUnavailableError);
  });
});

describe('any sequence of requests to any replica', () => {
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

  it.each(Array.from({ length: 100 }, (_, seed) => [seed]))(
    'runs a handler once, and answers each of its questions once: seed %i',
    async seed => {
      const random = randomOf(seed);
      const nodes = startNodes(3);
      const owner = nodes[0] as Node;
      const questions = random(5);
      let runs = 0;
      let answered = 0;
      const { call, round, state } = await start(owner, async ({ ask }) => {
        runs += 1;
        for (let asked = 0; asked < questions; asked += 1) {
          await ask({ folders: question });
          answered += 1;
        }
        return 'result';
      });
      const states = [state];
      const rounds: Round<unknown>[] = [round];
      const leavings: AbortController[] = [];
      for (let turn = 0; turn < 30 && rounds.at(-1)?.kind === 'asked' && !call.signal.aborted; turn += 1) {
        owner.replica.cutAllOff(random(8) === 0);
        const leaving = new AbortController();
        const attempts = Array.from({ length: 1 + random(4) }, () => {
          // Mostly the newest state, sometimes one that was used before.
          const used = states[random(4) === 0 ? random(states.length) : states.length - 1] as typeof state;
          const responses = [answers, answers, {}, { folders: 7 }, undefined][random(5)];
          const request = served({ signal: leaving.signal });
          return takeUp(nodes[random(3)] as Node, used, { request, responses }).catch(() => undefined);
        });
        if (random(15) === 0) {
          leaving.abort(new Error('left'));
        }
        leavings.push(leaving);
        for (const next of await Promise.all(attempts)) {
          if (next) {
            rounds.push(next);
            states.push({ callId: call.id, round: next.kind === 'asked' ? next.round : call.round });
          }
        }
        owner.replica.cutAllOff(false);
        // What was on its way has arrived.
        await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
      }

      const ended = rounds.filter(({ kind }) => kind === 'ended');
      expect(runs).toBe(1);
      expect(answered).toBeLessThanOrEqual(questions);
      expect(ended.length).toBeLessThanOrEqual(1);
      if (ended.length === 1 && !call.signal.aborted) {
        expect(answered).toBe(questions);
        expect(ended).toEqual([{ kind: 'ended', outcome: 'result' }]);
      }
      if (call.signal.aborted || ended.length === 1) {
        expect(owner.suspended.size).toBe(0);
      }
    },
  );
});
