import type { AuditorService, HttpAuthService } from '@backstage/backend-plugin-api';
import { NotFoundError, toError } from '@backstage/errors';
import type { BasicPermission } from '@backstage/plugin-permission-common';
import { type ExplanationsService, parseRequest, principalName, visibleText } from '@callboard/actions-api';
import express, { type Request, type Response, type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import type * as z from 'zod';
import { describeCaller, explainBodySchema, explainQuerySchema } from './explain/explainRequests.js';
import type { Operators } from './Operators.js';
import { MAX_REASON } from './pause/Pause.js';
import type { PauseSwitch } from './pause/PauseSwitch.js';
import { pauseRequestSchema, resumeRequestSchema, showStatus } from './pause/pauseRequests.js';
import {
  definitionsAcceptPermission,
  definitionsReadPermission,
  explainPermission,
  pausePermission,
} from './permissions.js';
import type { DefinitionReview } from './pinning/DefinitionReview.js';
import { acceptanceSchema, definitionsQuerySchema } from './pinning/definitionRequests.js';

const MAX_BODY = '1mb';

export function createSafetyRouter(options: {
  pauses: PauseSwitch;
  /** `undefined` if `safety.pinning` is off. */
  definitions: DefinitionReview | undefined;
  explanations: ExplanationsService;
  operators: Operators;
  auditor: AuditorService;
  httpAuth: HttpAuthService;
}): Router {
  const { pauses, explanations, operators, auditor, httpAuth } = options;
  const router = PromiseRouter();
  const json = express.json({ limit: MAX_BODY });

  const authenticate = (request: Request) => httpAuth.credentials(request, { allow: ['user', 'service'] });

  /** What operators do is on record, also what they may not do. */
  async function operate<T>(
    request: Request,
    deed: { eventId: string; name: string; permission: BasicPermission },
    act: (principal: string) => Promise<T>,
  ): Promise<T> {
    const event = await auditor.createEvent({ eventId: deed.eventId, request, severityLevel: 'high' });
    try {
      const principal = await operators.authorize(await authenticate(request), deed.permission, deed.name);
      const done = await act(principal);
      await event.success();
      return done;
    } catch (error) {
      await event.fail({ error: toError(error) });
      throw error;
    }
  }

  const pausing = { eventId: 'pause', name: 'Pausing', permission: pausePermission };
  const resuming = { eventId: 'resume', name: 'Resuming', permission: pausePermission };
  const accepting = {
    eventId: 'definitions-accept',
    name: 'Accepting definitions',
    permission: definitionsAcceptPermission,
  };

  router.get('/v1/status', async (request, response) => {
    await authenticate(request);
    reply(response, showStatus(await pauses.list()));
  });

  router.post('/v1/pause', json, async (request, response) => {
    const status = await operate(request, pausing, async by => {
      const { scope, reason } = parse(pauseRequestSchema, request.body);
      await pauses.pause({ scope, reason: visibleText(reason, MAX_REASON), by });
      return showStatus(await pauses.list());
    });
    reply(response, status);
  });

  router.post('/v1/resume', json, async (request, response) => {
    const status = await operate(request, resuming, async by => {
      const { reason } = parse(resumeRequestSchema, request.body);
      const left = await pauses.resume({ by, ...(reason && { reason: visibleText(reason, MAX_REASON) }) });
      return showStatus(left);
    });
    reply(response, status);
  });

  router.get('/v1/definitions', async (request, response) => {
    await operators.authorize(await authenticate(request), definitionsReadPermission, 'Looking at definitions');
    const { state } = parse(definitionsQuerySchema, request.query);
    const definitions = getDefinitions(options.definitions);
    reply(response, {
      definitions: await (state === 'held' ? definitions.listHeld() : definitions.listAccepted()),
    });
  });

  router.post('/v1/definitions/accept', json, async (request, response) => {
    const accepted = await operate(request, accepting, principal =>
      getDefinitions(options.definitions).accept(parse(acceptanceSchema, request.body), principal),
    );
    reply(response, { accepted });
  });

  async function explain(request: Request, about: z.output<typeof explainBodySchema>) {
    const credentials = await authenticate(request);
    const caller = describeCaller(about, principalName(credentials));
    const isAboutSelf = caller.principal === principalName(credentials);
    if (!isAboutSelf) {
      await operators.authorize(credentials, explainPermission, 'Asking about others');
    }
    return explanations.explain({
      ...caller,
      ...(isAboutSelf && { credentials }),
      action: about.action,
      ...(about.input !== undefined && { input: about.input }),
    });
  }

  router.get('/v1/explain', async (request, response) => {
    reply(response, await explain(request, parse(explainQuerySchema, request.query)));
  });

  router.post('/v1/explain', json, async (request, response) => {
    reply(response, await explain(request, parse(explainBodySchema, request.body)));
  });

  return router;
}

function reply(response: Response, body: object): void {
  response.set('Cache-Control', 'no-store').json(body);
}

function getDefinitions(definitions: DefinitionReview | undefined): DefinitionReview {
  if (!definitions) {
    throw new NotFoundError('Definitions are not pinned: safety.pinning is off');
  }
  return definitions;
}

/** @throws InputError that says where and what. */
function parse<TSchema extends z.ZodType>(schema: TSchema, given: unknown): z.output<TSchema> {
  // Without a body, or with one that is not JSON, the parser leaves an empty object or nothing.
  // Without a body, or with one that is not JSON, the parser leaves an empty object or nothing.
  return parseRequest(schema, given ?? {}, 'request');
}
