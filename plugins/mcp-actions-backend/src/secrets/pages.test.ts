import { request } from 'node:http';
import { csrfToken } from '@callboard/pages';
import { connectClient, hiddenField, Visitor } from '@callboard/test-utils';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bob, CI_TOKEN, guest, startVault, type VaultApp } from '../testing/startVault.js';

const secret = 'k-0123456789-hush';
const pages = '/api/mcp-actions/secrets';

let app: VaultApp;
/** Whose client makes the calls. */
let owner: Visitor;
let stranger: Visitor;
let client: Awaited<ReturnType<typeof connectClient>>;
let count = 0;
/** The path of a page that waits for secrets, and the arguments of its call. */
let path: string;
let name: string;

const call = async (input: string) => {
  const result = (await client.callTool('vault.store', { name: input })) as {
    _meta?: { 'callboard/secrets'?: { url: string } };
    isError?: boolean;
  };
  return { isError: result.isError ?? false, url: result._meta?.['callboard/secrets']?.url };
};
const csrfOf = async (who: Visitor, at = path) => hiddenField(await who.get(at), 'csrf');
const enter = async (form: Record<string, string> = {}, headers: Record<string, string> = {}, who = owner) =>
  who.post(path, { csrf: await csrfOf(who), field0: secret, ...form }, headers);
const entries = () => app.auditEvents('secrets-entry').filter(({ status }) => status !== 'initiated');

beforeAll(async () => {
  app = await startVault();
  owner = new Visitor(app.url);
  stranger = new Visitor(app.url);
  await owner.signIn(`${pages}/x`);
  await stranger.signIn(`${pages}/x`, bob);
  client = await connectClient({
    url: `${app.url}/api/mcp-actions/v1`,
    token: await app.tokenOf(owner),
    kind: 'v2-modern',
  });
});
afterAll(async () => {
  await client?.close();
  await app?.stop();
});
beforeEach(async () => {
  count += 1;
  name = `object-${count}`;
  path = new URL((await call(name)).url as string).pathname;
});

describe('who is not signed in', () => {
  test('is sent to sign in, whatever the address, and is back afterwards', async () => {
    const nobody = new Visitor(app.url);
    const unknown = `${pages}/${'A'.repeat(32)}`;

    const [known, guessed, posted] = [
      await nobody.get(path),
      await nobody.get(unknown),
      await nobody.post(path, { csrf: '', field0: secret }),
    ];

    expect([known.status, guessed.status, posted.status]).toEqual([303, 303, 303]);
    expect(known.location).toBe(`${app.url}/api/auth/sign-in?return_to=${encodeURIComponent(path)}`);
    expect(guessed.location).toBe(`${app.url}/api/auth/sign-in?return_to=${encodeURIComponent(unknown)}`);
    expect(await nobody.signIn(path)).toBe(path);
    expect((await call(name)).isError).toBe(true);
  });
});

