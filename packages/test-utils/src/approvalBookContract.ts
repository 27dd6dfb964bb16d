import {
  type Approval,
  type ApprovalBook,
  type ApprovalRequest,
  type ClientAnswer,
  TooManyRequestsError,
} from '@callboard/actions-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** A book to be tested, and what stands around it. */
export interface OpenedApprovalBook {
  readonly book: ApprovalBook;
  /** Another replica's on the same records, where there can be one. */
  readonly replica?: ApprovalBook;
  /** How long an approval is good for. */
  readonly lifetimeMs: number;
  /** How many pending ones a principal may have. */
  readonly maxPendingPerPrincipal: number;
  advance(milliseconds: number): void;
  /** Decides elsewhere than in the caller's client, where that is possible. */
  decide?(id: string, state: 'approved' | 'denied'): Promise<unknown>;
  close?(): Promise<void>;
}

/** A request for approval; its binding stands for the principal, the action, the arguments and the environment. */
export function approvalRequest(changes: Partial<ApprovalRequest> = {}): ApprovalRequest {
  return {
    binding: 'a'.repeat(64),
    principal: 'user:default/ada',
    clientId: undefined,
    agentId: 'triage',
    door: 'mcp',
    server: undefined,
    actionId: 'todo:purge-done',
    title: 'Purge done items',
    description: 'Removes every item that is done',
    fingerprint: 'f'.repeat(64),
    effect: 'delete',
    mode: 'safe',
    rule: 'backend.actions.mode: safe',
    reason: undefined,
    environment: 'test',
    arguments: { list: 'groceries' },
    preview: undefined,
    ...changes,
  };
}

/** What every `ApprovalBook` must do. Defines the tests; `open` is called anew for each. */
export function describeApprovalBook(name: string, open: () => Promise<OpenedApprovalBook>): void {
  describe(name, () => approvalBookSuite(open));
}

