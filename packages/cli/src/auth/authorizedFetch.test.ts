import { expect, it } from 'vitest';
import { authorizedFetch } from './authorizedFetch.js';

function start(statuses: number[]) {
  const tokens: (string | null)[] = [];
  const renewals: boolean[] = [];
  let token = 'first';
  const fetch = authorizedFetch(
    async (_url, init) => {
      tokens.push(new Headers(init?.headers).get('authorization'));
      return new Response(null, { status: statuses.shift() ?? 200, headers: { location: 'https://other.example/' } });
    },
    {
      token: async () => token,
      renew: async (_refusal, _used, isAwaited) => {
        renewals.push(isAwaited);
        token = `${token}+`;
        return true;
      },
    },
  );
  return { fetch, tokens, renewals };
}

it('makes a request again with another token', async () => {
  const { fetch, tokens } = start([401, 403]);

  const { status } = await fetch('https://portal.example/', { method: 'POST' });

  expect({ status, tokens }).toEqual({ status: 200, tokens: ['Bearer first', 'Bearer first+', 'Bearer first++'] });
});

it('does not ask for the same thing twice', async () => {
  const { fetch, renewals } = start([403, 403, 403]);

  expect((await fetch('https://portal.example/', { method: 'POST' })).status).toBe(403);
  expect(renewals).toHaveLength(1);
});

it('sends nobody to a page because of a stream', async () => {
  const { fetch, renewals } = start([401, 200, 401]);

  await fetch('https://portal.example/', { method: 'GET' });
  await fetch('https://portal.example/', { method: 'POST' });

  expect(renewals).toEqual([false, true]);
});

it('takes no token to where a redirect leads', async () => {
  const { fetch, tokens } = start([302]);

  await expect(fetch('https://portal.example/')).rejects.toThrow('redirects to https://other.example/');
  expect(tokens).toHaveLength(1);
});
