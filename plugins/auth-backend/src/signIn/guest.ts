import { InputError } from '@backstage/errors';
import { isLoopbackHost } from '@callboard/pages';

/** Somebody without a password, on the machine that the server runs on. */
export interface Guest {
  userEntityRef: string;
}

/**
 * Lets anybody in who can reach the server, which must be this machine only: every program on it can be the guest.
 *
 * @param options.listenHost - Host of `backend.listen`; absent or empty means all addresses, as in Backstage.
 * @throws InputError that names the key, if the server can be reached from elsewhere.
 */
export function openGuestSignIn(options: {
  baseUrl: string;
  listenHost: string | undefined;
  userEntityRef?: string;
}): Guest {
  const { baseUrl, listenHost, userEntityRef = 'user:development/guest' } = options;
  const mistakes: string[] = [];
  if (!isLoopbackHost(new URL(baseUrl).hostname)) {
    mistakes.push(`backend.baseUrl is ${baseUrl}`);
  }
  if (!isLoopbackHost(listenHost ?? '')) {
    mistakes.push(`backend.listen ${listenHost ? `is on ${listenHost}` : 'is on all addresses'}`);
  }
  if (mistakes.length > 0) {
    throw new InputError(
      `auth.providers.guest: expected a server that only this machine reaches (localhost, 127.0.0.1 or ::1), but ${mistakes.join(' and ')}. Remove the key, or use auth.localUsers`,
    );
  }
  return { userEntityRef };
}
