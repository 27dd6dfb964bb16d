import type { Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type { PagesOptions } from './PagesOptions.js';

/** The way back from an identity provider. */
export function createProviderRouter({ signIn, sessions, auditor, logger }: PagesOptions): Router {
  const router = PromiseRouter();
  const { providers } = signIn;
  if (!providers) {
    return router;
  }
  router.get('/:providerId/handler/frame', async (req, res) => {
    const event = await auditor.createEvent({
      eventId: 'sign-in',
      severityLevel: 'medium',
      meta: { method: `provider:${req.params.providerId}`, address: req.ip ?? '' },
    });
    try {
      const { userEntityRef, returnTo } = await providers.finish(req, res);
      await sessions.signIn(req, res, userEntityRef);
      await event.success({ meta: { userEntityRef } });
      res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).redirect(303, returnTo);
    } catch (error) {
      logger.warn(`Sign-in with ${req.params.providerId} failed`, error as Error);
      await event.fail({ error: error as Error });
      throw error;
    }
  });
  return router;
}
