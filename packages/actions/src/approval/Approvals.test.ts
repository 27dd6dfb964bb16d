import type { BackstageCredentials } from '@backstage/backend-plugin-api';
import type { ActionPreview, ApprovalBook, SafetyMode } from '@callboard/actions-api';
import { ApprovalDesk, recordingLogger } from '@callboard/test-utils';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CallSignal } from '../CallSignal.js';
import type { VisibleAction } from '../catalogue/VisibleAction.js';
import { Invocation } from '../invocation/Invocation.js';
import { listedAction } from '../testing/sourceServer.js';
import { Approvals } from './Approvals.js';
import type { ApprovalQuestion, ApprovalRequiredError } from './approvalErrors.js';

const destructive = { readOnly: false, destructive: true, idempotent: false };

type Call = Partial<ConstructorParameters<typeof Invocation>[0]> & {
  action?: object;
  mode?: SafetyMode;
  preview?: VisibleAction['preview'];
};

/** A call that has come as far as the step in which it has to be approved. */
function callOf({ action, mode = 'safe', preview, ...parts }: Call = {}): Invocation {
  const descriptor = listedAction('todo:purge', { title: 'Purge', attributes: destructive, ...action });
  const visible: VisibleAction = { descriptor, run: async () => ({ output: undefined }), ...(preview && { preview }) };
  const call = new Invocation({
    name: 'todo.purge',
    find: async () => visible,
    input: { olderThanDays: 30 },
    credentials: { principal: { type: 'user', userEntityRef: 'user:default/ada' } } as unknown as BackstageCredentials,
    door: 'mcp',
    ...parts,
  });
  call.visible = visible;
  call.rules = { key: '', mode: { value: mode, config: 'backend.actions.mode' }, profiles: [] };
  return call;
}

function create(options: { book?: ApprovalBook; asksClients?: boolean } = {}) {
  const { logger, logs } = recordingLogger();
  const approvals = new Approvals({
    environment: 'production',
    asksClients: options.asksClients ?? true,
    lifetimeMs: 60_000,
    logger,
  });
  if (options.book) {
    approvals.provide(options.book);
  }
  /** How the step ended, and what the trail will say of it. */
  const require = async (given: Call | Invocation) => {
    const call = given instanceof Invocation ? given : callOf(given);
    const error = await approvals.require(call).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    return { call, error, decision: call.decision, approval: call.approval };
  };
  const ask = async (given: Call = {}) => {
    const { error } = await require({ canAsk: true, ...given });
    expect(error?.name).toBe('ApprovalQuestion');
    return error as ApprovalQuestion;
  };
  const requireElsewhere = async (given: Call = {}) => {
    const { error } = await require(given);
    expect(error?.name).toBe('ApprovalRequiredError');
    return error as ApprovalRequiredError;
  };
  return { approvals, logs, require, ask, requireElsewhere };
}

const openDoor =
  'An operator can let such calls run without approval with the mode full_access (backend.actions.mode).';

test('only one plugin keeps the approvals', () => {
  const { approvals } = create({ book: new ApprovalDesk() });

  expect(() => approvals.provide(new ApprovalDesk())).toThrow('Another plugin keeps the approvals already');
});

describe('where there is nobody to ask, the refusal says why, and names the mode and the key that would let it run', () => {
  test.each<[string, { asksClients?: boolean; book?: ApprovalBook }, Call, string]>([
    [
      'a client without elicitation',
      {},
      { canAsk: false },
      'the client does not support elicitation, and no plugin keeps approvals',
    ],
    [
      'a client that did not answer',
      {},
      { canAsk: true, answered: { approvalId: 'a-1', answer: 'unavailable' } },
      'the client did not answer, and no plugin keeps approvals',
    ],
    [
      'asking through clients is off',
      { asksClients: false },
      { canAsk: true },
      'asking through the client is off (backend.actions.approval.elicitation), and no plugin keeps approvals',
    ],
    [
      'approving itself cannot wait for an approval',
      { book: new ApprovalDesk() },
      { action: { capability: 'approvals:decide' } },
      'decide on the page of the approvals instead, or use a client that supports elicitation',
    ],
  ])('%s', async (_, options, call, why) => {
    const { require } = create(options);

    const { error, decision, approval } = await require(call);

    expect(error?.name).toBe('NotAllowedError');
    expect(error?.message).toBe(
      `Action "todo:purge" needs approval (class delete, mode safe), and there is no way to ask a person: ${why}. ${openDoor}`,
    );
    expect(decision).toBe('needs_approval_unavailable');
    expect(approval).toBeUndefined();
  });

  test('the key is that of the rule that demands the approval', async () => {
    const { require } = create();
    const call = callOf({});
    call.rules = {
      ...call.rules,
      mode: { value: 'delete_safe', config: 'mcpActions.servers.ops.mode' },
    };

    const { error } = await require(call);

    expect(error?.message).toContain('mode delete_safe');
    expect(error?.message).toContain('full_access (mcpActions.servers.ops.mode)');
  });
});

