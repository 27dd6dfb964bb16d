import type { AuditorService, HttpAuthService, LoggerService } from '@backstage/backend-plugin-api';
import express, { type Request, type Response, type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import { describeError } from '../errors.js';
import { Invocation } from '../invocation/Invocation.js';
import type { InvocationPolicy } from '../invocation/invocationPolicy.js';
import { invokeAction } from '../invocation/invokeAction.js';
import type { PluginActions } from './PluginActions.js';

const MAX_BODY = '1mb';

/**
 * The HTTP contract of Backstage's distributed actions, which other backends and the Backstage CLI
 * speak: a list, and the invoke endpoints v1 (the body is the input) and v2 (`{ input, secrets }`).
 */
export function createActionsRouter(options: {
  actions: PluginActions;
  auditor: AuditorService;
  policy: InvocationPolicy;
  httpAuth: HttpAuthService;
  logger: LoggerService;
}): Router {
  const { actions, auditor, policy, httpAuth, logger } = options;
  const router = PromiseRouter();
  router.use('/.backstage/actions/', express.json({ limit: MAX_BODY }));

  router.get('/.backstage/actions/v1/actions', async (req, res) => {
    const credentials = await httpAuth.credentials(req);
    const { descriptors } = await actions.list(async () => credentials);
    res.json({ actions: descriptors });
  });

  const invoke =
    (readBody: (body: unknown) => { input: unknown; secrets?: unknown }) => async (req: Request, res: Response) => {
      const signal = abortedWhenClosed(res);
      const credentials = await httpAuth.credentials(req);
      const id = req.params.actionId as string;
      const invocation = new Invocation({
        ...readBody(req.body),
        name: id,
        find: () => actions.find(id, credentials),
        credentials,
        door: 'http',
        signal,
      });
      try {
        const output = await invokeAction(invocation, {
          policy,
          auditor,
          audit: { eventId: 'action-execution', request: req },
        });
        res.json({ output });
      } catch (error) {
        const described = describeError(error, { requestId: invocation.requestId, subject: `Action "${id}"` });
        if (!described.expected) {
          const level = invocation.signal.aborted ? 'debug' : 'error';
          logger[level](`Action "${id}" failed unexpectedly, request id ${invocation.requestId}`, error as Error);
        }
        // The shape of Backstage's error answers, which its clients turn back into errors.
        res.status(described.status).json({
          error: { name: described.name, message: described.message },
          request: { method: req.method, url: req.url },
          response: { statusCode: described.status },
        });
      }
    };
  router.post(
    '/.backstage/actions/v1/actions/:actionId/invoke',
    invoke(body => ({ input: body })),
  );
  router.post(
    '/.backstage/actions/v2/actions/:actionId/invoke',
    invoke(body => {
      const { input, secrets } = body as { input: unknown; secrets?: unknown };
      return { input, secrets };
    }),
  );
  return router;
}

function abortedWhenClosed(res: Response): AbortSignal {
  const controller = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) {
      controller.abort();
    }
  });
  return controller.signal;
}
