import type { TestApp } from '@callboard/test-utils';
import { shorthands } from '../../plugins/auth-backend/src/testing/startAuthApp.js';
import { describeServerConformance } from './describeServerConformance.js';
import { startBearerProxy } from './startBearerProxy.js';
import { fixturesPath, startFixtures } from './startFixtures.js';

describeServerConformance('standalone, static token', () => startWithToken(async ({ token }) => token));
describeServerConformance('standalone, OAuth', () => startWithToken(obtainToken));

async function startWithToken(tokenOf: (app: TestApp) => Promise<string>) {
  const app = await startFixtures();
  try {
    const target = `${app.url}${fixturesPath}`;
    const proxy = await startBearerProxy({ target, token: await tokenOf(app) });
    return {
      url: proxy.url,
      stop: async () => {
        await proxy.stop();
        await app.stop();
      },
    };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

/** As a client that nobody knows: it registers itself, and a person signs in and approves. */
async function obtainToken({ url }: TestApp): Promise<string> {
  const resource = `${url}${fixturesPath}`;
  const { registerClient, signIn } = shorthands(url, `${url}/api/auth`, resource);
  return (await signIn(await registerClient(), { resource })).access_token;
}
