import { randomUUID } from 'node:crypto';
import { NotFoundError } from '@backstage/errors';
import type { Request, Response } from 'express';
import type { Interactions, PendingInteraction } from '../../engine/Interactions.js';

interface Started {
  pending: PendingInteraction;
  browser: string;
  answer?: { decision: 'approve' | 'deny'; scopes: string[] };
}

/** Authorization requests that live in memory and are bound to a browser by a cookie, as those of the engine are. */
export class FakeInteractions implements Interactions {
  readonly #started = new Map<string, Started>();
  readonly #basePath: string;

  constructor(options: { basePath: string }) {
    this.#basePath = options.basePath;
  }

  /** Begins one for the browser that asked. */
  start(res: Response, request: Omit<PendingInteraction, 'uid' | 'step' | 'userEntityRef'>): string {
    const uid = randomUUID();
    const browser = randomUUID();
    this.#started.set(uid, { browser, pending: { ...request, uid, step: 'sign-in' } });
    const path = `${this.#basePath}/interaction/${uid}`;
    res.cookie('interaction', `${uid}.${browser}`, { path, httpOnly: true, sameSite: 'lax' });
    return path;
  }

  answers() {
    return [...this.#started.values()].flatMap(({ answer }) => answer ?? []);
  }

  async get(req: Request): Promise<PendingInteraction> {
    const [, uid = '', browser] = /(?:^|;\s*)interaction=([^.;]+)\.([^;]+)/.exec(req.headers.cookie ?? '') ?? [];
    const started = this.#started.get(uid);
    if (!started || started.browser !== browser || started.answer) {
      throw new NotFoundError('This request for access is over. Begin again in your application.');
    }
    return started.pending;
  }

  async signIn(req: Request, _res: Response, result: { userEntityRef: string }) {
    const pending = await this.get(req);
    pending.step = 'consent';
    pending.userEntityRef = result.userEntityRef;
    return { redirectTo: `${this.#basePath}/interaction/${pending.uid}` };
  }

  async approve(req: Request, _res: Response, result: { scopes: string[] }) {
    return this.#answer(await this.get(req), { decision: 'approve', scopes: result.scopes }, `code=abc&state=xyz`);
  }

  async deny(req: Request) {
    return this.#answer(await this.get(req), { decision: 'deny', scopes: [] }, `error=access_denied&state=xyz`);
  }

  #answer(pending: PendingInteraction, answer: Started['answer'], query: string) {
    const started = this.#started.get(pending.uid);
    if (started) {
      started.answer = answer;
    }
    const { redirectUri } = pending.client;
    return { redirectTo: `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${query}` };
  }
}
