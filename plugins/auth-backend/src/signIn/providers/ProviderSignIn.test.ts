import { ConfigReader } from '@backstage/config';
import type { AuthProviderFactory } from '@backstage/plugin-auth-node';
import type { JsonObject } from '@backstage/types';
import { recordingLogger } from '@callboard/test-utils';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PagesServer, startPagesServer } from '../../pages/testing/startPagesServer.js';
import { hiddenField, type Page, WebUser } from '../../pages/testing/WebUser.js';
import { collectProviders } from '../testing/collectProviders.js';
import { clientSecret, type FakeIdentityProvider, startFakeIdentityProvider } from '../testing/FakeIdentityProvider.js';
import { ProviderSignIn } from './ProviderSignIn.js';

let factories: Map<string, AuthProviderFactory>;

beforeAll(async () => {
  factories = await collectProviders([
    import('@backstage/plugin-auth-backend-module-oidc-provider'),
    import('@backstage/plugin-auth-backend-module-github-provider'),
  ]);
});

describe.each([
  ['oidc', 'Continue with your organization', 'emailLocalPartMatchingUserEntityName'],
  ['github', 'Continue with GitHub', 'usernameMatchingUserEntityName'],
])('the stock module for %s', (providerId, label, resolver) => {
  let idp: FakeIdentityProvider;
  let server: PagesServer;
  let ada: WebUser;

  beforeEach(async () => {
    idp = await startFakeIdentityProvider();
    await startServer({ resolver, dangerouslyAllowSignInWithoutUserInCatalog: true });
  });

  afterEach(async () => {
    await server.close();
    await idp.close();
  });

  async function startServer(signInResolver: JsonObject): Promise<void> {
    const settings: JsonObject = {
      clientId: 'callboard',
      clientSecret,
      signIn: { resolvers: [signInResolver] },
      ...(providerId === 'oidc'
        ? { metadataUrl: `${idp.url}/.well-known/openid-configuration`, prompt: 'auto' }
        : { enterpriseInstanceUrl: idp.url }),
    };
    const config = new ConfigReader({ auth: { providers: { [providerId]: { development: settings } } } });
    server = await startPagesServer({
      signIn: 'none',
      providers: baseUrl => new ProviderSignIn({ factories, config, logger: recordingLogger().logger, baseUrl }),
    });
    ada = new WebUser({ origin: server.origin });
  }

  /** Goes to the identity provider and back, up to the address with its answer. */
  async function goToProvider(user = ada): Promise<{ interaction: string; answerAt: string; pages: Page[] }> {
    const page = await user.visit('/start');
    expect(page.text).toContain(label);
    const form = { csrf: hiddenField(page, 'csrf'), method: `provider:${providerId}` };
    const start = await user.post(`${page.path}/sign-in`, form);
    const away = new URL(String(start.headers.location));
    expect(away.origin).toBe(idp.url);
    const back = await fetch(away, { redirect: 'manual' });
    return { interaction: page.path, answerAt: back.headers.get('location') ?? '', pages: [page, start] };
  }

  const pathOf = (url: string) => url.slice(new URL(url).origin.length);

  test('signs a person in, up to the question for consent', async () => {
    const { interaction, answerAt } = await goToProvider();

    const answer = await ada.get(pathOf(answerAt));
    const consent = await ada.visit(String(answer.headers.location));

    expect(answerAt).toContain(`${server.baseUrl}/${providerId}/handler/frame?`);
    expect(answer.headers.location).toBe(interaction);
    expect(consent.text).toContain('user:default/ada');
    expect(consent.text).toContain('Approve');
    expect(server.audit).toMatchObject([
      {
        eventId: 'sign-in',
        outcome: 'succeeded',
        meta: { method: `provider:${providerId}`, userEntityRef: 'user:default/ada' },
      },
    ]);
  });

  test('gives the browser none of its tokens', async () => {
    const { answerAt, pages } = await goToProvider();

    const answer = await ada.get(pathOf(answerAt));
    const seen = JSON.stringify([...pages, answer, await ada.visit(String(answer.headers.location))]);

    expect(idp.tokens.length).toBeGreaterThan(0);
    for (const secret of [...idp.tokens, clientSecret, 'refresh-token']) {
      expect(seen).not.toContain(secret);
    }
  });

  test('takes an answer once, and only in the browser that began', async () => {
    const { answerAt } = await goToProvider();
    const stranger = new WebUser({ origin: server.origin });

    const foreign = await stranger.get(pathOf(answerAt));
    const first = await ada.get(pathOf(answerAt));
    const second = await ada.get(pathOf(answerAt));

    expect([foreign.status, first.status, second.status]).toEqual([403, 303, 403]);
    expect((await stranger.get('/api/auth/connections')).text).not.toContain('user:default/ada');
  });

  test("does not sign a victim in with an attacker's answer", async () => {
    const attacker = new WebUser({ origin: server.origin });
    const { answerAt } = await goToProvider(attacker);
    await goToProvider(ada);

    const answer = await ada.get(pathOf(answerAt));

    expect(answer.status).toBe(403);
    expect((await ada.get('/api/auth/connections')).text).not.toContain('Connected applications');
  });

  test('shows that the person was refused, and lets them try again', async () => {
    idp.refuse('access_denied');
    const { interaction, answerAt } = await goToProvider();

    const answer = await ada.get(pathOf(answerAt));

    expect(answer.status).toBe(403);
    expect(answer.text).toContain('did not sign you in');
    expect(answer.text).toContain(`href="${interaction}"`);
    expect(server.audit.at(-1)).toMatchObject({ eventId: 'sign-in', outcome: 'failed' });
  });

  test('lets nobody in whom the resolver cannot look up', async () => {
    await server.close();
    await startServer({ resolver });
    const { answerAt } = await goToProvider();

    const answer = await ada.get(pathOf(answerAt));

    expect(answer.status).toBe(403);
    expect((await ada.get('/api/auth/connections')).text).not.toContain('Sign out');
  });

  test('never sends the browser to an address of another server', async () => {
    for (const returnTo of ['https://evil.example/', '//evil.example/', '/\\evil.example', '/elsewhere', '']) {
      const { answerAt } = await goToProvider();
      const flow = JSON.parse(Buffer.from(ada.cookie('callboard-provider') ?? '', 'base64url').toString());
      const changed = Buffer.from(JSON.stringify({ ...flow, returnTo })).toString('base64url');
      ada.setCookie('callboard-provider', changed, '/api/auth');

      const answer = await ada.get(pathOf(answerAt));

      expect(answer.status).toBe(403);
      expect(answer.headers.location).toBeUndefined();
    }
  });

  test('has no other routes: nothing starts by a link, refreshes, or hands out tokens', async () => {
    for (const path of ['start?env=development&flow=redirect&redirectUrl=https://evil.example', 'refresh', 'logout']) {
      expect((await ada.get(`/api/auth/${providerId}/${path}`)).status).toBe(404);
      expect((await ada.post(`/api/auth/${providerId}/${path}`, {})).status).toBe(404);
    }
  });
});

test('what is installed and not configured is not offered', () => {
  const providers = new ProviderSignIn({
    factories,
    config: new ConfigReader({}),
    logger: recordingLogger().logger,
    baseUrl: 'http://localhost:7007/api/auth',
  });

  expect(providers.list()).toEqual([]);
});
