import { pageHeaders, sendPage } from '@callboard/pages';
import type { Response } from 'express';
import { readRedirectTarget } from './redirectTarget.js';
import { renderReturnPage } from './returnPage.js';

/**
 * Sends the browser on: to websites and programs on this computer at once, to applications with links of their own
 * kind by a page, because the browser stays where it is.
 *
 * @param location - Absolute, or a path of this server.
 * @throws InputError if no browser may be sent there.
 */
export function sendOnward(res: Response, options: { location: string; baseUrl: string; clientName?: string }): void {
  const { baseUrl, clientName } = options;
  const { kind, href } = readRedirectTarget(new URL(options.location, baseUrl).href);
  if (kind === 'application') {
    sendPage(res, renderReturnPage({ location: href, clientName }));
    return;
  }
  res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': pageHeaders['Referrer-Policy'] });
  res.redirect(303, href);
}
