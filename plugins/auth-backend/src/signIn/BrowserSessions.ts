import { createHash, randomBytes } from 'node:crypto';
import { readSessionId, type SessionCookie, sessionCookieOf } from '@callboard/pages';
import type { Request, Response } from 'express';
import type { Knex } from 'knex';

const lifetimeSeconds = 12 * 60 * 60;

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
  readonly #cookie: SessionCookie;

  /** @param options.baseUrl - External URL under which the pages are served. */
  constructor(options: { db: Knex; now: () => Date; baseUrl: string }) {
    this.#db = options.db;
    this.#now = options.now;
    this.#cookie = sessionCookieOf(options.baseUrl);
  }

  /** Tells who asks; a browser seen for the first time gets a cookie of its own. */
  async identify(req: Request, res: Response): Promise<Browser> {
    const id = readSessionId(req, this.#cookie);
    if (id === undefined) {
      return { secret: this.#setNewCookie(res) };
    }
    return { secret: id, userEntityRef: await this.findUser(id) };
  }

  /** @returns who is signed in in the browser whose cookie holds this. */
  async findUser(id: string): Promise<string | undefined> {
    const row = await this.#db<SessionRow>('browser_sessions')
      .where({ id_hash: hashId(id) })
      .where('expires_at', '>', this.#now().toISOString())
      .first();
    return row?.user_entity_ref;
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
    const id = readSessionId(req, this.#cookie);
    if (id !== undefined) {
      await this.#db<SessionRow>('browser_sessions')
        .where({ id_hash: hashId(id) })
        .delete();
    }
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
