import type { Response } from 'express';
import type { Html } from './html.js';
import { stylesheetSource } from './stylesheet.js';

/**
 * Headers of every page. There is no `form-action`: browsers apply it to the redirect after a form as well, which
 * goes to the application. `same-origin` keeps the `Origin` header of forms, which `no-referrer` turns to `null`.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy([]),
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  'Content-Type': 'text/html; charset=utf-8',
};

/**
 * Sends a page with its headers.
 *
 * @param script - absolute URL of the one script that the page runs, and which may ask this server for news.
 * @param more - further directives of its Content-Security-Policy.
 */
export function sendPage(res: Response, page: Html, status = 200, script?: string, more: readonly string[] = []): void {
  const sources = script === undefined ? [] : [`script-src ${new URL(script).href}`, "connect-src 'self'"];
  res
    .status(status)
    .set(pageHeaders)
    .set('Content-Security-Policy', contentSecurityPolicy([...sources, ...more]));
  res.send(page.toString());
}

function contentSecurityPolicy(more: readonly string[]): string {
  return [
    "default-src 'none'",
    `style-src ${stylesheetSource}`,
    ...more,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}