describe('the person on whose behalf the call is made', () => {
  test('sees who asks, what it does, with what, and which secrets it takes', async () => {
    const { status, text } = await owner.get(path);

    expect(status).toBe(200);
    expect(text).toContain('Enter secrets for “<bdi>Store an object</bdi>”');
    expect(text).toContain('<code>vault:store</code> of the plugin <code>vault</code>');
    expect(text).toContain(`<b>${guest}</b>`);
    expect(text).toContain('“test-v2-modern”</bdi></b>. Nobody has checked that.');
    expect(text).toContain('creates something new');
    expect(text).toContain(`&quot;${name}&quot;`);
    expect(text).toContain('Of the account that pays.');
    expect(text).toContain(`Signed in as <b>${guest}</b>`);
    expect(text.match(/<(input type="password"|select|textarea)/g)).toEqual([
      '<input type="password"',
      '<select',
      '<input type="password"',
      '<select',
      '<textarea',
      '<textarea',
    ]);
    expect(text.match(/ required[ >]/g)).toHaveLength(1);
    expect(text).not.toMatch(/<input type="password"[^>]* value=/);
  });

  test('enters them, is told so, and the call runs once', async () => {
    const answer = await enter({ field1: '1', field2: '3', field3: '0', field4: 'a\r\nb', field5: '{"x":"y"}' });
    const told = await owner.get(answer.location);
    const [page, done] = [await owner.get(path), await call(name)];

    expect([answer.status, answer.location]).toEqual([303, `${pages}/entered`]);
    expect(told.text).toContain('You can close this page');
    expect(page.text).toContain('You can close this page');
    expect(done.isError).toBe(false);
    expect(app.ran.at(-1)?.secrets).toEqual({
      key: secret,
      region: 'south',
      retries: 3,
      isTest: true,
      certificate: 'a\nb',
      more: { x: 'y' },
    });
    expect(entries().at(-1)).toMatchObject({
      status: 'succeeded',
      meta: { principal: guest, actionId: 'vault:store', requestedBy: guest, secretsId: path.split('/').at(-1) },
    });
    expect((await call(name)).isError).toBe(true);
  });

  test('is told what is wrong with which field, without what was entered', async () => {
    const answer = await enter({ field0: 'short', field1: '9', field2: '7', field5: '{"inner-name":1}' });
    const again = await enter({ field0: 'short', field2: '7' });

    expect([answer.status, again.status]).toEqual([400, 400]);
    expect(answer.text).toContain('Expected one of the choices.');
    expect(again.text).toMatch(/id="field0-problem">[^<]*8 characters/);
    expect(again.text).toMatch(/id="field2-problem">[^<]+</);
    expect(again.text).toContain('aria-invalid="true" aria-describedby="field0-about field0-problem"');
    for (const { text } of [answer, again]) {
      expect(text).not.toContain('short');
      expect(text).not.toContain('inner-name');
    }
    expect(entries().at(-1)).toMatchObject({ status: 'failed' });
    expect((await call(name)).isError).toBe(true);
    expect((await enter()).status).toBe(303);
  });

  test('leaves a needed field empty in vain', async () => {
    expect((await enter({ field0: '' })).text).toContain('This is required.');
  });

  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['without a token', { csrf: '' }, {}],
    ['with a wrong token', { csrf: 'A'.repeat(43) }, {}],
    ['from a page of another site', {}, { Origin: 'https://evil.example' }],
    ['from a place that hides itself', {}, { Origin: 'null' }],
    ['from another site, as the browser says', {}, { 'Sec-Fetch-Site': 'cross-site' }],
  ])('enters nothing %s', async (_, form, headers) => {
    expect((await enter(form, headers)).status).toBe(403);
    expect((await call(name)).isError).toBe(true);
  });

  test('enters nothing with the token of another page or of another browser, or by GET', async () => {
    const csrf = await csrfOf(owner, new URL((await call(`${name}-other`)).url as string).pathname);
    const elsewhere = new Visitor(app.url);
    await elsewhere.signIn(path);

    const answers = [
      await enter({ csrf }),
      await enter({ csrf: await csrfOf(elsewhere) }),
      await owner.get(`${path}?csrf=${csrf}&field0=in-an-address`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 200]);
    expect((await call(name)).isError).toBe(true);
  });

  test('enters once, also if the form is sent again', async () => {
    const csrf = await csrfOf(owner);
    const form = { csrf, field0: secret };

    const first = await owner.post(path, form);
    const second = await owner.post(path, { ...form, field0: 'another-secret' });
    await call(name);
    const third = await owner.post(path, form);

    expect([first.status, second.status, third.status]).toEqual([303, 409, 404]);
    expect(app.ran.at(-1)?.secrets).toEqual({ key: secret });
  });

  test('of two forms that are sent at once, one counts', async () => {
    const csrf = await csrfOf(owner);

    const answers = await Promise.all([1, 2, 3].map(n => owner.post(path, { csrf, field0: `${secret}-${n}` })));

    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409, 409]);
    expect((await call(name)).isError).toBe(false);
  });

  test('sends no more than 64 KiB, nor a hundred fields', async () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`x${n}`, '1']));

    expect((await enter({ field0: 'x'.repeat(70_000) })).status).toBe(413);
    expect((await enter(many)).status).toBe(413);
    expect((await enter({ field0: 'x'.repeat(60_000) })).status).toBe(303);
  });

  test('gets pages that run one script of ours, are never kept nor framed, and send to this server only', async () => {
    for (const [at, scripts] of [
      [path, [`<script src="${app.url}${pages}/reveal.js" defer>`]],
      [`${pages}/entered`, []],
    ] as const) {
      const { headers, text } = await owner.get(at);

      const policy = headers.get('content-security-policy');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("form-action 'self'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(text.match(/<script[^>]*>/g) ?? []).toEqual(scripts);
      expect(text).not.toMatch(/ on\w+=| style=/);
    }
    expect((await owner.get(`${pages}/reveal.js`)).headers.get('content-type')).toContain('text/javascript');
  });
});

