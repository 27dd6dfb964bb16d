import { type FormTarget, type Html, readField, sendPage } from '@callboard/pages';
import type { Request, Response } from 'express';
import { inWords } from './inWords.js';
import type { PagesOptions } from './PagesOptions.js';
import { renderSignInPage } from './signInPage.js';

/** Shows the ways to sign in that are configured. */
export function sendSignInPage(
  res: Response,
  options: Pick<PagesOptions, 'signIn'> & {
    form: FormTarget;
    clientName?: string;
    name?: string;
    problem?: string;
    status?: number;
  },
): void {
  const { signIn, form, clientName, name, problem, status } = options;
  const withMethod = (method: string): FormTarget => ({ ...form, hidden: { ...form.hidden, method } });
  const page: Html = renderSignInPage({
    clientName,
    problem,
    guest: signIn.guest && { form: withMethod('guest'), userEntityRef: signIn.guest.userEntityRef },
    password: signIn.localUsers && { form: withMethod('password'), name },
    providers: signIn.providers?.list().map(({ id, title }) => ({ form: withMethod(`provider:${id}`), title })),
  });
  sendPage(res, page, status);
}

/**
 * Takes the form of the sign-in page.
 *
 * @param options.returnTo - path to go on at, for those who are sent to an identity provider first.
 * @returns Who signed in; `undefined` if nobody did yet, and an answer was sent.
 */
export async function takeSignInForm(
  req: Request,
  res: Response,
  options: Pick<PagesOptions, 'signIn' | 'sessions' | 'auditor'> & {
    form: FormTarget;
    clientName?: string;
    returnTo: string;
  },
): Promise<string | undefined> {
  const { signIn, sessions, auditor, form, clientName, returnTo } = options;
  const method = readField(req, 'method');
  const [, providerId] = /^provider:(.+)$/.exec(method) ?? [];
  if (providerId !== undefined && signIn.providers) {
    await signIn.providers.start(res, { providerId, returnTo });
    return undefined;
  }

  const name = readField(req, 'name');
  const event = await auditor.createEvent({
    eventId: 'sign-in',
    severityLevel: 'medium',
    meta: { method, ...(method === 'password' && { name: name.slice(0, 200) }), address: req.ip ?? '' },
  });

  if (method === 'guest' && signIn.guest) {
    const { userEntityRef } = signIn.guest;
    await sessions.signIn(req, res, userEntityRef);
    await event.success({ meta: { userEntityRef } });
    return userEntityRef;
  }

  const tried =
    method === 'password' && signIn.localUsers
      ? await signIn.localUsers.signIn({ name, password: readField(req, 'password'), address: req.ip ?? '' })
      : ({ outcome: 'refused' } as const);
  if (tried.outcome === 'signed-in') {
    await sessions.signIn(req, res, tried.userEntityRef);
    await event.success({ meta: { userEntityRef: tried.userEntityRef } });
    return tried.userEntityRef;
  }
  await event.fail({ error: new Error(`Sign-in ${tried.outcome}`) });
  if (tried.outcome === 'blocked') {
    res.set('Retry-After', String(tried.retryAfterSeconds));
    const problem = `Too many attempts. Try again in ${inWords(tried.retryAfterSeconds)}.`;
    sendSignInPage(res, { signIn, form, clientName, name, problem, status: 429 });
  } else {
    sendSignInPage(res, { signIn, form, clientName, name, problem: 'Wrong user name or password.', status: 403 });
  }
  return undefined;
}
