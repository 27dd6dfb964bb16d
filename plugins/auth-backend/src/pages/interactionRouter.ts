import { ConflictError, NotFoundError } from '@backstage/errors';
import { checkCsrfToken, csrfToken, type FormTarget, readField, sendPage } from '@callboard/pages';
import type { Request, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { PendingInteraction } from '../engine/Interactions.js';
import type { Browser } from '../signIn/BrowserSessions.js';
import { auditDecision } from './auditDecision.js';
import { renderConsentPage } from './consentPage.js';
import type { PagesOptions } from './PagesOptions.js';
import { sendOnward } from './sendOnward.js';
import { sendSignInPage, takeSignInForm } from './signInForms.js';
import { takeDecision } from './takeDecision.js';

/** The steps of an authorization request: who are you, and do you allow this? */
export function createInteractionRouter(options: PagesOptions): Router {
  const { interactions, sessions, signIn, auditor, baseUrl } = options;
  const basePath = new URL(baseUrl).pathname.replace(/\/$/, '');
  const router = PromiseRouter();

  router.get('/interaction/:uid', async (req, res) => {
    const pending = await getInteraction(req, res);
    const browser = await sessions.identify(req, res);
    if (!browser.userEntityRef) {
      sendSignInPage(res, { signIn, form: formAt(pending, browser, 'sign-in'), clientName: pending.client.name });
      return;
    }
    if (pending.step === 'sign-in' || pending.userEntityRef !== browser.userEntityRef) {
      await continueAs(req, res, pending, browser.userEntityRef);
      return;
    }
    sendPage(res, renderConsentPage(consentOptions(pending, browser, browser.userEntityRef)));
  });

  router.post('/interaction/:uid/sign-in', async (req, res) => {
    const { pending, browser } = await takeForm(req, res);
    const form = formAt(pending, browser, 'sign-in');
    const userEntityRef = await takeSignInForm(req, res, {
      ...options,
      form,
      clientName: pending.client.name,
      returnTo: pathOf(pending),
    });
    if (userEntityRef) {
      await continueAs(req, res, pending, userEntityRef);
    }
  });

  router.post('/interaction/:uid/switch-user', async (req, res) => {
    const { pending } = await takeForm(req, res);
    await sessions.signOut(req, res);
    res.set('Cache-Control', 'no-store').redirect(303, pathOf(pending));
  });

  router.post('/interaction/:uid/consent', async (req, res) => {
    const { pending, browser } = await takeForm(req, res);
    const { userEntityRef } = browser;
    if (pending.step !== 'consent' || !userEntityRef || pending.userEntityRef !== userEntityRef) {
      throw new ConflictError('You are not signed in as the one who was asked.');
    }
    const decision = takeDecision(req, res, consentOptions(pending, browser, userEntityRef));
    if (!decision) {
      return;
    }
    const { approved, scopes } = decision;
    const { client, resource } = pending;
    const { redirectTo } = await auditDecision(
      auditor,
      { approved, userEntityRef, clientId: client.id, resource: resource.url, scopes },
      () => (approved ? interactions.approve(req, res, { scopes }) : interactions.deny(req, res)),
    );
    sendOnward(res, { location: redirectTo, baseUrl, clientName: client.name });
  });

  return router;

  async function takeForm(req: Request, res: Response) {
    const pending = await getInteraction(req, res);
    res.locals.retryAt = pathOf(pending);
    const browser = await sessions.identify(req, res);
    checkCsrfToken(browser, pageOf(pending), readField(req, 'csrf'));
    return { pending, browser };
  }

  async function getInteraction(req: Request, res: Response): Promise<PendingInteraction> {
    const pending = await interactions.get(req, res);
    if (pending.uid !== req.params.uid) {
      throw new NotFoundError('This request for access is over. Begin again in your application.');
    }
    return pending;
  }

  async function continueAs(req: Request, res: Response, pending: PendingInteraction, userEntityRef: string) {
    const isKnown = pending.step === 'consent' && pending.userEntityRef === userEntityRef;
    const { redirectTo } = isKnown
      ? { redirectTo: pathOf(pending) }
      : await interactions.signIn(req, res, { userEntityRef });
    sendOnward(res, { location: redirectTo, baseUrl, clientName: pending.client.name });
  }

  function consentOptions(pending: PendingInteraction, browser: Browser, userEntityRef: string) {
    return {
      ...pending,
      userEntityRef,
      decision: formAt(pending, browser, 'consent'),
      switchUser: formAt(pending, browser, 'switch-user'),
      connectionsAt: `${basePath}/connections`,
    };
  }

  function formAt(pending: PendingInteraction, browser: Browser, step: string): FormTarget {
    return { action: `${pathOf(pending)}/${step}`, hidden: { csrf: csrfToken(browser, pageOf(pending)) } };
  }

  function pathOf({ uid }: PendingInteraction): string {
    return `${basePath}/interaction/${encodeURIComponent(uid)}`;
  }
}

function pageOf({ uid }: PendingInteraction): string {
  return `interaction:${uid}`;
}