describe('somebody else who is signed in', () => {
  test('is told that it is not theirs, and nothing more; that is on record', async () => {
    const opened = await stranger.get(path);
    // As a page with a form would have it.
    const csrf = csrfToken({ secret: stranger.cookie('callboard-browser') }, `secrets:${path.split('/').at(-1)}`);
    const sent = await stranger.post(path, { csrf, field0: 'planted-secret' });

    for (const { status, text } of [opened, sent]) {
      expect(status).toBe(403);
      expect(text).toContain('This is not yours');
      expect(text).not.toMatch(new RegExp(`${name}|vault|${guest}|<form|planted`));
    }
    expect(entries().slice(-2)).toMatchObject([
      { status: 'failed', meta: { principal: 'user:default/bob', requestedBy: guest } },
      { status: 'failed', meta: { principal: 'user:default/bob', requestedBy: guest } },
    ]);
    expect((await call(name)).isError).toBe(true);
  });

  test('cannot have the owner’s browser enter what they planted', async () => {
    const csrf = csrfToken({ secret: stranger.cookie('callboard-browser') }, `secrets:${path.split('/').at(-1)}`);

    expect((await owner.post(path, { csrf, field0: 'planted-secret' })).status).toBe(403);
  });
});

test('addresses and forms that no browser sends are the sender’s mistake, and nothing for the log', async () => {
  const post = (headers: Record<string, string>) =>
    fetch(app.url + path, { method: 'POST', headers: { Origin: app.url, ...headers }, body: `field0=${secret}` });

  const answers = await Promise.all([
    post({ 'Content-Type': 'application/x-www-form-urlencoded; charset=bogus' }),
    post({ 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Encoding': 'bogus' }),
    fetch(`${app.url}${pages}/%zz`),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([415, 415, 400]);
  expect(app.logs.filter(({ level }) => level === 'error')).toEqual([]);
});

test('what is used, what is over and what never was look alike', async () => {
  await enter();
  await call(name);

  const answers = await Promise.all(
    [path, `${pages}/${'A'.repeat(32)}`, `${pages}/1`, `${pages}/%3Cscript%3E`].map(at => owner.get(at)),
  );

  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
});

test('who guesses addresses has to wait, also for those that exist', async () => {
  const guessing = new Visitor(app.url);
  await guessing.signIn(path, bob);
  for (let n = 0; n < 25; n += 1) {
    await guessing.get(`${pages}/${String(n).padStart(32, 'A')}`);
  }

  const { status, headers } = await guessing.get(path);

  expect(status).toBe(429);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(500);
  expect((await owner.get(path)).status).toBe(200);
});

test('a token is of no use on the pages', async () => {
  const response = await fetch(app.url + path, {
    headers: { Authorization: `Bearer ${CI_TOKEN}` },
    redirect: 'manual',
  });

  expect(response.status).toBe(303);
});

test('under another name that somebody pointed at this machine, there is nothing of use', async () => {
  const status = await new Promise(resolve => {
    request(`${app.url}${path}`, { headers: { host: 'evil.example' } }, response => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });

  expect(status).toBe(421);
});

test('no server can be named so that it takes the place of the pages', async () => {
  const response = await fetch(`${app.url}/api/mcp-actions/v1/secrets`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${CI_TOKEN}`, 'Content-Type': 'application/json' },
    body: '{}',
  });

  expect(response.status).toBe(404);
  expect((await owner.get(path)).status).toBe(200);
});

test('hostile arguments are shown harmlessly, and what looks like a secret in them is not', async () => {
  const hostile = '"><script>fired()</script>\u202e\u200b`\'&';
  const at = new URL((await call(hostile)).url as string).pathname;

  const { text } = await owner.get(at);

  expect(text).not.toContain('<script>fired');
  expect(text).not.toMatch(/[\u202e\u200b]/);
  expect(text).toContain('&lt;script&gt;fired()');
});

test('the secrets that went through these tests are in no line of the log, and in no record', () => {
  const errors = app.logs.map(line => (line.error instanceof Error ? [line.error.message, line.error.stack] : []));

  expect(app.ran.length).toBeGreaterThan(3);
  expect(JSON.stringify([app.logs, errors, app.recorded])).not.toMatch(/hush|planted-secret|another-secret/);
});
