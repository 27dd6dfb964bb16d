import { createHmac, timingSafeEqual } from 'node:crypto';
import { NotAllowedError } from '@backstage/errors';

/** A browser as forms see it: what its session cookie holds. */
interface Browser {
  readonly secret: string;
}

/**
 * A token for the forms of one page in one browser. It is derived from the browser's session cookie, which no other
 * site can read, and useless for other pages and after a change of user.
 *
 * @param page - What the form is for, such as `interaction:<uid>`.
 */
export function csrfToken(browser: Browser, page: string): string {
  return createHmac('sha256', browser.secret).update(`csrf\0${page}`).digest('base64url');
}

/** @throws NotAllowedError if `token` was not made for this page and browser. */
export function checkCsrfToken(browser: Browser, page: string, token: unknown): void {
  const expected = Buffer.from(csrfToken(browser, page));
  const given = Buffer.from(typeof token === 'string' ? token : '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new NotAllowedError('This page is out of date, for example because you signed in or out in another tab.');
  }
}
