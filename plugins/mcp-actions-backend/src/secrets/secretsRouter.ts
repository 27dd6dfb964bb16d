import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AuditorService, LoggerService } from '@backstage/backend-plugin-api';
import { ConflictError, NotAllowedError, NotFoundError, toError } from '@backstage/errors';
import type { KeptRequest, SecretsDesk } from '@callboard/actions';
import { principalName, visibleText } from '@callboard/actions-api';
import {
  answerErrors,
  type BrowserUsers,
  checkCsrfToken,
  checkSameOrigin,
  csrfToken,
  readField,
  refuseForeignHosts,
  renderErrorPage,
  sendPage,
} from '@callboard/pages';
import express, { type Request, type Response, type Router } from 'express';
import PromiseRouter from 'express-promise-router';
import { MissLimit } from './MissLimit.js';
import { fieldsOfSecrets, problemsByField, readSecrets } from './secretFields.js';
import { renderEnteredPage, renderSecretsPage } from './secretsPage.js';

const MAX_FORM = '64kb';
const MAX_PARAMETERS = 100;
const MAX_ID = 60;
/** What is typed here goes nowhere else. */
const POLICY = ["form-action 'self'"];

// From src/secrets/ and from dist/secrets/ alike.
const script = readFileSync(fileURLToPath(new URL('../../assets/reveal.js', import.meta.url)), 'utf8');

export const SECRETS = '/secrets';

/** A user who is signed in in a browser. */
interface Visitor {
  readonly user: string;
  readonly secret: string;
}

/** What was entered is not what the action takes; what is wrong with it is for whoever entered it. */
class NotAccepted extends Error {
  override name = 'NotAccepted';
  readonly problems: ReadonlyMap<string, string>;

  constructor(problems: ReadonlyMap<string, string>) {
    super(`What was entered has ${problems.size} mistakes`);
    this.problems = problems;
  }
}

