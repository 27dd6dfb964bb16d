import { hash } from 'node:crypto';
import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';

/** What ends otherwise than by its own expiry, such as by a key that is withdrawn, ends within this time. */
const KEPT_MS = 10_000;
const MAX_KEPT = 10_000;

interface Verified {
  readonly credentials: BackstageCredentials;
  readonly untilMs: number;
}

/**
 * Remembers for a short time which tokens were good, and never beyond the expiry that a token itself
 * has: to verify one again costs as much as a whole call. Refusals are not remembered.
 */
export class VerifiedTokens {
  readonly #auth: AuthService;
  readonly #nowMs: () => number;
  /** By the SHA-256 of the token, from the oldest to the newest. */
  readonly #verified = new Map<string, Verified>();

  constructor(options: { auth: AuthService; nowMs?: () => number }) {
    this.#auth = options.auth;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** As `authenticate` of the service, for tokens with full access. */
  async authenticate(token: string): Promise<BackstageCredentials> {
    const key = hash('sha256', token, 'base64');
    const nowMs = this.#nowMs();
    const kept = this.#verified.get(key);
    if (kept && nowMs < kept.untilMs) {
      return kept.credentials;
    }
    this.#verified.delete(key);
    const credentials = await this.#auth.authenticate(token);
    const untilMs = Math.min(nowMs + KEPT_MS, expiryOf(token), credentials.expiresAt?.getTime() ?? Infinity);
    this.#verified.delete(key);
    this.#verified.set(key, { credentials, untilMs });
    if (this.#verified.size > MAX_KEPT) {
      const [oldest] = this.#verified.keys();
      this.#verified.delete(oldest as string);
    }
    return credentials;
  }
}

/** When a JWT says that it expires, in milliseconds; `Infinity` for whatever says nothing. */
function expiryOf(token: string): number {
  const [, payload, signature] = token.split('.');
  if (!payload || !signature) {
    return Infinity;
  }
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof exp === 'number' ? exp * 1000 : Infinity;
  } catch {
    return Infinity; // no JWT, though it has dots
  }
}