function approvalBookSuite(open: () => Promise<OpenedApprovalBook>): void {
  const times = 100;
  const [binding, otherBinding] = ['a'.repeat(64), 'b'.repeat(64)];
  const request = approvalRequest({ binding });
  let opened: OpenedApprovalBook;
  let book: ApprovalBook;
  let replica: ApprovalBook;

  beforeEach(async () => {
    opened = await open();
    book = opened.book;
    replica = opened.replica ?? opened.book;
  });

  afterEach(() => opened.close?.());

  /** Calls both replicas by turns, all at once. */
  const atOnce = <T>(call: (of: ApprovalBook, n: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: times }, (_, n) => call(n % 2 === 0 ? book : replica, n)));
  const found = <T>(results: (T | undefined)[]): T[] => results.filter(result => result !== undefined) as T[];

  test('an opened approval is pending, is found by its binding and no other, and expires after its lifetime', async () => {
    const approval = await book.open(request);

    expect(approval).toMatchObject({ state: 'pending', request: JSON.parse(JSON.stringify(request)) });
    expect(approval.id.length).toBeGreaterThanOrEqual(22);
    expect(Date.parse(approval.expiresAt) - Date.parse(approval.requestedAt)).toBe(opened.lifetimeMs);
    expect(await replica.find(binding)).toMatchObject({ id: approval.id, state: 'pending' });
    expect(await book.find(otherBinding)).toBeUndefined();
  });

  test('the same call asked for again, and 100 times at once, gets the pending one', async () => {
    const results = await atOnce(of => of.open(request));
    const again = await book.open(request);

    expect(new Set([...results, again].map(({ id }) => id)).size).toBe(1);
  });

  test('calls of other bindings get approvals of their own', async () => {
    const [one, other] = [await book.open(request), await book.open(approvalRequest({ binding: otherBinding }))];

    expect(one.id).not.toBe(other.id);
  });

  test('a pending one is not used up', async () => {
    await book.open(request);

    expect(await book.redeem(binding)).toBeUndefined();
    expect(await book.find(binding)).toMatchObject({ state: 'pending' });
  });

  test('accepting in the client approves and uses up at once', async () => {
    const { id } = await book.open(request);

    const answered = await replica.answer(id, binding, 'accept');

    expect(answered).toMatchObject({ id, state: 'used', channel: 'client', decidedBy: request.principal });
    expect(answered?.decidedAt).toBeDefined();
    expect(await book.redeem(binding)).toBeUndefined();
    expect(await book.find(binding)).toBeUndefined();
  });

  test('of 100 answers at once one counts, and none afterwards', async () => {
    const { id } = await book.open(request);

    const results = found(await atOnce(of => of.answer(id, binding, 'accept')));

    expect(results.map(({ state }) => state)).toEqual(['used']);
    expect(await book.answer(id, binding, 'accept')).toBeUndefined();
  });

  test('of accepting and declining at once one counts', async () => {
    const { id } = await book.open(request);

    const results = found(await atOnce((of, n) => of.answer(id, binding, n % 3 === 0 ? 'decline' : 'accept')));

    expect(results).toHaveLength(1);
  });

  test.each<ClientAnswer>(['accept', 'decline', 'cancel'])('an answer to %s another call is refused', async answer => {
    const { id } = await book.open(request);
    await book.open(approvalRequest({ binding: otherBinding }));

    expect(await book.answer(id, otherBinding, answer)).toBeUndefined();
    expect(await book.answer('A'.repeat(22), binding, answer)).toBeUndefined();
    expect(await book.find(binding)).toMatchObject({ id, state: 'pending' });
  });

  test.each<ClientAnswer>(['decline', 'cancel'])(
    'after %s in the client the person can be asked anew',
    async answer => {
      const { id } = await book.open(request);

      expect(await book.answer(id, binding, answer)).toMatchObject({ id, state: 'denied', channel: 'client' });

      expect(await book.find(binding)).toBeUndefined();
      expect(await book.answer(id, binding, 'accept')).toBeUndefined();
      const next = await book.open(request);
      expect(next.id).not.toBe(id);
      expect(await book.answer(id, binding, 'accept')).toBeUndefined();
    },
  );

  test('what has expired cannot be answered, and makes room', async () => {
    const { id } = await book.open(request);
    opened.advance(opened.lifetimeMs);

    expect(await book.answer(id, binding, 'accept')).toBeUndefined();
    expect(await book.find(binding)).toBeUndefined();
    expect((await book.open(request)).id).not.toBe(id);
  });

  test('a principal has a limited number of pending ones, others have their own', async () => {
    const bindingOf = (n: number) => n.toString(16).padStart(64, '0');
    const results = await Promise.allSettled(
      Array.from({ length: opened.maxPendingPerPrincipal + 5 }, (_, n) =>
        (n % 2 === 0 ? book : replica).open(approvalRequest({ binding: bindingOf(n) })),
      ),
    );
    const refused = results.filter(result => result.status === 'rejected');

    expect(refused.map(({ reason }) => reason)).toEqual(Array(5).fill(expect.any(TooManyRequestsError)));
    expect(
      await book.open(approvalRequest({ binding: bindingOf(0xfff), principal: 'user:default/bob' })),
    ).toMatchObject({
      state: 'pending',
    });
    opened.advance(opened.lifetimeMs);
    expect(await book.open(approvalRequest({ binding: bindingOf(0xffe) }))).toMatchObject({ state: 'pending' });
  });

  test('the key that signs state is long, and the same every time and in all replicas', async () => {
    const keys = await Promise.all([book, replica, book].map(of => of.stateKey()));

    expect(keys[0]?.length).toBeGreaterThanOrEqual(32);
    expect(new Set(keys.map(key => Buffer.from(key).toString('hex'))).size).toBe(1);
  });

  describe('decided elsewhere than in the client', () => {
    const decideAnew = async (state: 'approved' | 'denied'): Promise<Approval | undefined> => {
      if (!opened.decide) {
        return undefined;
      }
      const approval = await book.open(request);
      await opened.decide(approval.id, state);
      return approval;
    };
    const testDecided = (title: string, state: 'approved' | 'denied', run: (approval: Approval) => Promise<void>) =>
      test(title, async context => {
        const approval = await decideAnew(state);
        return approval ? run(approval) : context.skip('nobody but the client decides in this book');
      });

    testDecided('an approved one is used once, and not again', 'approved', async ({ id }) => {
      expect(await book.find(binding)).toMatchObject({ id, state: 'approved' });
      expect(await book.redeem(otherBinding)).toBeUndefined();

      expect(await replica.redeem(binding)).toMatchObject({ id, state: 'used' });

      expect(await book.redeem(binding)).toBeUndefined();
      expect(await book.find(binding)).toBeUndefined();
      expect((await book.open(request)).id).not.toBe(id);
    });

    testDecided('of 100 attempts at once to use an approved one, one gets it', 'approved', async ({ id }) => {
      const results = found(await atOnce(of => of.redeem(binding)));

      expect(results.map(result => [result.id, result.state])).toEqual([[id, 'used']]);
    });

    testDecided(
      'an approved one is returned to whoever asks again, and no answer changes it',
      'approved',
      async ({ id }) => {
        expect(await replica.open(request)).toMatchObject({ id, state: 'approved' });
        expect(await book.answer(id, binding, 'accept')).toBeUndefined();
        expect(await book.answer(id, binding, 'decline')).toBeUndefined();
        expect(await book.find(binding)).toMatchObject({ id, state: 'approved' });
      },
    );

    testDecided('an approved one that has expired is not used', 'approved', async () => {
      opened.advance(opened.lifetimeMs);

      expect(await book.redeem(binding)).toBeUndefined();
      expect(await book.find(binding)).toBeUndefined();
    });

    testDecided('a denial stands for its call until it expires, and for no other', 'denied', async ({ id }) => {
      expect(await replica.find(binding)).toMatchObject({ id, state: 'denied' });
      expect(await replica.open(request)).toMatchObject({ id, state: 'denied' });
      expect(await book.redeem(binding)).toBeUndefined();
      expect(await book.answer(id, binding, 'accept')).toBeUndefined();
      expect(await book.open(approvalRequest({ binding: otherBinding }))).toMatchObject({ state: 'pending' });

      opened.advance(opened.lifetimeMs);

      expect(await book.find(binding)).toBeUndefined();
      expect(await book.open(request)).toMatchObject({ state: 'pending' });
    });
  });
}
