import { NotAllowedError } from '@backstage/errors';
import type { Request, RequestHandler } from 'express';
import { renderErrorPage } from './errorPage.js';
import { isLoopbackHost } from './loopbackHost.js';
import { sendPage } from './pageHeaders.js';

/**
 * On a server for this machine only, answers requests that were made under any other name. Otherwise a website could
 * let its own name point here, and its scripts would read these pages as theirs (DNS rebinding).
 *
 * @param baseUrl - Other servers are left alone: they are reached under names that a proxy may have changed.
 */
export function refuseForeignHosts(baseUrl: string): RequestHandler {
  if (!isLoopbackHost(new URL(baseUrl).hostname)) {
    return (_req, _res, next) => next();
  }
  return (req, res, next) => {
    const [, host = ''] = /^([\w.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.exec(req.headers.host ?? '') ?? [];
    if (isLoopbackHost(host)) {
      next();
      return;
    }
    const explanation = `This server answers on this computer only. Open it at ${new URL(baseUrl).origin}.`;
    sendPage(res, renderErrorPage({ title: 'Wrong address', explanation }), 421);
  };
}

/**
 * Lets forms in only from pages of this server. Browsers send `Origin` with every form, so a missing one is refused.
 *
 * @throws NotAllowedError if the request may come from another site.
 */
export function checkSameOrigin(req: Request, baseUrl: string): void {
  const { origin } = new URL(baseUrl);
  const site = req.headers['sec-fetch-site'];
  if (req.headers.origin !== origin || (site !== undefined && site !== 'same-origin')) {
    throw new NotAllowedError(`This form was sent from a page of another address. Open it at ${origin} and try again.`);
  }
}
