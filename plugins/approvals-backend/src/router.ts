import type { HttpAuthService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import { parseRequest } from '@callboard/actions-api';
import express, { type ErrorRequestHandler, type Request, type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import * as z from 'zod';
import type { ApprovalDesk } from './ApprovalDesk.js';
import { type ApprovalsJson, approvalQuerySchema, commentSchema } from './approvalJson.js';

const MAX_BODY = '16kb';

const decisionSchema = z.strictObject({ comment: commentSchema });

/** Approvals for programs, below `/v1/approvals`. */
export function createApprovalsRouter(options: {
  desk: ApprovalDesk;
  json: ApprovalsJson;
  httpAuth: HttpAuthService;
}): Router {
  const { desk, json, httpAuth } = options;
  const router = PromiseRouter();
  const credentialsOf = (request: Request) => httpAuth.credentials(request, { allow: ['user', 'service'] });

  router.use('/v1/approvals', (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });

  router.get('/v1/approvals', async (request, response) => {
    const viewer = await desk.admit(await credentialsOf(request));
    const query = parseRequest(approvalQuerySchema, request.query, 'query');
    response.json(await json.list(viewer, query));
  });

  router.get('/v1/approvals/:id', async (request, response) => {
    const viewer = await desk.admit(await credentialsOf(request));
    response.json(json.write(await desk.get(viewer, request.params.id)));
  });

  for (const [verb, state] of [
    ['approve', 'approved'],
    ['deny', 'denied'],
  ] as const) {
    router.post(
      `/v1/approvals/:id/${verb}`,
      requireJson,
      express.json({ limit: MAX_BODY }),
      async (request, response) => {
        const credentials = await credentialsOf(request);
        const { comment } = parseRequest(decisionSchema, request.body ?? {}, 'body');
        const decided = await desk.decide(credentials, String(request.params.id), { state, channel: 'rest', comment });
        response.json(json.write(decided));
      },
    );
  }

  router.use('/v1/approvals', explainBody);
  return router;
}

const requireJson: express.RequestHandler = (request, _response, next) => {
  // `null` without a body, which is as good as `{}`.
  if (request.is('application/json') === false) {
    throw new InputError('Invalid body: expected Content-Type application/json');
  }
  next();
};

const explainBody: ErrorRequestHandler = (error, _request, _response, next) => {
  next(error?.type === 'entity.parse.failed' ? new InputError('Invalid body: expected a JSON object') : error);
};
