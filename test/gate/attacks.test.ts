import type { JsonObject } from '@backstage/types';
import { post } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gate, startGate, tokenOf } from './testing/startGate.js';
import { askModern, type Message, type ModernCall, postModern, readMessage, WireSession } from './testing/wire.js';

const action = 'delete-stated';
const accept = { approval: { action: 'accept', content: {} } };

let gate: Gate;
let keys = 0;
/** Of the call that the test is about. */
let key: string;
/** Who makes it: somebody else in each test, since nobody may have too many questions open. */
let ada: string;

const adas = Array.from({ length: 100 }, (_, index) => `ada-${index}`);

beforeAll(async () => {
  gate = await startGate({
    mode: 'safe',
    callers: ['eve', ...adas],
    config: { mcpActions: { servers: { other: { name: 'Other' }, strict: { name: 'Strict', mode: 'read_only' } } } },
  });
});
afterAll(() => gate?.stop());

beforeEach(() => {
  keys += 1;
  key = `call-${keys}`;
  ada = adas[keys] as string;
});

const callOf = (more: Partial<ModernCall> = {}): ModernCall => ({ caller: ada, action, input: { key }, ...more });

const recordsOf = (of = key) => gate.records.filter(({ call }) => (call.input as { key?: unknown }).key === of);
const decisionsOf = (of = key) => recordsOf(of).map(({ kind, call }) => `${kind} ${call.decision}`);

async function expectAlive(): Promise<void> {
  const alive = await postModern(gate, callOf({ action: 'read-stated', input: { key: `${key}-alive` } }));

  expect(readMessage(alive)).toEqual({ ended: 'ran', output: { done: `${key}-alive` } });
}