/** The pages on which people enter the secrets of calls, below `/secrets`. */
export function createSecretsRouter(options: {
  desk: SecretsDesk;
  users: BrowserUsers;
  auditor: AuditorService;
  logger: LoggerService;
  /** External URL of the plugin. */
  baseUrl: string;
  /** External URL of the auth plugin. */
  authUrl: string;
  nowMs: () => number;
}): Router {
  const { desk, users, auditor, logger, baseUrl, authUrl, nowMs } = options;
  const pagesPath = new URL(baseUrl + SECRETS).pathname;
  const scriptUrl = `${baseUrl}${SECRETS}/reveal.js`;
  const accountAt = new URL(`${authUrl}/connections`).pathname;
  const pathOf = (id: string) => `${pagesPath}/${encodeURIComponent(id)}`;
  const misses = new MissLimit({ nowMs });
  const router = PromiseRouter();

  router.use(SECRETS, refuseForeignHosts(baseUrl));

  router.get(`${SECRETS}/reveal.js`, (_req, res) => {
    res.set({ 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' }).type('text/javascript').send(script);
  });

  // The same for everybody, at an address of its own: nothing can be told from it, and loading it again sends nothing.
  router.get(`${SECRETS}/entered`, (_req, res) => sendPage(res, renderEnteredPage(), 200, undefined, POLICY));

  router.get(`${SECRETS}/:id`, async (req, res) => {
    const { id } = req.params;
    const visitor = await admit(req, res, id);
    if (!visitor) {
      return;
    }
    const found = await desk.find(id);
    // Somebody who was sent the address of another's call: that has to be on record.
    const isForeign = found && !desk.mayEnter(found.request, visitor.user);
    const kept = isForeign ? await audited(visitor, id, () => getOwn(visitor, id)) : await getOwn(visitor, id);
    if (kept.isEntered) {
      sendPage(res, renderEnteredPage(), 200, undefined, POLICY);
      return;
    }
    sendForm(res, visitor, kept);
  });

  router.post(
    `${SECRETS}/:id`,
    express.urlencoded({ extended: false, limit: MAX_FORM, parameterLimit: MAX_PARAMETERS }),
    async (req, res) => {
      const id = String(req.params.id);
      checkSameOrigin(req, baseUrl);
      res.locals.retryAt = pathOf(id);
      const visitor = await admit(req, res, id);
      if (!visitor) {
        return;
      }
      try {
        await audited(visitor, id, async () => {
          checkCsrfToken(visitor, formOf(id), readField(req, 'csrf'));
          await enter(await getOwn(visitor, id), req);
        });
      } catch (error) {
        if (!(error instanceof NotAccepted)) {
          throw error;
        }
        sendForm(res, visitor, await getOwn(visitor, id), error.problems);
        return;
      }
      res.set('Cache-Control', 'no-store').redirect(303, `${pagesPath}/entered`);
    },
  );

  router.use(SECRETS, answerErrors({ logger }));
  return router;

  /** @returns undefined if an answer was sent. */
  async function admit(req: Request, res: Response, id: string): Promise<Visitor | undefined> {
    const found = await users.identify(req);
    if (found.state === 'signed-out') {
      res.set('Cache-Control', 'no-store').redirect(303, await users.signInUrl(pathOf(id)));
      return undefined;
    }
    if (found.state === 'no-sign-in') {
      sendPage(res, renderErrorPage({ title: 'There is no sign-in here', explanation: NO_SIGN_IN }), 501);
      return undefined;
    }
    const user = principalName(found.credentials);
    const waitSeconds = misses.waitSeconds(user);
    if (waitSeconds > 0) {
      res.set('Retry-After', String(waitSeconds));
      const explanation = `You have opened too many addresses that are not for you. Try again in ${waitSeconds} seconds.`;
      sendPage(res, renderErrorPage({ title: 'Wait a moment', explanation }), 429);
      return undefined;
    }
    return { user, secret: found.secret };
  }

  /**
   * @throws NotFoundError for what is over and what never was, alike.
   * @throws NotAllowedError if somebody else has to enter them.
   */
  async function getOwn({ user }: Visitor, id: string): Promise<KeptRequest> {
    const kept = await desk.find(id);
    if (kept && desk.mayEnter(kept.request, user)) {
      return kept;
    }
    misses.count(user);
    throw kept
      ? new NotAllowedError(
          'This is not yours: the secrets are for a call of somebody else. If somebody has sent you this address, tell whoever runs this server.',
        )
      : new NotFoundError(
          'Nothing has to be entered here: it has been entered, it is over, or it never was. If your agent still waits, have it make the call again.',
        );
  }

  /** @throws NotAccepted if something is wrong with what was entered. */
  async function enter({ request, isEntered }: KeptRequest, req: Request): Promise<void> {
    if (isEntered) {
      throw new ConflictError('The secrets have been entered already. You can close this page.');
    }
    const fields = fieldsOfSecrets(request.action.schema.secrets ?? {});
    const given = readSecrets(fields, input => readField(req, input));
    if ('problems' in given) {
      throw new NotAccepted(given.problems);
    }
    const issues = await desk.enter(request.id, given.secrets);
    if (issues.length > 0) {
      throw new NotAccepted(problemsByField(fields, issues, given.secrets));
    }
  }

  /** Has it on record who enters secrets, or tries to, for whose call; never what. */
  async function audited<T>({ user }: Visitor, id: string, run: () => Promise<T>): Promise<T> {
    const request = (await desk.find(id))?.request;
    const event = await auditor.createEvent({
      eventId: 'secrets-entry',
      severityLevel: 'high',
      meta: {
        secretsId: visibleText(id, MAX_ID),
        principal: user,
        ...(request && { actionId: request.action.id, requestedBy: request.principal }),
      },
    });
    try {
      const result = await run();
      await event.success();
      return result;
    } catch (error) {
      await event.fail({ error: toError(error) });
      throw error;
    }
  }

  function sendForm(
    res: Response,
    { user, secret }: Visitor,
    kept: KeptRequest,
    problems?: ReadonlyMap<string, string>,
  ): void {
    const { id, action } = kept.request;
    const page = renderSecretsPage({
      kept,
      fields: fieldsOfSecrets(action.schema.secrets ?? {}),
      ...(problems && { problems }),
      form: { action: pathOf(id), hidden: { csrf: csrfToken({ secret }, formOf(id)) } },
      user,
      accountAt,
      script: scriptUrl,
      nowMs: nowMs(),
    });
    sendPage(res, page, problems ? 400 : 200, scriptUrl, POLICY);
  }
}

const NO_SIGN_IN =
  'This page needs the auth plugin of Callboard, which is not on, or does not sign people in, on this server.';

function formOf(id: string): string {
  return `secrets:${id}`;
}
