import { checkCsrfToken, csrfToken, type FormTarget, readField, sendPage } from '@callboard/pages';
import type { Request, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { PendingDevice } from '../engine/DeviceFlow.js';
import type { Browser } from '../signIn/BrowserSessions.js';
import { networkOf } from '../signIn/networkOf.js';
import { auditDecision } from './auditDecision.js';
import { renderConsentPage } from './consentPage.js';
import { renderDeviceCodePage, renderDeviceDonePage } from './devicePages.js';
import { inWords } from './inWords.js';
import type { PagesOptions } from './PagesOptions.js';
import { sendSignInPage, takeSignInForm } from './signInForms.js';
import { takeDecision } from './takeDecision.js';

const page = 'device';
const freeGuesses = 10;
const maxCodeLength = 40;

/**
 * The part of the device flow that happens in a browser (RFC 8628 §3.3): sign in, enter the code, decide. Only
 * people who are signed in may try codes, and not many.
 */
export function createDeviceRouter(options: PagesOptions): Router {
  const { deviceFlow, sessions, attempts, auditor, signIn, baseUrl } = options;
  const basePath = new URL(baseUrl).pathname.replace(/\/$/, '');
  const router = PromiseRouter();

  router.get('/device', async (req, res) => {
    const browser = await sessions.identify(req, res);
    const userCode = typeof req.query.user_code === 'string' ? req.query.user_code.slice(0, maxCodeLength) : '';
    if (!browser.userEntityRef) {
      sendSignInPage(res, { signIn, form: formAt(browser, '/sign-in', { user_code: userCode }) });
      return;
    }
    sendPage(res, renderDeviceCodePage({ form: formAt(browser, ''), userCode }));
  });

  router.post('/device/sign-in', async (req, res) => {
    const browser = await takeForm(req, res);
    const userCode = readField(req, 'user_code');
    const form = formAt(browser, '/sign-in', { user_code: userCode });
    if (await takeSignInForm(req, res, { ...options, form, returnTo: pathWith(userCode) })) {
      seeDevice(res, userCode);
    }
  });

  router.post('/device/switch-user', async (req, res) => {
    await takeForm(req, res);
    await sessions.signOut(req, res);
    seeDevice(res, readField(req, 'user_code'));
  });

  router.post('/device', async (req, res) => {
    const browser = await takeForm(req, res);
    const { userEntityRef } = browser;
    const userCode = readField(req, 'user_code').slice(0, maxCodeLength);
    if (!userEntityRef) {
      seeDevice(res, userCode);
      return;
    }
    const pending = await findDevice(req, res, browser, userCode);
    if (pending) {
      sendPage(res, renderConsentPage(consentOptions(pending, browser, userEntityRef)));
    }
  });

  router.post('/device/consent', async (req, res) => {
    const browser = await takeForm(req, res);
    const { userEntityRef } = browser;
    const userCode = readField(req, 'user_code').slice(0, maxCodeLength);
    if (!userEntityRef) {
      seeDevice(res, userCode);
      return;
    }
    const pending = await findDevice(req, res, browser, userCode);
    if (!pending) {
      return;
    }
    const { client, resource } = pending;
    const decision = takeDecision(req, res, consentOptions(pending, browser, userEntityRef));
    if (!decision) {
      return;
    }
    const { approved, scopes } = decision;
    await auditDecision(
      auditor,
      { approved, userEntityRef, clientId: client.id, resource: resource.url, scopes },
      () => (approved ? deviceFlow.approve(userCode, { userEntityRef, scopes }) : deviceFlow.deny(userCode)),
    );
    sendPage(res, renderDeviceDonePage({ outcome: approved ? 'connected' : 'refused', clientName: client.name }));
  });

  return router;

  /** @returns `undefined` if there is none, and the page that asks for the code was sent. */
  async function findDevice(
    req: Request,
    res: Response,
    browser: Browser,
    userCode: string,
  ): Promise<PendingDevice | undefined> {
    const guess = `device:${browser.userEntityRef}:${networkOf(req.ip ?? '')}`;
    const wait = await attempts.begin({ key: guess, freeAttempts: freeGuesses });
    const again = (problem: string, status: number) =>
      sendPage(res, renderDeviceCodePage({ form: formAt(browser, ''), userCode, problem }), status);
    if (wait > 0) {
      res.set('Retry-After', String(wait));
      again(`Too many codes. Try again in ${inWords(wait)}.`, 429);
      return undefined;
    }
    try {
      const pending = await deviceFlow.get(userCode);
      await attempts.refund(guess);
      return pending;
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NotFoundError')) {
        throw error;
      }
      again('No device waits for this code. It may be mistyped, used already, or too old.', 404);
      return undefined;
    }
  }

  async function takeForm(req: Request, res: Response): Promise<Browser> {
    res.locals.retryAt = `${basePath}/device`;
    const browser = await sessions.identify(req, res);
    checkCsrfToken(browser, page, readField(req, 'csrf'));
    return browser;
  }

  function consentOptions(pending: PendingDevice, browser: Browser, userEntityRef: string) {
    const hidden = { user_code: pending.userCode };
    return {
      ...pending,
      device: { ...pending.device, userCode: pending.userCode },
      userEntityRef,
      decision: formAt(browser, '/consent', hidden),
      switchUser: formAt(browser, '/switch-user', hidden),
      connectionsAt: `${basePath}/connections`,
    };
  }

  function formAt(browser: Browser, path: string, hidden: Record<string, string> = {}): FormTarget {
    return { action: `${basePath}/device${path}`, hidden: { ...hidden, csrf: csrfToken(browser, page) } };
  }

  function seeDevice(res: Response, userCode: string): void {
    res.set('Cache-Control', 'no-store').redirect(303, pathWith(userCode));
  }

  function pathWith(userCode: string): string {
    const query = userCode && `?user_code=${encodeURIComponent(userCode.slice(0, maxCodeLength))}`;
    return `${basePath}/device${query}`;
  }
}
