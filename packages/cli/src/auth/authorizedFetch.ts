import { NotAllowedError } from '../errors.js';
import type { Fetch } from '../server/httpClient.js';
import type { Authorization } from './Authorization.js';

/** A `fetch` that signs in, or asks for more, where the server wants it, and makes the request again. */
export function authorizedFetch(fetch: Fetch, authorization: Authorization): Fetch {
  return async (url, init) => {
    // Once for a token that has ended, once for a scope that it lacks: a person is not asked in circles.
    const left = new Set([401, 403]);
    // Streams are opened again at any time: no page opens because of one.
    const isAwaited = init?.method === 'POST';
    for (;;) {
      const token = await authorization.token();
      const headers = new Headers(init?.headers);
      if (token) {
        headers.set('Authorization', `Bearer ${token}`);
      }
      const response = await fetch(url, { ...init, headers });
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel();
        throw new NotAllowedError(
          `The server at ${new URL(url).host} redirects to ${response.headers.get('location')}: give that URL instead`,
        );
      }
      if (!left.delete(response.status) || !(await authorization.renew(response, token, isAwaited))) {
        return response;
      }
      await response.body?.cancel();
    }
  };
}
