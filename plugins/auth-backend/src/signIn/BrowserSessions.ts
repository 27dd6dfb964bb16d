import { createHash, randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Knex } from 'knex';
import { readCookie } from './cookies.js';

const lifetimeSeconds = 12 * 60 * 60;
const idPattern = /^[\w-]{43}$/;

interface SessionRow {
  id_hash: string;
  user_entity_ref: string;
  expires_at: string;
}

/** A browser that asks for a page. */
export interface Browser {
  /** Known to this browser and to nobody else: what its forms carry is derived from it. */
  secret: string;
  /** Absent until somebody signs in. */
  userEntityRef?: string;
}

/**
 * Remembers who is signed in in which browser. The cookie holds a random id, the database its hash: replicas share
 * sessions without sharing a key, signing out ends one for good, and a copy of the database opens none.
 */
export class BrowserSessions {
  readonly #db: Knex;
  readonly #now: () => Date;
  readonly #cookie: { name: string; secure: boolean; path: string };

  /** @param options.baseUrl - External URL under which the pages are served. */
  constructor(options: { db: Knex; now: () => Date; baseUrl: string }) {
    this.#db = options.db;
    this.#now = options.now;
    const { protocol, pathname } = new URL(options.baseUrl);
    // Browsers take a __Host- cookie only from https, so that no neighbour under the same domain can plant one.
    this.#cookie =
      protocol === 'https:'
        ? { name: '__Host-callboard-session', secure: true, path: '/' }
        : { name: 'callboard-session', secure: false, path: pathname };
  }

  /** Tells who asks; a browser seen for the first time gets a cookie of its own. */
  async identify(req: Request, res: Response): Promise<Browser> {
    const id = this.#readCookie(req);
    if (id === undefined) {
      return { secret: this.#setNewCookie(res) };
    }
    const row = await this.#db<SessionRow>('browser_sessions')
      .where({ id_hash: hashId(id) })
      .where('expires_at', '>', this.#now().toISOString())
      .first();
    return { secret: id, userEntityRef: row?.user_entity_ref };
  }

  /** Gives the browser a new id, so that one known before the sign-in is worth nothing after it. */
  async signIn(req: Request, res: Response, userEntityRef: string): Promise<void> {
    const now = this.#now();
    await this.#endSession(req);
    await this.#db<SessionRow>('browser_sessions').where('expires_at', '<=', now.toISOString()).delete();
    await this.#db<SessionRow>('browser_sessions').insert({
      id_hash: hashId(this.#setNewCookie(res)),
      user_entity_ref: userEntityRef,
      expires_at: new Date(now.getTime() + lifetimeSeconds * 1000).toISOString(),
    });
  }

  async signOut(req: Request, res: Response): Promise<void> {
    await this.#endSession(req);
    this.#setNewCookie(res);
  }

  async #endSession(req: Request): Promise<void> {
    const id = this.#readCookie(req);
    if (id !== undefined) {
      await this.#db<SessionRow>('browser_sessions')
        .where({ id_hash: hashId(id) })
        .delete();
    }
  }

  #readCookie(req: Request): string | undefined {
    const id = readCookie(req, this.#cookie.name);
    return id !== undefined && idPattern.test(id) ? id : undefined;
  }

  #setNewCookie(res: Response): string {
    const id = randomBytes(32).toString('base64url');
    const { name, secure, path } = this.#cookie;
    res.cookie(name, id, { httpOnly: true, sameSite: 'lax', secure, path, maxAge: lifetimeSeconds * 1000 });
    return id;
  }
}

function hashId(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
