import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { InputError, NotAllowedError } from '@backstage/errors';
import express, { type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import * as z from 'zod';
import type { KeyRing } from './engine/KeyRing.js';
import { issueUserToken } from './engine/userTokens.js';
import type { BrowserSessions } from './signIn/BrowserSessions.js';

/** Plugins with pages of their own for people who are signed in here. */
const ASKING_PLUGINS = ['plugin:approvals', 'plugin:mcp-actions'];
/** Long enough for what a plugin does to answer one request. */
const TOKEN_SECONDS = 300;

const bodySchema = z.strictObject({ session: z.string().min(1).max(200) });

/**
 * `POST /v1/browser-session`: who is signed in in a browser, told to plugins that show pages. `GET`: that there is
 * something to sign in to, told to everybody.
 */
export function createBrowserSessionRouter(options: {
  httpAuth: HttpAuthService;
  sessions: BrowserSessions;
  keys: KeyRing;
  issuer: string;
  now: () => number;
}): Router {
  const { httpAuth, sessions, keys, issuer, now } = options;
  const router = PromiseRouter();
  router.get('/v1/browser-session', (_req, res) => void res.json({ signIn: true }));
  router.post('/v1/browser-session', express.json({ limit: '4kb' }), async (req, res) => {
    res.setHeader('Cache-Control', 'no-store');
    const { principal } = await httpAuth.credentials(req, { allow: ['service'] });
    if (!ASKING_PLUGINS.includes(principal.subject)) {
      throw new NotAllowedError(
        `Only ${ASKING_PLUGINS.join(', ')} may ask who is signed in in a browser, not ${principal.subject}`,
      );
    }
    const body = bodySchema.safeParse(req.body);
    if (!body.success) {
      throw new InputError(`Expected { session }: ${z.prettifyError(body.error)}`);
    }
    const userEntityRef = await sessions.findUser(body.data.session);
    if (userEntityRef === undefined) {
      // A body of its own: where there is no such endpoint, the status could be the same.
      res.status(401).json({ error: 'not_signed_in' });
      return;
    }
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + TOKEN_SECONDS;
    const token = await issueUserToken({ keys, issuer, userEntityRef, issuedAt, expiresAt });
    res.json({ userEntityRef, token, expiresAt: new Date(expiresAt * 1000).toISOString() });
  });
  return router;
}
