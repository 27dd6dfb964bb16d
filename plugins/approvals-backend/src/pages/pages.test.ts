import { csrfToken } from '@callboard/pages';
import { hiddenField, type VisitedPage, Visitor } from '@callboard/test-utils';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApprovalsApp, approver, startApprovalsApp } from '../testing/startApprovalsApp.js';

const auth = { experimentalDynamicClientRegistration: { enabled: true }, providers: { guest: {} } };
const guest = 'user:development/guest';
const list = '/api/approvals/v1/pages';

let app: ApprovalsApp;
let visitor: Visitor;

const pageOf = (id: string) => `${list}/${id}`;
const stateOf = async (id: string) => (await app.call(`/api/approvals/v1/approvals/${id}`)).body.state;
const decide = async (id: string, form: Record<string, string> = {}, headers: Record<string, string> = {}) => {
  const csrf = hiddenField(await visitor.get(pageOf(id)), 'csrf');
  return visitor.post(`${pageOf(id)}/decision`, { csrf, decision: 'approve', ...form }, headers);
};

async function start(approvals: object = { approvers: ['user:**', 'external:approver'] }): Promise<void> {
  app = await startApprovalsApp({
    config: { auth, approvals: approvals as never },
    features: [import('@callboard/plugin-auth-backend')],
  });
  visitor = new Visitor(app.url);
}

afterEach(() => app.stop());

describe('who is not signed in', () => {
  beforeEach(() => start());

  test('is sent to sign in, and is back afterwards', async () => {
    const id = await app.ask();

    const sentAway = await visitor.get(pageOf(id));

    expect(sentAway.status).toBe(303);
    expect(sentAway.location).toBe(`${app.url}/api/auth/sign-in?return_to=${encodeURIComponent(pageOf(id))}`);
    expect(await visitor.signIn(pageOf(id))).toBe(pageOf(id));
    expect((await visitor.get(pageOf(id))).text).toContain(`Signed in as <b>${guest}</b>`);
  });

  test('sees nothing, gets no events and decides nothing', async () => {
    const id = await app.ask();

    expect((await visitor.get(pageOf(id))).text).not.toContain('A-17');
    expect((await visitor.get(`${pageOf(id)}/events`)).status).toBe(401);
    expect((await visitor.get(`${list}/events`)).status).toBe(401);
    const { location } = await visitor.post(`${pageOf(id)}/decision`, { decision: 'approve', csrf: '' });
    expect(location).toContain('/api/auth/sign-in?');
    expect(await stateOf(id)).toBe('pending');
  });

  test('with a session that has ended is asked to sign in again', async () => {
    await visitor.signIn(list);
    const connections = await visitor.get('/api/auth/connections');
    await visitor.post('/api/auth/sign-out', { csrf: hiddenField(connections, 'csrf') });

    expect((await visitor.get(list)).location).toContain('/api/auth/sign-in?');
  });
});

