import type { Request } from 'express';
import { readCookie } from './cookies.js';

const idPattern = /^[\w-]{43}$/;

/** The cookie that says who is signed in in a browser. */
export interface SessionCookie {
  readonly name: string;
  readonly secure: boolean;
  readonly path: string;
}

/**
 * The cookie that the auth plugin sets and the pages of all plugins read.
 *
 * @param baseUrl - External URL under which the pages are served.
 */
export function sessionCookieOf(baseUrl: string): SessionCookie {
  // Browsers take a __Host- cookie only from https, so that no neighbour under the same domain can plant one.
  return new URL(baseUrl).protocol === 'https:'
    ? { name: '__Host-callboard-session', secure: true, path: '/' }
    : { name: 'callboard-browser', secure: false, path: '/' };
}

/** The random id in the cookie; undefined if there is none, or something that was not set here. */
export function readSessionId(req: Request, { name }: SessionCookie): string | undefined {
  const id = readCookie(req, name);
  return id !== undefined && idPattern.test(id) ? id : undefined;
}
