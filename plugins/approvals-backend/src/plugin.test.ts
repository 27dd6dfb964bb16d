import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApprovalsApp, approver, requester, startApprovalsApp, stranger } from './testing/startApprovalsApp.js';

const text = 'The box office opens at nine.';
const input = { id: 'A-17', text };

let app: ApprovalsApp;
let now: Date;

beforeEach(async () => {
  now = new Date();
  app = await startApprovalsApp({ surroundings: { now: () => now } });
});

afterEach(() => app.stop());

const again = () => app.invoke('articles:update-article', input);
const decide = (id: string, verb: 'approve' | 'deny', token = approver, body: unknown = {}) =>
  app.call(`/api/approvals/v1/approvals/${id}/${verb}`, { token, body });
const get = (id: string, token = approver) => app.call(`/api/approvals/v1/approvals/${id}`, { token });

describe('a call that has to be approved', () => {
  test('says where, runs once when it was approved, and asks anew after that', async () => {
    const first = await again();
    const { id, url } = first.body.error.approval;
    expect(first.status).toBe(403);
    expect(url).toBe(`${app.url}/api/approvals/v1/pages/${id}`);
    expect(await app.ask()).toBe(id);
    expect(app.ran).toEqual([]);

    const decided = await decide(id, 'approve', approver, { comment: ' Looks\n right ' });
    const [ran, next] = [await again(), await again()];

    expect(decided.body).toMatchObject({
      id,
      url,
      state: 'approved',
      decidedBy: 'external:approver',
      channel: 'rest',
      comment: 'Looks right',
    });
    expect(ran.status).toBe(200);
    expect(app.ran).toEqual([input]);
    expect(next.body.error.approval.id).not.toBe(id);
    expect((await get(id)).body.state).toBe('used');
  });

  test('of 20 calls at once after one approval, one runs', async () => {
    await decide(await app.ask(), 'approve');

    const answers = await Promise.all(Array.from({ length: 20 }, again));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(app.ran).toHaveLength(1);
  });

  test('an approval is no good for other arguments or for somebody else', async () => {
    await decide(await app.ask(), 'approve');

    const otherText = await app.invoke('articles:update-article', { ...input, text: `${text} ` });
    const otherCaller = await app.invoke('articles:update-article', input, stranger);

    expect([otherText.status, otherCaller.status]).toEqual([403, 403]);
    expect(app.ran).toEqual([]);
  });

  test('a denied one does not run and is not asked for again until it expires', async () => {
    const id = await app.ask();
    await decide(id, 'deny', approver, { comment: 'Not this week' });

    const denied = await again();
    expect(denied.status).toBe(403);
    expect(denied.body.error.message).toContain('Not this week');
    expect(denied.body.error.approval).toBeUndefined();

    now = new Date(now.getTime() + 3_600_000);
    expect(await app.ask()).not.toBe(id);
  });
});

describe('deciding', () => {
  test('is on record, and the people who run the server are told', async () => {
    const [approved, denied] = [await app.ask(), await app.ask({ text: 'Other' })];
    await decide(approved, 'approve');
    await decide(denied, 'deny');

    expect(app.alerts.map(({ event, details }) => [event, details.approvalId])).toEqual([
      ['approval_requested', approved],
      ['approval_requested', denied],
      ['approval_approved', approved],
      ['approval_denied', denied],
    ]);
    expect(app.alerts[2]).toMatchObject({
      message: 'A call of "articles:update-article" by external:requester was approved by external:approver',
      details: { url: `${app.url}/api/approvals/v1/pages/${approved}`, environment: 'staging', channel: 'rest' },
    });
    expect(app.audited.filter(({ eventId }) => eventId === 'approval-decision')).toEqual(
      [
        { approvalId: approved, decision: 'approved' },
        { approvalId: denied, decision: 'denied' },
      ].map(meta => ({
        eventId: 'approval-decision',
        outcome: 'succeeded',
        meta: expect.objectContaining({ ...meta, principal: 'external:approver', requestedBy: 'external:requester' }),
      })),
    );
  });

  test('a second decision is told what became of the first', async () => {
    const id = await app.ask();
    const { decidedAt } = (await decide(id, 'approve')).body;

    const second = await decide(id, 'deny');

    expect(second.status).toBe(409);
    expect(second.body.error.message).toBe(`Approval ${id} was approved already, by external:approver at ${decidedAt}`);
    await again();
    expect((await decide(id, 'deny')).body.error.message).toContain('is used: it was approved by external:approver');
  });

  test('of 50 decisions at once one counts', async () => {
    const id = await app.ask();

    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => decide(id, n % 2 ? 'approve' : 'deny')));

    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(49).fill(409)]);
  });

  test('too late is too late', async () => {
    const id = await app.ask();
    now = new Date(now.getTime() + 3_600_000);

    const late = await decide(id, 'approve');

    expect(late.status).toBe(409);
    expect(late.body.error.message).toContain('expired at');
    expect((await get(id)).body.state).toBe('expired');
  });

  test('nobody decides about their own request over REST or by an action, approver or not', async () => {
    const id = await app.ask({}, approver);

    const answers = [
      await decide(id, 'approve', approver),
      await decide(id, 'deny', approver),
      await app.invoke('approvals:deny', { approvalId: id }, approver),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(answers[0]?.body.error.message).toBe('You asked for this yourself, so somebody else has to decide');
    expect((await get(id)).body.state).toBe('pending');
    expect(app.audited.filter(({ eventId }) => eventId === 'approval-decision')[0]).toMatchObject({
      outcome: 'failed',
    });
  });

  test('services that are not listed do not decide, and see nothing of others', async () => {
    const id = await app.ask();

    expect((await decide(id, 'approve', stranger)).status).toBe(404);
    expect((await get(id, stranger)).status).toBe(404);
    expect((await app.call('/api/approvals/v1/approvals', { token: stranger })).body).toEqual({ approvals: [] });
    expect((await decide(id, 'approve', requester)).status).toBe(403);
    expect((await get(id, requester)).body).toMatchObject({ id, state: 'pending' });
  });

  test('needs the permissions', async () => {
    const id = await app.ask();

    app.withheld.add('approval.decide');
    expect((await decide(id, 'approve')).status).toBe(404);
    app.withheld.add('approval.read');
    expect((await get(id, requester)).body.error.message).toBe('Reading approvals needs the permission approval.read');
    expect((await decide(id, 'approve')).status).toBe(403);
  });
});