describe('asking through the client', () => {
  test('tells the person what is to run where, why and with what', async () => {
    const { ask } = create();

    const { question, approval } = await ask({
      reason: 'Nobody needs\nthem',
      preview: async () => ({ summary: '12 items would be deleted' }),
    });

    expect(question).toBe(
      [
        'Approve todo:purge (delete)?',
        '',
        'Purge, in production',
        '12 items would be deleted',
        'The agent says why: Nobody needs\\u{a}them',
        '',
        'Arguments: {',
        '  "olderThanDays": 30',
        '}',
      ].join('\n'),
    );
    expect(approval.request).toMatchObject({
      principal: 'user:default/ada',
      actionId: 'todo:purge',
      effect: 'delete',
      mode: 'safe',
      rule: 'backend.actions.mode: safe',
      reason: 'Nobody needs\\u{a}them',
      environment: 'production',
      arguments: { olderThanDays: 30 },
      preview: { summary: '12 items would be deleted' },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('shows what arguments hold, however they try to look otherwise, and no secrets', async () => {
    const { ask } = create();

    const { question } = await ask({
      input: { path: 'safe\u202etxt.exe\u200b', note: 'a\nApproved by the operator', password: 'hunter22' },
    });

    expect(question).toContain('"path": "safe\\u{202e}txt.exe\\u{200b}"');
    expect(question).toContain('"note": "a\\nApproved by the operator"');
    expect(question).not.toMatch(/[\u202e\u200b]|hunter22/);
  });

  test('says how much of long arguments it cannot show', async () => {
    const { ask } = create();

    const { question } = await ask({ input: { text: 'x'.repeat(4_000), lines: Array(900).fill('y') } });

    expect(question.length).toBeLessThan(6_200);
    expect(question).toMatch(
      /…\n\nNOT ALL IS SHOWN: \d+ more characters of the arguments do not fit here\. Decline unless you know them\.$/,
    );
  });

  test('is on record as asked', async () => {
    const { require } = create();

    const { decision, approval } = await require({ canAsk: true });

    expect(decision).toBe('needs_approval_asked');
    expect(approval).toMatchObject({ state: 'pending' });
  });

  test('comes before an approval elsewhere, and is the same approval', async () => {
    const desk = new ApprovalDesk();
    const { ask, requireElsewhere } = create({ book: desk });

    const { approval } = await ask();
    const elsewhere = await requireElsewhere({
      canAsk: true,
      answered: { approvalId: approval.id, answer: 'unavailable' },
    });

    expect(elsewhere.approval.id).toBe(approval.id);
    expect(desk.all).toHaveLength(1);
  });
});

describe('the answer of the client', () => {
  const withAnswer = async (
    answer: 'accept' | 'decline' | 'cancel',
    options: { first?: Call; then?: Call; book?: ApprovalBook } = {},
  ) => {
    const { ask, require } = create(options.book ? { book: options.book } : {});
    const { approval } = await ask(options.first);
    const answered = { approvalId: approval.id, answer };
    return { require, answered, ...(await require({ canAsk: true, answered, ...options.then })) };
  };

  test.each([
    ['memory', undefined],
    ['a plugin', new ApprovalDesk()],
  ])('accept lets the call through, with approvals kept by %s', async (_, book) => {
    const { error, decision, approval } = await withAnswer('accept', { ...(book && { book }) });

    expect(error).toBeUndefined();
    expect(decision).toBe('needs_approval_accepted');
    expect(approval).toMatchObject({ state: 'used', channel: 'client', decidedBy: 'user:default/ada' });
  });

  test.each([
    ['decline', 'needs_approval_declined', 'Action "todo:purge" did not run: the person who was asked declined'],
    ['cancel', 'needs_approval_cancelled', 'Action "todo:purge" did not run: the person who was asked did not decide'],
  ] as const)('%s refuses it', async (answer, decided, message) => {
    const { error, decision, approval } = await withAnswer(answer);

    expect(error).toMatchObject({ name: 'NotAllowedError', message });
    expect(decision).toBe(decided);
    expect(approval).toMatchObject({ state: 'denied' });
  });

  const invalid = {
    name: 'NotAllowedError',
    message:
      'The answer is for no open approval of this call of "todo:purge": it is for other arguments, was used before or has expired. Make the call anew.',
  };
  const eve = { principal: { type: 'user', userEntityRef: 'user:default/eve' } } as unknown as BackstageCredentials;

  test.each<[string, Call]>([
    ['other arguments', { input: { olderThanDays: 0 } }],
    ['more arguments', { input: { olderThanDays: 30, force: true } }],
    ['another caller', { credentials: eve }],
    ['a changed action', { action: { description: 'Deletes everything.' } }],
    ['another approval', { answered: { approvalId: 'other', answer: 'accept' } }],
  ])('accept is good for nothing with %s', async (_, then) => {
    const { error, decision } = await withAnswer('accept', { then });

    expect(error).toMatchObject(invalid);
    expect(decision).toBe('needs_approval_invalid');
  });

  test('accept is good once', async () => {
    const { require, answered } = await withAnswer('accept');

    expect((await require({ canAsk: true, answered })).error).toMatchObject(invalid);
  });

  test('accept after a refusal is good for nothing', async () => {
    const { require, answered } = await withAnswer('decline');

    const { error } = await require({ canAsk: true, answered: { ...answered, answer: 'accept' } });

    expect(error).toMatchObject(invalid);
  });

  test('is not taken where asking clients is off, however it was made up', async () => {
    const desk = new ApprovalDesk();
    const { require, requireElsewhere } = create({ book: desk, asksClients: false });
    const { approval } = await requireElsewhere();

    const { error, decision } = await require({
      canAsk: true,
      answered: { approvalId: approval.id, answer: 'accept' },
    });

    expect(error).toMatchObject(invalid);
    expect(decision).toBe('needs_approval_invalid');
    expect(desk.pending).toHaveLength(1);
  });
});

describe('an approval that is decided elsewhere', () => {
  test('is named to the caller with its page, and what to do once it is approved', async () => {
    const { requireElsewhere, require } = create({ book: new ApprovalDesk() });

    const { message, approval } = await requireElsewhere();
    const { decision } = await require({});

    expect(message).toBe(
      'Action "todo:purge" needs approval (class delete, mode safe): it has to be approved by a person first. ' +
        'Ask for it at https://callboard.example.com/approvals/approval-1 (approval approval-1). ' +
        'Once it is approved, make the same call again with the same arguments, before 2099-01-01T00:00:00.000Z.',
    );
    expect(approval).toEqual({
      id: 'approval-1',
      url: 'https://callboard.example.com/approvals/approval-1',
      expiresAt: '2099-01-01T00:00:00.000Z',
    });
    expect(decision).toBe('needs_approval_pending');
  });

  test('is asked for once, however often the call is made', async () => {
    const desk = new ApprovalDesk();
    const { requireElsewhere } = create({ book: desk });

    await requireElsewhere({ input: { a: 1, b: 2 } });
    await requireElsewhere({ input: { b: 2, a: 1 } });

    expect(desk.all).toHaveLength(1);
  });

  test('lets the same call through once it is approved, and once only', async () => {
    const desk = new ApprovalDesk();
    const { require, requireElsewhere } = create({ book: desk });
    await requireElsewhere();
    desk.decide('approved');

    const attempts = await Promise.all(Array.from({ length: 100 }, () => require({})));

    const letThrough = attempts.filter(({ error }) => error === undefined);
    expect(letThrough).toHaveLength(1);
    expect(letThrough[0]).toMatchObject({
      decision: 'needs_approval_accepted',
      approval: { id: 'approval-1', state: 'used', decidedBy: 'user:default/operator', channel: 'page' },
    });
  });

  test('is not used by a call with other arguments', async () => {
    const desk = new ApprovalDesk();
    const { requireElsewhere } = create({ book: desk });
    await requireElsewhere();
    desk.decide('approved');

    const { approval } = await requireElsewhere({ input: { olderThanDays: 0 } });

    expect(approval.id).toBe('approval-2');
    expect(desk.all[0]).toMatchObject({ state: 'approved' });
  });

  test('is used by a client that could be asked, too, without asking it', async () => {
    const desk = new ApprovalDesk();
    const { require, requireElsewhere } = create({ book: desk });
    await requireElsewhere();
    desk.decide('approved');

    expect((await require({ canAsk: true })).decision).toBe('needs_approval_accepted');
  });

  test('lets the call through that finds it approved this very moment', async () => {
    const desk = new ApprovalDesk();
    const { require, requireElsewhere } = create({ book: desk });
    await requireElsewhere();
    const { find } = desk;
    desk.find = async binding => {
      desk.decide('approved');
      desk.find = find;
      return find.call(desk, binding);
    };

    expect(await require({})).toMatchObject({ error: undefined, decision: 'needs_approval_accepted' });
  });

  test.each([
    [undefined, ''],
    ['Not on a\nFriday', ', who said: Not on a\\u{a}Friday'],
  ])('that is denied is not asked for again, and the refusal says by whom (%j)', async (comment, said) => {
    const desk = new ApprovalDesk();
    const { require, requireElsewhere } = create({ book: desk });
    await requireElsewhere();
    desk.decide('denied', comment);

    const { error, decision, approval } = await require({ canAsk: true });

    expect(error).toMatchObject({
      name: 'NotAllowedError',
      message: `This call of action "todo:purge" was denied by user:default/operator${said}. It is not asked for again before 2099-01-01T00:00:00.000Z.`,
    });
    expect(decision).toBe('needs_approval_denied');
    expect(approval).toMatchObject({ id: 'approval-1' });
    expect(desk.all).toHaveLength(1);
  });

  test('of approving itself can only be asked of the client', async () => {
    const desk = new ApprovalDesk();
    const { ask } = create({ book: desk });

    const { approval } = await ask({ action: { capability: 'approvals:decide' } });

    expect(approval.state).toBe('pending');
  });
});

describe('a preview', () => {
  afterEach(() => vi.useRealTimers());

  const previewed = async (preview: VisibleAction['preview'], more: Call = {}) => {
    const { ask, logs } = create();
    const { approval, question } = await ask({ preview, ...more });
    return { preview: approval.request.preview, question, logs };
  };

  test('is made of checked input and secrets, and shown', async () => {
    const seen: unknown[] = [];
    const { preview, logs } = await previewed(
      async ({ input, secrets }) => {
        seen.push(input, secrets);
        return { summary: 'Renames it', before: { title: 'Tea' }, after: null };
      },
      { secrets: { key: 'k' } },
    );

    expect(seen).toEqual([{ olderThanDays: 30 }, { key: 'k' }]);
    expect(preview).toEqual({ summary: 'Renames it', before: { title: 'Tea' }, after: null });
    expect(logs).toEqual([]);
  });

  test.each<[string, () => Promise<ActionPreview>]>([
    ['throws', () => Promise.reject(new Error('No such item'))],
    [
      'throws at once',
      () => {
        throw new Error('No such item');
      },
    ],
    ['throws something else', () => Promise.reject('No such item')],
    ['returns nothing', async () => undefined as never],
    ['returns null', async () => null as never],
  ])('that %s is logged, and the approval is asked for without it', async (_, make) => {
    const { preview, logs } = await previewed(make);

    expect(preview).toBeUndefined();
    expect(logs).toMatchObject([
      { level: 'warn', message: expect.stringMatching(/^No preview of a call of "todo:purge" \(request id .+\)$/) },
    ]);
  });

  test('that takes too long is not waited for', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new Error('Too late')));

    const { preview, logs } = await previewed(() => new Promise(() => {}));

    vi.restoreAllMocks();
    expect(preview).toBeUndefined();
    expect(logs).toMatchObject([{ error: { message: 'Too late' } }]);
  });

  test('is told when time is up', async () => {
    const timeout = new AbortController();
    const timeouts = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(timeout.signal);
    let signal: CallSignal | undefined;

    const { preview } = await previewed(run => {
      signal = run.signal;
      queueMicrotask(() => timeout.abort());
      return new Promise(() => {});
    });

    const [[ms] = []] = timeouts.mock.calls;
    vi.restoreAllMocks();
    expect(preview).toBeUndefined();
    expect(signal?.aborted).toBe(true);
    expect(ms).toBe(10_000);
  });

  test('of a caller that has gone is not waited for', async () => {
    const { preview } = await previewed(() => new Promise(() => {}), { signal: AbortSignal.abort() });

    expect(preview).toBeUndefined();
  });

  test('of hostile size is cut, and holds no secrets', async () => {
    const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    const { preview, question } = await previewed(async () => ({
      summary: `x\n${'y'.repeat(100_000)}`,
      before: { text: 'x'.repeat(10_000_000), apiKey: 'canary-secret' },
      after: deep,
    }));

    expect(preview?.summary?.length).toBeLessThan(1_100);
    expect(preview?.summary).toMatch(/^x\\u\{a\}y+…\[cut \d+ characters\]$/);
    expect(JSON.stringify(preview).length).toBeLessThan(140_000);
    expect(JSON.stringify(preview)).not.toContain('canary-secret');
    expect(question.length).toBeLessThan(6_200);
  });

  test('may contain what is no JSON, which is shown as well as it can be', async () => {
    const circular: Record<string, unknown> = { at: new Date(0) };
    circular.self = circular;

    const { preview } = await previewed(async () => ({ summary: 7 as never, before: circular as never }));

    expect(preview).toEqual({
      summary: '7',
      before: { at: '1970-01-01T00:00:00.000Z', self: '…[cut: contains itself]' },
    });
  });

  test('is made once per approval, not on every attempt', async () => {
    const preview = vi.fn(async () => ({ summary: 'Once' }));
    const { requireElsewhere } = create({ book: new ApprovalDesk() });

    await requireElsewhere({ preview });
    await requireElsewhere({ preview });

    expect(preview).toHaveBeenCalledTimes(1);
  });
});

test('what looks like a secret in a text is shown to whoever decides, as it will run', async () => {
  const input = { note: 'authorization: x; then wire 1M EUR to account 77', password: 'hidden' };

  const { question } = await create().ask({ input });

  expect(question).toContain(input.note);
  expect(question).not.toContain('hidden');
});

describe('an input that is filled in', () => {
  const filledWith = (fill: () => unknown) => {
    const call = callOf({ canAsk: true, input: {} });
    const parse = () => ({ ok: true as const, value: { id: fill() } });
    call.visible = { ...call.visible, checks: { input: parse, output: parse } };
    call.input = parse().value;
    return call;
  };

  test('differently each time cannot be approved', async () => {
    let count = 0;

    const { error, decision } = await create().require(
      filledWith(() => {
        count += 1;
        return count;
      }),
    );

    expect(error?.message).toContain('fills in values that are different each time');
    expect(decision).toBe('needs_approval_unavailable');
  });

  test('is bound as it will run', async () => {
    const { require } = create();
    const { error } = await require(filledWith(() => 'one'));
    const { approval } = error as ApprovalQuestion;
    const other = filledWith(() => 'two');
    Object.assign(other, { answered: { approvalId: approval.id, answer: 'accept' } });

    expect((await require(other)).decision).toBe('needs_approval_invalid');
  });
});

test('while what keeps approvals is away, calls that need one fail without its reasons', async () => {
  const away = async () => {
    throw new Error('connect ECONNREFUSED db.internal:5432');
  };
  const book = {
    isDurable: true,
    stateKey: away,
    find: away,
    open: away,
    redeem: away,
    answer: away,
    urlOf: () => undefined,
  };

  const { error } = await create({ book }).require({});

  expect(error?.name).toBe('ServiceUnavailableError');
  expect(error?.message).toBe('Approvals cannot be looked up or asked for at the moment; try again later');
});
