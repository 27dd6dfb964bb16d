import { checkCsrfToken, csrfToken, type FormTarget, readField, sendPage } from '@callboard/pages';
import type { Request, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { Browser } from '../signIn/BrowserSessions.js';
import { audited } from './auditDecision.js';
import { renderConnectionsPage } from './connectionsPage.js';
import { renderSignedOutPage } from './messagePages.js';
import type { PagesOptions } from './PagesOptions.js';
import { readReturnPath } from './returnPath.js';
import { sendSignInPage, takeSignInForm } from './signInForms.js';

const page = 'connections';

/** What a person has approved, and signing in and out without an authorization request. */
export function createConnectionsRouter(options: PagesOptions): Router {
  const { grants, sessions, signIn, auditor, baseUrl } = options;
  const basePath = new URL(baseUrl).pathname.replace(/\/$/, '');
  const connectionsPath = `${basePath}/connections`;
  const router = PromiseRouter();

  router.get('/connections', async (req, res) => {
    const browser = await sessions.identify(req, res);
    const { userEntityRef } = browser;
    if (!userEntityRef) {
      sendSignInPage(res, { signIn, form: formAt(browser, '/sign-in') });
      return;
    }
    const list = await grants.list(userEntityRef);
    const connections = list.map(grant => ({
      ...grant,
      revoke: formAt(browser, `/connections/${encodeURIComponent(grant.id)}/revoke`),
    }));
    const notice = req.query.removed === '' ? 'Access was removed.' : undefined;
    const signOut = formAt(browser, '/sign-out');
    sendPage(res, renderConnectionsPage({ connections, userEntityRef, signOut, notice }));
  });

  router.post('/connections/:grantId/revoke', async (req, res) => {
    const { userEntityRef } = await takeForm(req, res);
    if (userEntityRef) {
      const { grantId } = req.params;
      await audited(auditor, 'grant-revoke', { userEntityRef, grantId }, () => grants.revoke(userEntityRef, grantId));
    }
    seeOther(res, userEntityRef ? `${connectionsPath}?removed` : connectionsPath);
  });

  router.get('/sign-in', async (req, res) => {
    const returnTo = readReturnPath(req.query.return_to, baseUrl);
    const browser = await sessions.identify(req, res);
    if (browser.userEntityRef || returnTo === undefined) {
      seeOther(res, returnTo ?? connectionsPath);
      return;
    }
    sendSignInPage(res, { signIn, form: signInForm(browser, returnTo) });
  });

  router.post('/sign-in', async (req, res) => {
    const returnTo = readReturnPath(readField(req, 'return_to'), baseUrl);
    const signInPath = returnTo && `${basePath}/sign-in?${new URLSearchParams({ return_to: returnTo })}`;
    const browser = await takeForm(req, res, signInPath);
    const form = signInForm(browser, returnTo);
    // From an identity provider people come back to this plugin, which sends them on.
    if (await takeSignInForm(req, res, { ...options, form, returnTo: signInPath ?? connectionsPath })) {
      seeOther(res, returnTo ?? connectionsPath);
    }
  });

  router.post('/sign-out', async (req, res) => {
    const { userEntityRef } = await takeForm(req, res);
    if (userEntityRef) {
      await audited(auditor, 'sign-out', { userEntityRef }, () => sessions.signOut(req, res));
    }
    seeOther(res, `${basePath}/signed-out`);
  });

  router.get('/signed-out', (_req, res) => sendPage(res, renderSignedOutPage({ signInAt: connectionsPath })));

  return router;

  async function takeForm(req: Request, res: Response, retryAt = connectionsPath): Promise<Browser> {
    res.locals.retryAt = retryAt;
    const browser = await sessions.identify(req, res);
    checkCsrfToken(browser, page, readField(req, 'csrf'));
    return browser;
  }

  function signInForm(browser: Browser, returnTo: string | undefined): FormTarget {
    const { action, hidden } = formAt(browser, '/sign-in');
    return { action, hidden: { ...hidden, ...(returnTo !== undefined && { return_to: returnTo }) } };
  }

  function formAt(browser: Browser, path: string): FormTarget {
    return { action: `${basePath}${path}`, hidden: { csrf: csrfToken(browser, page) } };
  }
}

function seeOther(res: Response, path: string): void {
  res.set('Cache-Control', 'no-store').redirect(303, path);
}