describe('REST', () => {
  test('lists by state, page by page', async () => {
    const ids = [];
    for (let n = 0; n < 5; n += 1) {
      now = new Date(now.getTime() + 1);
      ids.unshift(await app.ask({ text: `Text ${n}` }));
    }
    await decide(String(ids[0]), 'deny');
    const list = (query: string) => app.call(`/api/approvals/v1/approvals${query}`);

    const first = await list('?state=pending&limit=3');
    const second = await list(`?state=pending&limit=3&cursor=${first.body.nextCursor}`);

    const idsOf = ({ body }: { body: { approvals: { id: string }[] } }) => body.approvals.map(({ id }) => id);
    expect([idsOf(first), idsOf(second)]).toEqual([ids.slice(1, 4), ids.slice(4)]);
    expect(second.body.nextCursor).toBeUndefined();
    expect(idsOf(await list('?state=denied'))).toEqual([ids[0]]);
    expect(first.body.approvals[0]).toMatchObject({
      state: 'pending',
      url: `${app.url}/api/approvals/v1/pages/${ids[1]}`,
      request: { principal: 'external:requester', effect: 'replace', mode: 'safe', arguments: { text: 'Text 3' } },
    });
    expect(first.headers.get('cache-control')).toBe('no-store');
  });

  test.each([
    ['?state=open', 'state'],
    ['?limit=0', 'limit'],
    ['?limit=201', 'limit'],
    ['?cursor=x', 'cursor: expected a nextCursor of an earlier answer'],
    ['?colour=red', 'colour'],
  ])('says what is wrong with %s', async (query, message) => {
    const { status, body } = await app.call(`/api/approvals/v1/approvals${query}`);

    expect(status).toBe(400);
    expect(body.error.message).toContain(message);
  });

  test.each<[string, unknown, Record<string, string>, number, string]>([
    ['what is no JSON', '{', {}, 400, 'expected a JSON object'],
    ['a list', '[]', {}, 400, 'Invalid body'],
    ['another field', { coment: 'x' }, {}, 400, 'coment'],
    ['a number', { comment: 1 }, {}, 400, 'comment'],
    ['a comment that is too long', { comment: 'x'.repeat(1_001) }, {}, 400, 'comment'],
    ['a form', 'comment=x', { 'Content-Type': 'application/x-www-form-urlencoded' }, 400, 'application/json'],
    ['20 kB', { comment: 'x'.repeat(20_000) }, {}, 413, ''],
  ])('refuses a body that is %s', async (_name, body, headers, status, message) => {
    const id = await app.ask();

    const answer = await app.call(`/api/approvals/v1/approvals/${id}/approve`, { body, headers });

    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(message);
    expect((await get(id)).body.state).toBe('pending');
  });

  test('needs credentials, knows no others’ ids, and decides nothing by GET', async () => {
    const id = await app.ask();

    expect((await get(id, 'wrong')).status).toBe(401);
    expect((await get('A'.repeat(22))).status).toBe(404);
    expect((await get('%00')).status).toBe(404);
    expect((await app.call(`/api/approvals/v1/approvals/${id}/approve`)).status).toBe(404);
    expect((await get(id)).body.state).toBe('pending');
  });
});

describe('actions', () => {
  test('an operator lists what waits and denies it', async () => {
    const id = await app.ask();

    const listed = await app.invoke('approvals:get-pending-approvals', {}, approver);

    expect(listed.body.output.approvals).toMatchObject([{ id, state: 'pending', request: { effect: 'replace' } }]);
    expect((await app.invoke('approvals:get-pending-approvals', {}, stranger)).body.output.approvals).toEqual([]);
  });

  test('approving by an action needs approval itself in the mode safe, which nobody can wait for', async () => {
    const id = await app.ask();

    const { status, body } = await app.invoke('approvals:approve', { approvalId: id }, approver);

    expect(status).toBe(403);
    expect(body.error.approval).toBeUndefined();
    expect((await get(id)).body.state).toBe('pending');
  });
});

test('a pending approval and a decision survive a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'approvals-'));
  const database = { client: 'better-sqlite3', connection: { directory } };
  try {
    const before = await startApprovalsApp({ database });
    const [pending, approved] = [await before.ask({ text: 'Other' }), await before.ask()];
    await before.call(`/api/approvals/v1/approvals/${approved}/approve`, { body: {} });
    await before.stop();

    const after = await startApprovalsApp({ database });
    const [ran, again] = [await after.invoke('articles:update-article', input), await after.ask({ text: 'Other' })];
    await after.stop();

    expect(ran.status).toBe(200);
    expect(again).toBe(pending);
  } finally {
    await rm(directory, { recursive: true });
  }
});