describe('in the 2026 era, where the client carries the state', () => {
  let state: string;

  beforeEach(async () => {
    state = await askModern(gate, callOf());
  });

  it('the state with an answer runs the call once, and no more', async () => {
    const answers: Message[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      answers.push(await postModern(gate, callOf({ requestState: state, inputResponses: accept })));
    }

    expect(answers.map(readMessage)).toEqual([
      { ended: 'ran', output: { done: key } },
      ...[1, 2].map(() => ({
        ended: 'refused',
        name: 'NotAllowedError',
        message: expect.stringContaining('The answer is for no open approval of this call'),
      })),
    ]);
    expect(gate.work.timesRun(key)).toBe(1);
    expect(decisionsOf()).toEqual([
      'refusal needs_approval_asked',
      'intent needs_approval_accepted',
      'outcome needs_approval_accepted',
      'refusal needs_approval_invalid',
      'refusal needs_approval_invalid',
    ]);
  });

  it('of a hundred answers at once one runs the call', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => postModern(gate, callOf({ requestState: state, inputResponses: accept }))),
    );

    expect(answers.map(readMessage).filter(({ ended }) => ended === 'ran')).toHaveLength(1);
    expect(gate.work.timesRun(key)).toBe(1);
    expect(decisionsOf().filter(decision => decision === 'refusal needs_approval_invalid')).toHaveLength(99);
  });

  /** Refused as forged, whatever else the request says, and on record as that. */
  async function expectForged(requestState: string): Promise<void> {
    const { error } = await postModern(gate, callOf({ requestState, inputResponses: accept }));

    expect(error, requestState).toEqual({
      code: -32602,
      message: 'Invalid or expired requestState',
      data: { reason: 'invalid_request_state' },
    });
    expect(decisionsOf().at(-1)).toBe('refusal needs_approval_invalid');
    expect(gate.work.timesRun(key)).toBe(0);
  }

  it('state with any one bit flipped is refused', async () => {
    const bytes = Buffer.from(state, 'latin1');
    let flipped = 0;
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const isInSignature = bit >= state.lastIndexOf('.') * 8;
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      // All of the signature, and a third of the rest; what is no text any more is no JSON either.
      if ((isInSignature || bit % 3 === 0) && (changed[bit >> 3] as number) >= 0x20) {
        await expectForged(changed.toString('latin1'));
        flipped += 1;
      }
    }

    expect(flipped).toBeGreaterThan(500);
    expect(recordsOf().filter(({ call }) => call.decision === 'needs_approval_invalid')).toHaveLength(flipped);
    await expectAlive();
  });

  it('state that was cut, padded, emptied or made up is refused', async () => {
    const [, body = '', signature = ''] = state.split('.');
    const { p, ...envelope } = JSON.parse(Buffer.from(body, 'base64url').toString());
    const resign = (payload: unknown) =>
      `v1.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`;
    const forgeries = [
      '',
      'v1.',
      'v1..',
      'null',
      '{}',
      ...[1, 5, 20, 43, 44, 60].map(length => state.slice(0, -length)),
      state.slice(1),
      ` ${state}`,
      `${state} `,
      `${state}=`,
      `${state}.`,
      `${state}${state}`,
      state.replace('v1.', 'v2.'),
      state.toUpperCase(),
      `v1.${body}.`,
      `v1.${body}.${Buffer.alloc(32).toString('base64url')}`,
      resign({ ...envelope, p: { ...p, approvalId: 'another' } }),
      resign({ ...envelope, p, exp: envelope.exp + 1 }),
      resign({ p, exp: envelope.exp }),
      'x'.repeat(100_000),
    ];

    for (const forgery of forgeries) {
      await expectForged(forgery);
    }
    await expectAlive();
  });

  it.each([[5], [null], [{ approvalId: 'x' }], [['v1']], [true]])(
    'state of a wrong type (%j) is refused',
    async requestState => {
      const answer = await postModern(gate, callOf({ requestState, inputResponses: accept }));

      expect(readMessage(answer)).toMatchObject({
        ended: 'given-up',
        message: expect.stringMatching(/requestState|Invalid/),
      });
      expect(gate.work.timesRun(key)).toBe(0);
      expect(decisionsOf()).toEqual(['refusal needs_approval_asked']);
      await expectAlive();
    },
  );

  it('state of another principal is refused', async () => {
    const { error } = await postModern(gate, callOf({ caller: 'eve', requestState: state, inputResponses: accept }));

    expect(error.message).toBe('Invalid or expired requestState');
    expect(gate.work.timesRun(key)).toBe(0);
    expect(recordsOf().at(-1)?.call).toMatchObject({
      principal: 'servicePrincipal{eve}',
      decision: 'needs_approval_invalid',
    });
  });

  it.each(['other', 'strict'])('state of the default server is refused at the server %s', async server => {
    const { error } = await postModern(gate, callOf({ server, requestState: state, inputResponses: accept }));

    expect(error.message).toBe('Invalid or expired requestState');
    expect(gate.work.timesRun(key)).toBe(0);
    expect(recordsOf().at(-1)).toMatchObject({ kind: 'refusal', call: { server } });
  });

  const otherCalls: [string, (of: string) => Partial<ModernCall>][] = [
    ['other arguments', of => ({ input: { key: `${of}x` } })],
    ['one argument more', of => ({ input: { key: of, force: true } })],
    ['an argument of another type', of => ({ input: { key: of, count: '1' } })],
    ['a letter that looks alike', of => ({ input: { key: of.replace('a', 'а') } })],
    ['another action', () => ({ action: 'execute-stated' })],
    ['a key that stands for the prototype', of => ({ input: JSON.parse(`{"key":"${of}","more":{"__proto__":{}}}`) })],
  ];
  it.each(otherCalls)('state of this call is refused for one with %s', async (_what, change) => {
    const other = callOf(change(key));

    const answer = await postModern(gate, { ...other, requestState: state, inputResponses: accept });

    const otherKey = String(other.input.key);
    expect(readMessage(answer)).toMatchObject({ ended: 'refused', name: 'NotAllowedError' });
    expect(decisionsOf(otherKey).at(-1)).toBe('refusal needs_approval_invalid');
    expect([gate.work.timesRun(key), gate.work.timesRun(otherKey)]).toEqual([0, 0]);
  });

  it('an answer without state is no answer: the client is asked again', async () => {
    const answer = await postModern(gate, callOf({ inputResponses: accept }));

    expect(readMessage(answer)).toEqual({ ended: 'asked' });
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf()).toEqual(['refusal needs_approval_asked', 'refusal needs_approval_asked']);
  });

  const noAnswers: [string, unknown][] = [
    ['no answer', undefined],
    ['no answers', {}],
    ['an answer to another question', { permission: { action: 'accept', content: {} } }],
    ['an answer by a similar name', { Approval: accept.approval, 'approval ': accept.approval }],
    ['a list', [{ action: 'accept' }]],
    ['a text', 'accept'],
    ['null', null],
    ['null for the answer', { approval: null }],
    ['a text for the answer', { approval: 'accept' }],
    ['a list for the answer', { approval: ['accept'] }],
    ['true for the answer', { approval: true }],
    ['an unknown decision', { approval: { action: 'approve' } }],
    ['a decision in other letters', { approval: { action: 'ACCEPT' } }],
    ['a list of decisions', { approval: { action: ['accept'] } }],
    ['a true decision', { approval: { action: true } }],
    ['an object for the decision', { approval: { action: { toString: 'accept' } } }],
    ['a wrapped answer', { approval: { method: 'elicitation/create', result: { action: 'accept' } } }],
    ['an answer of another kind', { approval: { roots: [] } }],
    ['an answer of the prototype', JSON.parse('{ "__proto__": { "approval": { "action": "accept" } } }')],
    ['a decision of the prototype', JSON.parse('{ "approval": { "__proto__": { "action": "accept" } } }')],
    ['a constructor', { constructor: { prototype: { approval: { action: 'accept' } } } }],
  ];
  it.each(noAnswers)('state with %s runs nothing', async (_what, inputResponses) => {
    const answer = await postModern(gate, callOf({ requestState: state, inputResponses }));

    expect(readMessage(answer).ended).toMatch(/^(asked|given-up)$/);
    expect(gate.work.timesRun(key)).toBe(0);
    // What is not a request at all is not a call either.
    expect(new Set(decisionsOf())).toEqual(new Set(['refusal needs_approval_asked']));
    expect(Object.hasOwn(Object.prototype, 'approval')).toBe(false);
    await expectAlive();
  });

  it('an answer that has more to say is still the answer that it is', async () => {
    const inputResponses = { approval: { action: 'decline', accepted: true, content: { action: 'accept' } } };

    const answer = await postModern(gate, callOf({ requestState: state, inputResponses }));
    const after = await postModern(gate, callOf({ requestState: state, inputResponses: accept }));

    expect([answer, after].map(readMessage)).toEqual([
      { ended: 'refused', name: 'NotAllowedError', message: expect.stringContaining('declined') },
      { ended: 'refused', name: 'NotAllowedError', message: expect.stringContaining('no open approval') },
    ]);
    expect(gate.work.timesRun(key)).toBe(0);
  });

  it.each<[string, JsonObject | null]>([
    ['says that it cannot ask', {}],
    ['can only open pages', { elicitation: { url: {} } }],
  ])('a client that %s cannot answer either', async (_what, capabilities) => {
    const answer = await postModern(gate, callOf({ capabilities, requestState: state, inputResponses: accept }));

    expect(readMessage(answer)).toMatchObject({ ended: 'refused', message: expect.stringContaining('full_access') });
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf().at(-1)).toBe('refusal needs_approval_unavailable');
  });

  it('state means nothing on a request of the 2025 era, whatever it says of its client', async () => {
    const params = { name: `work.${action}`, arguments: { key }, requestState: state, inputResponses: accept };
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } };
    const session = await WireSession.open(gate, { caller: ada, capabilities: {} });

    const answers = [
      await postStateless(params),
      await postStateless({ ...params, _meta }),
      await session.request(7, 'tools/call', params),
      await session.request(8, 'tools/call', { ...params, _meta }),
    ];

    expect(answers.map(answer => readMessage(answer).ended)).toEqual(answers.map(() => 'refused'));
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf()).toHaveLength(1 + answers.length);
  });
});

