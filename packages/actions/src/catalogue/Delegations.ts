import type { AuthService, BackstageCredentials } from '@backstage/backend-plugin-api';
import { delegate } from './delegate.js';

/** As long as a verified token is good without another look. */
const KEPT_MS = 10_000;

interface Kept {
  readonly delegated: Promise<BackstageCredentials>;
  untilMs: number;
}

/**
 * Delegates credentials to plugins of this process, and remembers it for a short time: for a user, a
 * token is signed and verified each time otherwise. Kept no longer than the credentials that came of
 * it last, and with those that they were made from.
 */
export class Delegations {
  readonly #auth: AuthService;
  readonly #nowMs: () => number;
  readonly #kept = new WeakMap<BackstageCredentials, Map<string, Kept>>();

  constructor(options: { auth: AuthService; nowMs?: () => number }) {
    this.#auth = options.auth;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  /** As `delegate`. */
  to(target: AuthService, targetPluginId: string, credentials: BackstageCredentials): Promise<BackstageCredentials> {
    let perPlugin = this.#kept.get(credentials);
    if (!perPlugin) {
      perPlugin = new Map();
      this.#kept.set(credentials, perPlugin);
    }
    const nowMs = this.#nowMs();
    const known = perPlugin.get(targetPluginId);
    if (known && nowMs < known.untilMs) {
      return known.delegated;
    }
    const kept: Kept = {
      delegated: delegate({ auth: this.#auth, target, targetPluginId, credentials }),
      untilMs: nowMs + KEPT_MS,
    };
    perPlugin.set(targetPluginId, kept);
    kept.delegated.then(
      ({ expiresAt }) => {
        kept.untilMs = Math.min(kept.untilMs, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
      },
      () => perPlugin.delete(targetPluginId),
    );
    return kept.delegated;
  }
}
