import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeHome } from '../testing/cli.js';
import { CallbackServer } from './CallbackServer.js';
import { CredentialStore } from './CredentialStore.js';
import { SignInFlow } from './SignInFlow.js';

it.each([
  ['https://portal.example.com/authorize', true],
  ['http://localhost:7007/authorize', true],
  ['http://portal.example.com/authorize', false],
  ['file:///etc/passwd', false],
  ['ms-settings:network', false],
])('opens %s: %s', async (page, isOpened) => {
  const home = makeHome();
  const callback = await CallbackServer.open();
  const shown: string[] = [];
  const flow = new SignInFlow({
    store: new CredentialStore({ folder: home }),
    kept: { url: 'https://portal.example.com/mcp' },
    callback,
    clientId: undefined,
    mayRefresh: true,
    now: Date.now,
    showPage: url => void shown.push(url.href),
  });

  const outcome = await flow.redirectToAuthorization(new URL(page)).then(
    () => true,
    error => error.message.includes('expected https') && false,
  );
  callback.close();
  rmSync(home, { recursive: true });

  expect({ outcome, shown }).toEqual({ outcome: isOpened, shown: isOpened ? [page] : [] });
});

it('takes an answer with the state that it has sent, and no other', async () => {
  const callback = await CallbackServer.open();
  const answer = callback.waitFor('right', new AbortController().signal);

  const forged = await fetch(`${callback.redirectUrl}?code=stolen&state=wrong`);
  const without = await fetch(`${callback.redirectUrl}?code=stolen`);
  const right = await fetch(`${callback.redirectUrl}?code=mine&state=right`);
  callback.close();

  expect([forged.status, without.status, right.status]).toEqual([404, 404, 200]);
  expect((await answer).get('code')).toBe('mine');
});
