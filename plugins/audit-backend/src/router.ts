import type { AuditorService, HttpAuthService, PermissionsService } from '@backstage/backend-plugin-api';
import { NotAllowedError, toError } from '@backstage/errors';
import { AuthorizeResult } from '@backstage/plugin-permission-common';
import { parseRequest } from '@callboard/actions-api';
import type { Request, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import * as z from 'zod';
import type { AuditEvents } from './database/AuditEvents.js';
import type { ChainVerification } from './database/verifyChains.js';
import { eventQuerySchema, findEvents } from './eventQuery.js';
import { auditEventReadPermission } from './permissions.js';

const httpQuerySchema = z.preprocess(
  query => ({ ...(query as object), ...(isNumeric(query) && { limit: Number((query as { limit: string }).limit) }) }),
  eventQuerySchema,
);

export function createAuditRouter(options: {
  events: AuditEvents;
  verify: () => Promise<ChainVerification[]>;
  auditor: AuditorService;
  httpAuth: HttpAuthService;
  permissions: PermissionsService;
}): Router {
  const { events, verify, auditor, httpAuth, permissions } = options;
  const router = PromiseRouter();
  // Whoever asks twice at once gets the same answer: it takes a while.
  let verification: Promise<ChainVerification[]> | undefined;

  /** Reading the trail is on record as well. */
  async function answer<T>(request: Request, eventId: string, find: () => Promise<T>): Promise<T> {
    const event = await auditor.createEvent({ eventId, request, severityLevel: 'medium' });
    try {
      const credentials = await httpAuth.credentials(request, { allow: ['user', 'service'] });
      const [decision] = await permissions.authorize([{ permission: auditEventReadPermission }], { credentials });
      if (decision?.result !== AuthorizeResult.ALLOW) {
        throw new NotAllowedError(`Reading the audit trail needs the permission ${auditEventReadPermission.name}`);
      }
      const found = await find();
      await event.success();
      return found;
    } catch (error) {
      await event.fail({ error: toError(error) });
      throw error;
    }
  }

  router.get('/v1/events', async (request, response) => {
    const page = await answer(request, 'event-fetch', () => {
      const query = parseRequest(httpQuerySchema, request.query, 'query');
      return findEvents(events, query);
    });
    response.set('Cache-Control', 'no-store').json(page);
  });

  router.get('/v1/verification', async (request, response) => {
    const chains = await answer(request, 'trail-verify', () => {
      verification ??= verify().finally(() => {
        verification = undefined;
      });
      return verification;
    });
    response.set('Cache-Control', 'no-store').json({ ok: chains.every(({ ok }) => ok), chains });
  });

  return router;
}

function isNumeric(query: unknown): boolean {
  return /^\d{1,6}$/.test(String((query as { limit?: unknown }).limit));
}
