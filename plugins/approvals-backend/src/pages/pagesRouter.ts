import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BackstageCredentials, LoggerService } from '@backstage/backend-plugin-api';
import { InputError } from '@backstage/errors';
import type { Approval } from '@callboard/actions-api';
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
import type { ApprovalDesk, Viewer } from '../ApprovalDesk.js';
import { MAX_COMMENT_CHARACTERS } from '../ApprovalDesk.js';
import type { ApprovalWatch } from './ApprovalWatch.js';
import { renderApprovalPage } from './approvalPage.js';
import type { EventStreams } from './eventStreams.js';
import { renderListPage } from './listPage.js';

const MAX_FORM = '16kb';
const MAX_PENDING = 100;
const MAX_RECENT = 30;

// From src/pages/ and from dist/pages/ alike.
const script = readFileSync(fileURLToPath(new URL('../../assets/live.js', import.meta.url)), 'utf8');

export const PAGES = '/v1/pages';

/** Somebody who is signed in in a browser and may look at approvals. */
interface Visitor {
  readonly credentials: BackstageCredentials;
  readonly viewer: Viewer;
  readonly secret: string;
}

/** The pages on which people decide, below `/v1/pages`. */
export function createPagesRouter(options: {
  desk: ApprovalDesk;
  users: BrowserUsers;
  watch: ApprovalWatch;
  streams: EventStreams;
  logger: LoggerService;
  /** External URL of the plugin. */
  baseUrl: string;
  /** External URL of the auth plugin. */
  authUrl: string;
  now: () => Date;
}): Router {
  const { desk, users, watch, streams, logger, baseUrl, authUrl, now } = options;
  const pagesUrl = baseUrl + PAGES;
  const pagesPath = new URL(pagesUrl).pathname;
  const scriptUrl = `${pagesUrl}/live.js`;
  const accountAt = new URL(`${authUrl}/connections`).pathname;
  const pathOf = (id: string) => `${pagesPath}/${encodeURIComponent(id)}`;
  const router = PromiseRouter();

  router.use(PAGES, refuseForeignHosts(baseUrl));

  router.get(`${PAGES}/live.js`, (_req, res) => {
    res.set({ 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' }).type('text/javascript').send(script);
  });

  router.get(PAGES, async (req, res) => {
    const visitor = await admit(req, res, pagesPath);
    if (!visitor) {
      return;
    }
    const { viewer } = visitor;
    // Before what is shown is read: what changes in between is shown again rather than missed.
    const version = await watch.versionOf('all');
    const [pending, latest] = await Promise.all([
      desk.list(viewer, { state: 'pending', limit: MAX_PENDING + 1 }),
      desk.list(viewer, { limit: MAX_PENDING + MAX_RECENT }),
    ]);
    const page = renderListPage({
      pending: pending.slice(0, MAX_PENDING),
      hasMore: pending.length > MAX_PENDING,
      recent: latest.filter(({ state }) => state !== 'pending').slice(0, MAX_RECENT),
      version,
      principal: viewer.principal,
      isApprover: viewer.isApprover,
      pageOf: ({ id }) => pathOf(id),
      accountAt,
      eventsAt: `${pagesPath}/events`,
      script: scriptUrl,
      nowMs: now().getTime(),
    });
    sendPage(res, page, 200, scriptUrl);
  });

  router.get(`${PAGES}/events`, async (req, res) => {
    if (await admitToEvents(req, res)) {
      streams.start(req, res, 'all');
    }
  });

  router.get(`${PAGES}/:id`, async (req, res) => {
    const { id } = req.params;
    const visitor = await admit(req, res, pathOf(id));
    if (visitor) {
      await sendApproval(res, visitor, await desk.get(visitor.viewer, id));
    }
  });

  router.get(`${PAGES}/:id/events`, async (req, res) => {
    const visitor = await admitToEvents(req, res);
    if (visitor) {
      const { id } = await desk.get(visitor.viewer, req.params.id);
      streams.start(req, res, { id });
    }
  });

  router.post(
    `${PAGES}/:id/decision`,
    express.urlencoded({ extended: false, limit: MAX_FORM, parameterLimit: 10 }),
    async (req, res) => {
      const id = String(req.params.id);
      checkSameOrigin(req, baseUrl);
      res.locals.retryAt = pathOf(id);
      const visitor = await admit(req, res, pathOf(id));
      if (!visitor) {
        return;
      }
      checkCsrfToken(visitor, formOf(id), readField(req, 'csrf'));
      await desk.decide(visitor.credentials, id, {
        state: readDecision(req),
        channel: 'page',
        comment: readField(req, 'comment').slice(0, MAX_COMMENT_CHARACTERS),
      });
      res.set('Cache-Control', 'no-store').redirect(303, pathOf(id));
    },
  );

  router.use(PAGES, answerErrors({ logger }));
  return router;

  async function sendApproval(res: Response, { viewer, secret }: Visitor, approval: Approval): Promise<void> {
    const { id } = approval;
    const hindrance = desk.hindranceOf(viewer, approval, 'page');
    const page = renderApprovalPage({
      approval,
      version: approval.state,
      principal: viewer.principal,
      hindrance,
      decision: hindrance
        ? undefined
        : { action: `${pathOf(id)}/decision`, hidden: { csrf: csrfToken({ secret }, formOf(id)) } },
      listAt: pagesPath,
      accountAt,
      eventsAt: `${pathOf(id)}/events`,
      script: scriptUrl,
      nowMs: now().getTime(),
    });
    sendPage(res, page, 200, scriptUrl);
  }

  /** @returns undefined if nobody is signed in, and an answer was sent. */
  async function admit(req: Request, res: Response, returnTo: string): Promise<Visitor | undefined> {
    const user = await users.identify(req);
    switch (user.state) {
      case 'signed-in':
        return { ...user, viewer: await desk.admit(user.credentials) };
      case 'signed-out':
        res.set('Cache-Control', 'no-store').redirect(303, await users.signInUrl(returnTo));
        return undefined;
      default:
        sendPage(res, renderErrorPage({ title: 'There is no sign-in here', explanation: howElse(baseUrl) }), 501);
        return undefined;
    }
  }

  async function admitToEvents(req: Request, res: Response): Promise<Visitor | undefined> {
    const user = await users.identify(req);
    if (user.state !== 'signed-in') {
      res.status(401).set('Cache-Control', 'no-store').end();
      return undefined;
    }
    return { ...user, viewer: await desk.admit(user.credentials) };
  }
}

function howElse(baseUrl: string): string {
  return `This page needs the auth plugin of Callboard, which is not on, or does not sign people in, on this server. Decide over REST instead, with a Backstage token: POST ${baseUrl}/v1/approvals/<id>/approve or /deny. Or by the actions approvals:get-pending-approvals, approvals:approve and approvals:deny.`;
}

function readDecision(req: Request): 'approved' | 'denied' {
  switch (readField(req, 'decision')) {
    case 'approve':
      return 'approved';
    case 'deny':
      return 'denied';
    default:
      throw new InputError('The form says neither approve nor deny.');
  }
}

function formOf(id: string): string {
  return `approval:${id}`;
}