describe('a signed-in approver', () => {
  let id: string;

  beforeEach(async () => {
    await start();
    id = await app.ask();
    await visitor.signIn(list);
  });

  test('approves, and is on record with what they had to say', async () => {
    const answer = await decide(id, { comment: ' fine\r\nby me ' });

    expect([answer.status, answer.location]).toEqual([303, pageOf(id)]);
    expect((await app.call(`/api/approvals/v1/approvals/${id}`)).body).toMatchObject({
      state: 'approved',
      decidedBy: guest,
      channel: 'page',
      comment: 'fine by me',
    });
    expect(app.audited.at(-1)).toMatchObject({
      eventId: 'approval-decision',
      outcome: 'succeeded',
      meta: { approvalId: id, principal: guest, decision: 'approved', channel: 'page' },
    });
    expect(app.alerts.at(-1)).toMatchObject({ event: 'approval_approved' });
  });

  test('denies', async () => {
    await decide(id, { decision: 'deny' });

    expect(await stateOf(id)).toBe('denied');
    expect((await visitor.get(pageOf(id))).text).toContain(`Denied by ${guest}`);
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['without a token', { csrf: '' }, {}],
    ['with a wrong token', { csrf: 'A'.repeat(43) }, {}],
    ['from a page of another site', {}, { Origin: 'https://evil.example' }],
    ['from a place that hides itself', {}, { Origin: 'null' }],
    ['from another site, as the browser says', {}, { 'Sec-Fetch-Site': 'cross-site' }],
  ])('decides nothing %s', async (_name, form, headers) => {
    const answer = await decide(id, form, headers);

    expect(answer.status).toBe(403);
    expect(await stateOf(id)).toBe('pending');
  });

  test('decides nothing with the token of another page, of another browser, or by GET', async () => {
    const other = await app.ask({ text: 'Other' });
    const csrf = hiddenField(await visitor.get(pageOf(other)), 'csrf');
    const somebody = new Visitor(app.url);
    await somebody.signIn(list);

    const answers = [
      await decide(id, { csrf }),
      await decide(id, { csrf: hiddenField(await somebody.get(pageOf(id)), 'csrf') }),
      await visitor.get(`${pageOf(id)}/decision?decision=approve&csrf=${csrf}`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 404]);
    expect(await stateOf(id)).toBe('pending');
  });

  test('is told what is wrong with a form', async () => {
    expect((await decide(id, { decision: 'maybe' })).status).toBe(400);
    expect((await decide(id, { comment: 'x'.repeat(20_000) })).status).toBe(413);
    expect((await visitor.get(pageOf('A'.repeat(22)))).status).toBe(404);
    expect((await visitor.get(`${list}/%3Cscript%3E`)).text).not.toContain('<script>');
  });

  test('who comes second is told who was first', async () => {
    const csrf = hiddenField(await visitor.get(pageOf(id)), 'csrf');
    await app.call(`/api/approvals/v1/approvals/${id}/deny`, { token: approver, body: {} });

    const answer = await visitor.post(`${pageOf(id)}/decision`, { csrf, decision: 'approve' });

    expect(answer.status).toBe(409);
    expect(answer.text).toContain('was denied already, by external:approver');
    expect(answer.text).toContain(`href="${pageOf(id)}"`);
  });

  test('needs the permissions', async () => {
    app.withheld.add('approval.decide');
    expect((await visitor.get(pageOf(id))).status).toBe(404);
    expect((await visitor.get(list)).text).toContain('These are your own requests');
    app.withheld.add('approval.read');
    expect((await visitor.get(list)).status).toBe(403);
    expect((await visitor.get(`${list}/events`)).status).toBe(403);
  });

  test('gets pages that run one script of ours, are never kept and never framed', async () => {
    for (const path of [list, pageOf(id)]) {
      const { headers, text } = await visitor.get(path);

      const policy = headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain(`script-src ${app.url}${list}/live.js;`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(text.match(/<script[^>]*>/g)).toEqual([`<script src="${app.url}${list}/live.js" defer>`]);
      expect(text).not.toMatch(/ on\w+=| style=/);
    }
    const script = await visitor.get(`${list}/live.js`);
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect(script.text).toContain('EventSource');
  });

  test('under another name of this machine, or one that somebody pointed at it, gets nothing of use', async () => {
    const { request } = await import('node:http');
    const status = await new Promise(resolve => {
      request(`${app.url}${list}`, { headers: { host: 'evil.example' } }, response => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });

    expect(status).toBe(421);
  });

  test('is told of changes as they happen, of one approval and of all', async () => {
    const closing = new AbortController();
    const one = visitor.events(`${pageOf(id)}/events`, closing.signal);
    const all = visitor.events(`${list}/events`, closing.signal);
    const versions = [(await one.next()).value, (await all.next()).value];
    expect(versions[0]).toBe('pending');
    expect((await visitor.get(list)).text).toContain(`data-version="${versions[1]}"`);

    await app.call(`/api/approvals/v1/approvals/${id}/approve`, { body: {} });
    expect((await one.next()).value).toBe('approved');
    expect((await all.next()).value).not.toBe(versions[1]);
    await app.invoke('articles:update-article', { id: 'A-17', text: 'The box office opens at nine.' });
    expect((await one.next()).value).toBe('used');
    closing.abort();
  });
});

describe('a request of one’s own', () => {
  // The guest's own call, as their token would make it.
  const askAsGuest = async (): Promise<string> => {
    const { body } = await app.call('/api/in-process/ask', { body: {} });
    return body.id;
  };

  test.each([
    [false, 403, 'pending'],
    [true, 303, 'approved'],
  ])('is decided on the page where selfApproval is %s: %d', async (selfApproval, status, state) => {
    await start({ approvers: ['user:**', 'external:approver'], selfApproval });
    await visitor.signIn(list);
    const id = await askAsGuest();
    const page: VisitedPage = await visitor.get(pageOf(id));
    // As a page with a form would have it.
    const csrf = csrfToken({ secret: visitor.cookie('callboard-browser') }, `approval:${id}`);

    const answer = await visitor.post(`${pageOf(id)}/decision`, { csrf, decision: 'approve' });

    expect(answer.status).toBe(status);
    expect(answer.text.includes('somebody else has to decide')).toBe(!selfApproval);
    expect(page.text.includes('Somebody else has to decide')).toBe(!selfApproval);
    expect(await stateOf(id)).toBe(state);
  });
});

describe('people who are no approvers', () => {
  test('see their own requests only, and no form', async () => {
    await start({ approvers: ['external:approver'] });
    await visitor.signIn(list);
    const [others, own] = [await app.ask(), (await app.call('/api/in-process/ask', { body: {} })).body.id];

    const [othersPage, ownPage, listPage] = [
      await visitor.get(pageOf(others)),
      await visitor.get(pageOf(own)),
      await visitor.get(list),
    ];

    expect(othersPage.status).toBe(404);
    expect((await visitor.get(`${pageOf(others)}/events`)).status).toBe(404);
    expect(ownPage.text).toContain('You cannot decide about this');
    expect(ownPage.text).not.toContain('<form');
    expect(listPage.text).toContain(own);
    expect(listPage.text).not.toContain(others);
  });
});

test('where nobody can sign in, the page names the other ways to decide', async () => {
  app = await startApprovalsApp();
  visitor = new Visitor(app.url);
  const id = await app.ask();

  const page = await visitor.get(pageOf(id));

  expect(page.status).toBe(501);
  expect(page.text).toContain(`POST ${app.url}/api/approvals/v1/approvals/&lt;id&gt;/approve`);
  expect(page.text).toContain('approvals:get-pending-approvals');
});

test('hostile texts of every kind and a megabyte of arguments are shown harmlessly', async () => {
  await start();
  await visitor.signIn(list);
  const hostile = '"><script>fired()</script>\u202e\u200b`\'&';
  const id = await app.ask({ text: `${hostile}${'y'.repeat(1_000_000)}`, tags: [hostile, hostile] });
  const other = await app.ask({ text: '\u202e'.repeat(20_000) });

  for (const path of [pageOf(id), pageOf(other), list]) {
    const { status, text } = await visitor.get(path);

    expect(status).toBe(200);
    expect(text).not.toContain('<script>');
    expect(text).not.toMatch(/[\u202e\u200b]/);
    expect(text.length).toBeLessThan(5_000_000);
  }
  expect((await visitor.get(pageOf(id))).text).toContain('This is not all');
});