async function postStateless(params: JsonObject): Promise<Message> {
  const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const headers = { 'MCP-Protocol-Version': '2025-11-25' };
  return (await post(gate.mcpUrl, request, { token: tokenOf(ada), headers })).message;
}

describe('on a session, where the server asks', () => {
  let session: WireSession;
  let question: Message;
  let rest: AsyncIterator<Message>;

  const open = (capabilities: JsonObject = { elicitation: {} }, caller = ada) =>
    WireSession.open(gate, { caller, capabilities });
  const accepted = { action: 'accept', content: {} };
  const responseOf = async () => readMessage((await rest.next()).value);

  beforeEach(async () => {
    session = await open();
    ({ question, rest } = await session.ask(1, callOf()));
  });

  it('the answer runs the call once, however often it is given', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 20 }, () => session.send({ id: question.id, result: accepted })),
    );

    expect(await responseOf()).toEqual({ ended: 'ran', output: { done: key } });
    expect(new Set(statuses)).toEqual(new Set([202]));
    expect(gate.work.timesRun(key)).toBe(1);
    expect(decisionsOf()).toEqual([
      'refusal needs_approval_asked',
      'intent needs_approval_accepted',
      'outcome needs_approval_accepted',
    ]);
    await expectAlive();
  });

  it('an answer after the answer changes nothing', async () => {
    await session.send({ id: question.id, result: { action: 'decline' } });
    const response = await responseOf();

    await session.send({ id: question.id, result: accepted });

    expect(response).toMatchObject({ ended: 'refused', message: expect.stringContaining('declined') });
    await expectAlive();
    expect(gate.work.timesRun(key)).toBe(0);
  });

  const badAnswers: [string, JsonObject][] = [
    ['an error', { error: { code: -32603, message: 'It does not open' } }],
    ['an error that claims consent', { error: { code: 0, message: 'accept', data: { action: 'accept' } } }],
    ['nothing', { result: {} }],
    ['an unknown decision', { result: { action: 'approve' } }],
    ['a decision in other letters', { result: { action: 'Accept' } }],
    ['a list of decisions', { result: { action: ['accept'] } }],
    ['a wrapped answer', { result: { result: { action: 'accept' } } }],
    ['content of wrong types', { result: { action: 'accept', content: 'yes' } }],
  ];
  it.each(badAnswers)('a client that answers with %s has asked nobody', async (_what, answer) => {
    await session.send({ id: question.id, ...answer });

    expect(await responseOf()).toMatchObject({
      ended: 'refused',
      name: 'NotAllowedError',
      message: expect.stringContaining('the client did not answer'),
    });
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf()).toEqual(['refusal needs_approval_asked', 'refusal needs_approval_unavailable']);
    await expectAlive();
  });

  it('an answer with another id, on another session or from somebody else answers nothing', async () => {
    const [own, eves] = [await open(), await open(undefined, 'eve')];
    const strangers = [own, eves];

    for (const id of [question.id + 1, -1, question.id + 0.5, 'question']) {
      await session.send({ id, result: accepted });
    }
    for (const stranger of strangers) {
      await stranger.send({ id: question.id, result: accepted });
    }
    await expectAlive();
    expect(gate.work.timesRun(key)).toBe(0);

    await session.send({ id: question.id, result: { action: 'decline' } });
    expect(await responseOf()).toMatchObject({ ended: 'refused' });
    expect(decisionsOf()).toEqual(['refusal needs_approval_asked', 'refusal needs_approval_declined']);
  });

  it('somebody else cannot speak on it', async () => {
    const status = await session.send({ id: question.id, result: accepted }, { token: tokenOf('eve') });

    expect(status).toBe(404);
    await session.send({ id: question.id, result: { action: 'cancel' } });
    expect(await responseOf()).toMatchObject({ ended: 'refused' });
    expect(gate.work.timesRun(key)).toBe(0);
  });

  it('an answer after the call was cancelled runs nothing and leaves the approval unused', async () => {
    const other = await open();

    await session.send({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'changed my mind' } });
    const { value: withdrawal } = await rest.next();
    await session.send({ id: question.id, result: accepted });

    expect(withdrawal).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: question.id },
    });
    await expectAlive();
    expect(gate.work.timesRun(key)).toBe(0);
    expect(decisionsOf()).toEqual(['refusal needs_approval_asked']);

    const again = await other.ask(1, callOf());
    await other.send({ id: again.question.id, result: accepted });
    expect(readMessage((await again.rest.next()).value)).toMatchObject({ ended: 'ran' });
  });

  it('two calls that are asked about at once need an answer each', async () => {
    const second = await session.ask(2, callOf());

    await session.send({ id: second.question.id, result: accepted });
    const ran = readMessage((await second.rest.next()).value);
    await session.send({ id: question.id, result: accepted });
    const refused = await responseOf();

    expect(second.question.id).not.toBe(question.id);
    expect(ran).toMatchObject({ ended: 'ran' });
    expect(refused).toMatchObject({ ended: 'refused', message: expect.stringContaining('no open approval') });
    expect(gate.work.timesRun(key)).toBe(1);
  });

  it.each<[string, JsonObject]>([
    ['none', {}],
    ['pages only', { elicitation: { url: {} } }],
    ['another capability', { sampling: {}, roots: {} }],
  ])(
    'a client with elicitation of %s is not asked, and cannot answer what nobody asked',
    async (_what, capabilities) => {
      const client = await open(capabilities);
      const guesses = [0, 1, 2].map(id => client.send({ id, result: accepted }));

      const response = await client.request(1, 'tools/call', {
        name: `work.${action}`,
        arguments: { key: `${key}-x` },
      });

      await Promise.all([...guesses, ...[0, 1, 2].map(id => client.send({ id, result: accepted }))]);
      expect(readMessage(response)).toMatchObject({
        ended: 'refused',
        message: expect.stringContaining('full_access'),
      });
      expect(gate.work.timesRun(`${key}-x`)).toBe(0);
      expect(decisionsOf(`${key}-x`)).toEqual(['refusal needs_approval_unavailable']);
      await expectAlive();
    },
  );
});
