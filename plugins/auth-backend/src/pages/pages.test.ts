import { csrfToken } from '@callboard/pages';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PagesServer, password, request, startPagesServer } from './testing/startPagesServer.js';
import { hiddenField, type Page, WebUser } from './testing/WebUser.js';

describe('pages', () => {
  let server: PagesServer;
  let ada: WebUser;

  beforeEach(async () => {
    server = await startPagesServer();
    ada = new WebUser({ origin: server.origin });
  });

  afterEach(() => server.close());

  /** Begins a request, and signs in if `user` has not yet. */
  async function reachConsent(user = ada): Promise<Page & { path: string; csrf: string }> {
    let page = await user.visit('/start');
    if (page.text.includes('name="password"')) {
      await user.post(`${page.path}/sign-in`, {
        csrf: hiddenField(page, 'csrf'),
        method: 'password',
        name: 'ada',
        password,
      });
      page = await user.visit(page.path);
    }
    expect(page.text).toContain('Approve');
    return { ...page, csrf: hiddenField(page, 'csrf') };
  }

  async function reachConnections(): Promise<Page & { csrf: string }> {
    const { csrf } = { csrf: hiddenField(await ada.get('/api/auth/connections'), 'csrf') };
    await ada.post('/api/auth/sign-in', { csrf, method: 'password', name: 'ada', password });
    const page = await ada.get('/api/auth/connections');
    return { ...page, csrf: hiddenField(page, 'csrf') };
  }

  describe('every page', () => {
    test('has a policy that lets in nothing but its own style, and is neither framed nor kept', async () => {
      const consent = await reachConsent();
      const paths = ['/api/auth/connections', '/api/auth/signed-out', '/api/auth/interaction/unknown'];
      const pages = [consent, ...(await Promise.all(paths.map(path => ada.get(path))))];

      for (const { headers } of pages) {
        expect(headers['content-security-policy']).toMatch(
          /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; frame-ancestors 'none'; base-uri 'none'$/,
        );
        expect(headers).toMatchObject({
          'x-frame-options': 'DENY',
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'same-origin',
          'cache-control': 'no-store',
          'content-type': 'text/html; charset=utf-8',
        });
      }
    });

    test('on a server for this machine answers 421 under any other name', async () => {
      for (const host of [
        'evil.example',
        `localhost.evil.example:${server.port}`,
        '127.0.0.1.nip.io',
        'a@b',
        'x@localhost',
        'localhost:7007/x',
        ' ',
      ]) {
        expect((await ada.get('/api/auth/connections', { host })).status).toBe(421);
        expect((await ada.post('/api/auth/sign-in', {}, { host })).status).toBe(421);
      }
      for (const host of [`127.0.0.1:${server.port}`, `[::1]:${server.port}`, 'LOCALHOST']) {
        expect((await ada.get('/api/auth/signed-out', { host })).status).toBe(200);
      }
    });

    test('says with a reference and without details that it failed', async () => {
      await server.db.schema.dropTable('browser_sessions');
      ada.setCookie('callboard-browser', 'x'.repeat(43));

      const page = await ada.get('/api/auth/connections');

      expect(page.status).toBe(500);
      expect(page.text).not.toContain('browser_sessions');
      const [requestId = 'none'] = /[0-9a-f-]{36}/.exec(page.text) ?? [];
      expect(server.logs.map(({ message }) => message).join('\n')).toContain(requestId);
    });
  });

  describe('forms', () => {
    const strangers: [string, Record<string, string | undefined>][] = [
      ['another site', { origin: 'https://evil.example' }],
      ['a sandboxed frame', { origin: 'null' }],
      ['nowhere', { origin: undefined }],
      ['a look-alike', { origin: 'http://localhost.evil.example' }],
      ['another port', { origin: 'http://localhost:1' }],
      ['a sibling site by its own account', { 'sec-fetch-site': 'same-site' }],
      ['another site by its own account', { 'sec-fetch-site': 'cross-site' }],
      ['the address bar', { 'sec-fetch-site': 'none' }],
    ];

    test.each(strangers)('are refused from %s', async (_name, headers) => {
      const { path, csrf } = await reachConsent();

      const page = await ada.post(`${path}/consent`, { csrf, decision: 'approve', scope: 'actions:read' }, headers);

      expect(page.status).toBe(403);
      expect(server.interactions.answers()).toEqual([]);
    });

    test('are refused without the token, or with that of another page, request or browser', async () => {
      const { path } = await reachConsent();
      const connections = await reachConnections();
      const other = await reachConsent();
      const stranger = new WebUser({ origin: server.origin });
      const foreign = await reachConsent(stranger);

      for (const csrf of ['', 'x', connections.csrf, other.csrf, foreign.csrf]) {
        const target = csrf === other.csrf ? path : other.path;
        const page = await ada.post(`${target}/consent`, { csrf, decision: 'approve', scope: 'actions:read' });
        expect([403, 404]).toContain(page.status);
      }
      expect(server.interactions.answers()).toEqual([]);
    });

    test('of another type or size are refused', async () => {
      const { path, csrf } = await reachConsent();
      const form = { csrf, decision: 'approve', scope: 'actions:read' };

      const plain = await ada.post(`${path}/consent`, form, { 'content-type': 'text/plain' });
      const large = await ada.post(`${path}/consent`, { ...form, filler: 'x'.repeat(20_000) });
      const many = await ada.post(`${path}/consent`, { ...form, filler: Array(50).fill('x') });

      expect([plain.status, large.status, many.status]).toEqual([403, 413, 413]);
    });
  });

  describe('signing in', () => {
    test('gives the browser a new cookie that scripts and other sites do not get', async () => {
      const page = await ada.visit('/start');
      const before = ada.cookie('callboard-browser');

      await ada.post(`${page.path}/sign-in`, { csrf: hiddenField(page, 'csrf'), method: 'guest' });

      expect(ada.cookie('callboard-browser')).not.toBe(before);
      expect(ada.cookieAttributes.get('callboard-browser')).toMatch(/Max-Age=43200; Path=\/; .*HttpOnly; SameSite=Lax/);
    });

    test('with a cookie that somebody else chose is not signing in for them', async () => {
      const chosen = 'A'.repeat(43);
      ada.setCookie('callboard-browser', chosen);
      await reachConsent();
      const attacker = new WebUser({ origin: server.origin });
      attacker.setCookie('callboard-browser', chosen);

      expect((await attacker.get('/api/auth/connections')).text).toContain('name="password"');
    });

    test('lasts 12 hours', async () => {
      await reachConnections();
      server.advanceSeconds(12 * 60 * 60 - 1);
      const before = await ada.get('/api/auth/connections');
      server.advanceSeconds(2);
      const after = await ada.get('/api/auth/connections');

      expect(before.text).toContain('Connected applications');
      expect(after.text).toContain('name="password"');
    });

    test('with a wrong password says so, keeps the name, and is in the audit', async () => {
      const page = await ada.visit('/start');
      const form = { csrf: hiddenField(page, 'csrf'), method: 'password', name: 'ada', password: 'wrong-canary' };

      const answer = await ada.post(`${page.path}/sign-in`, form);

      expect(answer.status).toBe(403);
      expect(answer.text).toContain('Wrong user name or password');
      expect(answer.text).toContain('value="ada"');
      expect(answer.text).not.toContain('wrong-canary');
      expect(server.audit).toMatchObject([{ eventId: 'sign-in', outcome: 'failed', meta: { name: 'ada' } }]);
      expect(JSON.stringify([server.audit, server.logs])).not.toContain('wrong-canary');
    });

    test('too often has to wait, and says how long', async () => {
      const page = await ada.visit('/start');
      const form = { csrf: hiddenField(page, 'csrf'), method: 'password', name: 'ada', password: 'wrong' };
      const answers = await Promise.all(Array.from({ length: 7 }, () => ada.post(`${page.path}/sign-in`, form)));

      const blocked = answers.filter(({ status }) => status === 429);

      expect(blocked).toHaveLength(2);
      expect(blocked[0]?.headers['retry-after']).toBe('1');
      expect(blocked[0]?.text).toContain('Too many attempts');
    });

    test('as a guest is refused when it is not configured', async () => {
      const closed = await startPagesServer({ signIn: 'password' });
      const user = new WebUser({ origin: closed.origin });
      const page = await user.visit('/start');

      const answer = await user.post(`${page.path}/sign-in`, { csrf: hiddenField(page, 'csrf'), method: 'guest' });

      expect(page.text).not.toContain('guest');
      expect(answer.status).toBe(403);
      await closed.close();
    });

    test('without any way configured says which keys there are', async () => {
      const closed = await startPagesServer({ signIn: 'none' });
      const user = new WebUser({ origin: closed.origin });

      expect((await user.visit('/start')).text).toContain('auth.localUsers');
      await closed.close();
    });

    test('out ends the session for good, also for a copy of the cookie', async () => {
      const { csrf } = await reachConnections();
      const copy = ada.cookie('callboard-browser') ?? '';

      await ada.post('/api/auth/sign-out', { csrf });
      ada.setCookie('callboard-browser', copy);

      expect((await ada.get('/api/auth/connections')).text).toContain('name="password"');
      expect(server.audit.at(-1)).toMatchObject({ eventId: 'sign-out', meta: { userEntityRef: 'user:default/ada' } });
    });

    test('leaves nothing in the database that signs anybody in', async () => {
      await reachConsent();
      const rows = JSON.stringify(await server.db('browser_sessions').select());

      expect(rows).toContain('user:default/ada');
      expect(rows).not.toContain(ada.cookie('callboard-browser'));
    });
  });

  describe('consent', () => {
    test('is asked of somebody who is signed in already, and not skipped', async () => {
      await reachConsent();

      const again = await ada.visit('/start');

      expect(again.status).toBe(200);
      expect(again.text).toContain('Approve');
      expect(server.interactions.answers()).toEqual([]);
    });

    test('shows where access goes, to what, for whom, and that the name is a claim', async () => {
      server.ask({
        client: {
          name: 'Cursor',
          metadataHost: 'cursor.com',
          redirectUri: 'http://127.0.0.1:33418/cb',
          uri: 'https://bank.example',
        },
        resource: { url: 'https://callboard.example/api/mcp-actions/v1/reading', name: 'Reading' },
      });

      const { text } = await reachConsent();

      for (const shown of [
        '“Cursor”',
        'Nobody has checked',
        '127.0.0.1:33418',
        'cursor.com',
        'bank.example',
        'not checked',
        'https://callboard.example/api/mcp-actions/v1/reading',
        'user:default/ada',
        'program on your computer',
      ]) {
        expect(text).toContain(shown);
      }
    });

    test.each([
      ['what the boxes say', ['actions:read', 'actions:write'], ['actions:read', 'actions:write']],
      ['less', ['actions:read'], ['actions:read']],
      ['only what holds together', ['actions:read', 'actions:destructive'], ['actions:read']],
    ])('grants %s', async (_name, ticked, granted) => {
      const { path, csrf } = await reachConsent();

      const answer = await ada.post(`${path}/consent`, { csrf, decision: 'approve', scope: ticked });

      expect(answer.status).toBe(303);
      expect(answer.headers.location).toBe('https://sketchpad.example/callback?code=abc&state=xyz');
      expect(server.interactions.answers()).toEqual([{ decision: 'approve', scopes: granted }]);
      expect(server.audit.at(-1)).toMatchObject({
        eventId: 'consent',
        outcome: 'succeeded',
        meta: { decision: 'approve', scopes: granted },
      });
    });

    test('grants nothing beyond what was asked for', async () => {
      server.ask({ requestedScopes: ['actions:read'], preselectedScopes: ['actions:read'] });
      const { path, csrf, text } = await reachConsent();

      await ada.post(`${path}/consent`, {
        csrf,
        decision: 'approve',
        scope: ['actions:read', 'actions:write', 'actions:destructive'],
      });

      expect(text).not.toContain('actions:write');
      expect(server.interactions.answers()).toEqual([{ decision: 'approve', scopes: ['actions:read'] }]);
    });

    test('to nothing is asked again', async () => {
      const { path, csrf } = await reachConsent();

      const answer = await ada.post(`${path}/consent`, { csrf, decision: 'approve' });

      expect(answer.status).toBe(400);
      expect(answer.text).toContain('Nothing would be allowed');
      expect(answer.text).not.toContain('" checked');
    });

    test.each(['deny', '', 'APPROVE', 'approve '])('is refused by the decision %j', async decision => {
      const { path, csrf } = await reachConsent();

      const answer = await ada.post(`${path}/consent`, { csrf, decision, scope: 'actions:read' });

      expect(answer.headers.location).toContain('error=access_denied');
      expect(server.interactions.answers()).toEqual([{ decision: 'deny', scopes: [] }]);
    });

    test('cannot be given before signing in, after signing out, or twice', async () => {
      const { path, csrf } = await reachConsent();
      const approve = { csrf, decision: 'approve', scope: 'actions:read' };
      const signedIn = ada.cookie('callboard-browser') ?? '';

      ada.setCookie('callboard-browser', 'B'.repeat(43));
      const signedOut = await ada.post(`${path}/consent`, approve);
      ada.setCookie('callboard-browser', signedIn);
      const first = await ada.post(`${path}/consent`, approve);
      const second = await ada.post(`${path}/consent`, approve);

      expect([signedOut.status, first.status, second.status]).toEqual([403, 303, 404]);
      expect(server.interactions.answers()).toHaveLength(1);
    });

    test('is not given by somebody else than the one who was asked', async () => {
      const { path } = await reachConsent();
      const connections = await ada.get('/api/auth/connections');
      await ada.post('/api/auth/sign-out', { csrf: hiddenField(connections, 'csrf') });
      const signIn = await ada.get('/api/auth/connections');
      const grace = { method: 'password', name: 'grace', password };
      await ada.post('/api/auth/sign-in', { csrf: hiddenField(signIn, 'csrf'), ...grace });
      const secret = ada.cookie('callboard-browser') ?? '';
      const csrf = csrfToken({ secret }, `interaction:${path.split('/').at(-1)}`);

      const answer = await ada.post(`${path}/consent`, { csrf, decision: 'approve', scope: 'actions:read' });

      expect(answer.status).toBe(409);
      expect(server.interactions.answers()).toEqual([]);
    });

    test('cannot be reached in another browser than the one that began', async () => {
      const { path } = await reachConsent();
      const stranger = new WebUser({ origin: server.origin });

      const page = await stranger.get(path);

      expect(page.status).toBe(404);
      expect(page.text).not.toContain('Approve');
    });

    test('is asked of another person after "Not you?"', async () => {
      const { path, csrf } = await reachConsent();

      await ada.post(`${path}/switch-user`, { csrf });
      const signIn = await ada.get(path);
      await ada.post(`${path}/sign-in`, {
        csrf: hiddenField(signIn, 'csrf'),
        method: 'password',
        name: 'grace',
        password,
      });
      const consent = await ada.get(path);

      expect(signIn.text).toContain('name="password"');
      expect(consent.text).toContain('user:default/grace');
      expect(consent.text).not.toContain('user:default/ada');
    });

    test('for an application with links of its own answers a page that opens it', async () => {
      server.ask({ client: { name: 'Cursor', redirectUri: 'cursor://anysphere.cursor-retrieval/oauth/callback' } });
      const { path, csrf } = await reachConsent();

      const answer = await ada.post(`${path}/consent`, { csrf, decision: 'approve', scope: 'actions:read' });

      const location = 'cursor://anysphere.cursor-retrieval/oauth/callback?code=abc&amp;state=xyz';
      expect(answer.status).toBe(200);
      expect(answer.text).toContain(`<meta http-equiv="refresh" content="0;url=${location}">`);
      expect(answer.text).toContain(`href="${location}"`);
    });

    test('for a device says so instead of naming an address', async () => {
      server.ask({ client: { redirectUri: '' } });

      expect((await reachConsent()).text).toContain('Another device');
    });

    test('is not shown for an address that no browser may be sent to', async () => {
      server.ask({ client: { redirectUri: 'javascript:alert(1)' } });
      const page = await ada.visit('/start');

      await ada.post(`${page.path}/sign-in`, { csrf: hiddenField(page, 'csrf'), method: 'guest' });
      const consent = await ada.get(page.path);

      expect(consent.status).toBe(400);
      expect(consent.text).not.toContain('javascript:');
    });
  });

  describe('connected applications', () => {
    const grant = {
      id: 'grant-1',
      clientId: 'client-1',
      clientName: 'Cursor <b>',
      redirectHosts: ['cursor://anysphere'],
      resource: 'http://localhost:7007/api/mcp-actions/v1',
      scopes: ['actions:read'],
      createdAt: '2026-12-20T09:15:00.000Z',
    };

    test('are listed with what they may do, and removed', async () => {
      server.grants.push({ ...grant });
      const { text, csrf } = await reachConnections();

      const answer = await ada.post('/api/auth/connections/grant-1/revoke', { csrf });
      const after = await ada.visit(String(answer.headers.location));

      expect(text).toContain('Cursor &lt;b&gt;');
      expect(text).toContain('Look things up');
      expect(text).toContain('20 December 2026');
      expect(after.text).toContain('Access was removed');
      expect(server.grants).toEqual([]);
      expect(server.audit.at(-1)).toMatchObject({
        eventId: 'grant-revoke',
        outcome: 'succeeded',
        meta: { grantId: 'grant-1' },
      });
    });

    test('of others are neither seen nor removed', async () => {
      server.grants.push({ ...grant });
      const page = await ada.get('/api/auth/connections');
      await ada.post('/api/auth/sign-in', {
        csrf: hiddenField(page, 'csrf'),
        method: 'password',
        name: 'grace',
        password,
      });
      const own = await ada.get('/api/auth/connections');

      const answer = await ada.post('/api/auth/connections/grant-1/revoke', { csrf: hiddenField(own, 'csrf') });

      expect(own.text).not.toContain('Cursor');
      expect(answer.status).toBe(404);
      expect(server.grants).toHaveLength(1);
    });

    test('are not removed by somebody who is not signed in', async () => {
      server.grants.push({ ...grant });
      const csrf = hiddenField(await ada.get('/api/auth/connections'), 'csrf');

      await ada.post('/api/auth/connections/grant-1/revoke', { csrf });

      expect(server.grants).toHaveLength(1);
    });
  });

  describe('a device', () => {
    const userCode = 'BCDF-GHJK';

    beforeEach(() => {
      server.devices.set(userCode, {
        ...request,
        client: { ...request.client, name: 'Nightly <report>', redirectUri: '' },
        userCode,
        device: { userAgent: 'curl/8 <b>', address: '192.0.2.7' },
      });
    });

    /** Signs in on the page of the device flow, and comes back to the form for the code. */
    async function reachCodeForm(path = '/api/auth/device'): Promise<Page & { csrf: string }> {
      const first = await ada.get(path);
      const user_code = hiddenField(first, 'user_code');
      const form = { csrf: hiddenField(first, 'csrf'), user_code, method: 'password', name: 'ada', password };
      const answer = await ada.post('/api/auth/device/sign-in', form);
      const page = await ada.get(String(answer.headers.location));
      return { ...page, csrf: hiddenField(page, 'csrf') };
    }

    test('is connected after signing in, entering its code, and approving', async () => {
      const { csrf } = await reachCodeForm();

      const consent = await ada.post('/api/auth/device', { csrf, user_code: 'bcdf-ghjk' });
      const user_code = hiddenField(consent, 'user_code');
      const done = await ada.post('/api/auth/device/consent', {
        csrf: hiddenField(consent, 'csrf'),
        user_code,
        decision: 'approve',
        scope: 'actions:read',
      });

      for (const shown of [
        userCode,
        'Nightly &lt;report&gt;',
        'curl/8 &lt;b&gt;',
        '192.0.2.7',
        'Another device',
        'user:default/ada',
      ]) {
        expect(consent.text).toContain(shown);
      }
      expect(done.text).toContain('Device connected');
      expect(server.deviceAnswers).toEqual([{ userEntityRef: 'user:default/ada', scopes: ['actions:read'] }]);
      expect(server.audit.at(-1)).toMatchObject({
        eventId: 'consent',
        meta: { decision: 'approve', scopes: ['actions:read'] },
      });
    });

    test('keeps the code of its link while the person signs in', async () => {
      const page = await reachCodeForm(`/api/auth/device?user_code=${userCode}`);

      expect(page.text).toContain(`value="${userCode}"`);
    });

    test('is refused when the person denies', async () => {
      const { csrf } = await reachCodeForm();

      const done = await ada.post('/api/auth/device/consent', { csrf, user_code: userCode, decision: 'deny' });

      expect(done.text).toContain('got no access');
      expect(server.deviceAnswers).toEqual(['denied']);
    });

    test('gets nothing without a decision, a ticked box, a token, or somebody signed in', async () => {
      const approve = { user_code: userCode, decision: 'approve', scope: 'actions:read' };
      const before = await ada.get('/api/auth/device');
      const signedOut = await ada.post('/api/auth/device/consent', { ...approve, csrf: hiddenField(before, 'csrf') });
      const { csrf } = await reachCodeForm();
      const withoutToken = await ada.post('/api/auth/device/consent', approve);
      const withoutScope = await ada.post('/api/auth/device/consent', { ...approve, csrf, scope: [] });
      const crossSite = await ada.post(
        '/api/auth/device/consent',
        { ...approve, csrf },
        { origin: 'https://evil.example' },
      );

      expect([signedOut.status, withoutToken.status, withoutScope.status, crossSite.status]).toEqual([
        303, 403, 400, 403,
      ]);
      expect(server.deviceAnswers).toEqual([]);
    });

    test('is not found by guessing: after ten wrong codes the right one has to wait', async () => {
      const { csrf } = await reachCodeForm();
      const wrong = await ada.post('/api/auth/device', { csrf, user_code: 'ZZZZ-ZZZZ' });
      for (let guess = 1; guess < 10; guess++) {
        await ada.post('/api/auth/device', { csrf, user_code: `ZZZZ-ZZZ${guess}` });
      }

      const early = await ada.post('/api/auth/device', { csrf, user_code: userCode });
      server.advanceSeconds(1);
      const later = await ada.post('/api/auth/device', { csrf, user_code: userCode });

      expect(wrong.status).toBe(404);
      expect(wrong.text).toContain('No device waits for this code');
      expect(early.status).toBe(429);
      expect(later.text).toContain('Approve');
    });

    test('is asked about as another person after "Not you?"', async () => {
      const { csrf } = await reachCodeForm();

      const answer = await ada.post('/api/auth/device/switch-user', { csrf, user_code: userCode });
      const page = await ada.get(String(answer.headers.location));

      expect(page.text).toContain('name="password"');
      expect(hiddenField(page, 'user_code')).toBe(userCode);
    });
  });

  test('500 requests for consent leave no more cookies than they need', async () => {
    await reachConsent();
    for (let index = 0; index < 500; index++) {
      await ada.get('/start');
    }

    const page = await ada.visit('/start');

    expect(page.status).toBe(200);
    expect(page.text).toContain('Approve');
  });

  test('behind a prefix all paths begin with it', async () => {
    const behind = await startPagesServer({ prefix: '/portal' });
    const user = new WebUser({ origin: behind.origin });

    const page = await user.visit('/start');

    expect(page.text).toContain('action="/portal/api/auth/interaction/');
    expect(user.cookieAttributes.get('callboard-browser')).toContain('Path=/;');
    await behind.close();
  });
});
