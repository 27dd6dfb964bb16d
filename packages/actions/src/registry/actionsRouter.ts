import type { AuditorService, HttpAuthService, LoggerService } from '@backstage/backend-plugin-api';
import type { Request, Response, Router } from 'express';
import PromiseRouter from 'express-promise-router';
import { ApprovalRequiredError, type PendingApproval } from '../approval/approvalErrors.js';
import { describeError } from '../errors.js';
import { abortOnDisconnect } from '../http/disconnectSignal.js';
import { BodyError, readJsonBody } from '../http/readJsonBody.js';
import { Invocation } from '../invocation/Invocation.js';
import type { InvocationPolicy } from '../invocation/invocationPolicy.js';
import { invokeAction } from '../invocation/invokeAction.js';
import { CallerView, callerThrough } from '../policy/CallerView.js';
import type { PluginActions } from './PluginActions.js';

const BODY = { maxBytes: 1_048_576, timeoutMs: 30_000 };

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

  router.get('/.backstage/actions/v1/actions', async (req, res) => {
    const credentials = await httpAuth.credentials(req);
    const view = new CallerView({ ...policy, caller: callerThrough('http', credentials) });
    const { descriptors } = view.filter(await actions.list(async () => credentials));
    res.json({ actions: descriptors });
  });

  const invoke =
    (readInput: (body: unknown) => { input: unknown; secrets?: unknown }) => async (req: Request, res: Response) => {
      const signal = abortOnDisconnect(res);
      const credentials = await httpAuth.credentials(req);
      const id = req.params.actionId as string;
      const answer = (failure: { name: string; message: string; status: number; approval?: PendingApproval }) => {
        const { name, message, status, approval } = failure;
        // The shape of Backstage's error answers, which its clients turn back into errors.
        res.status(status).json({
          error: { name, message, ...(approval && { approval }) },
          request: { method: req.method, url: req.url },
          response: { statusCode: status },
        });
      };
      let body: unknown;
      try {
        body = hasBody(req) ? await readJsonBody(req, BODY) : {};
      } catch (error) {
        if (!(error instanceof BodyError)) {
          throw error;
        }
        res.set(error.closesConnection ? { Connection: 'close' } : {});
        answer({ name: 'InputError', message: `Cannot read the request: ${error.message}`, status: error.status });
        return;
      }
      const invocation = new Invocation({
        ...readInput(body),
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
          const level = invocation.ending.aborted ? 'debug' : 'error';
          logger[level](`Action "${id}" failed unexpectedly, request id ${invocation.requestId}`, error as Error);
        }
        answer({ ...described, ...(error instanceof ApprovalRequiredError && { approval: error.approval }) });
      }
    };
  router.post(
    '/.backstage/actions/v1/actions/:actionId/invoke',
    invoke(body => ({ input: body })),
  );
  router.post(
    '/.backstage/actions/v2/actions/:actionId/invoke',
    invoke(body => {
      const { input, secrets } = (body ?? {}) as { input?: unknown; secrets?: unknown };
      return { input, secrets };
    }),
  );
  return router;
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
