import type { Response } from 'express';
import type { Html } from './html.js';
import { stylesheetSource } from './stylesheet.js';

/**
 * Headers of every page. There is no `form-action`: browsers apply it to the redirect after a form as well, which
 * goes to the application. `same-origin` keeps the `Origin` header of forms, which `no-referrer` turns to `null`.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    `style-src ${stylesheetSource}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  'Content-Type': 'text/html; charset=utf-8',
};

/** Sends a page with its headers. */
export function sendPage(res: Response, page: Html, status = 200): void {
  res.status(status).set(pageHeaders).send(page.toString());
}
