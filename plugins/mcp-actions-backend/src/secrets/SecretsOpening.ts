import type { LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { toError } from '@backstage/errors';
import type { CatalogueEvents, SecretsDesk, SecretsPages } from '@callboard/actions';
import type { BrowserUsers } from '@callboard/pages';

const RETRY_MS = 30_000;

/**
 * Opens the pages for secrets where people can sign in: nobody else can be told from anybody, so
 * without that, actions that take secrets are no tools.
 */
export class SecretsOpening {
  readonly #desk: SecretsDesk;
  readonly #pages: SecretsPages;
  readonly #users: Pick<BrowserUsers, 'haveSignIn'>;
  readonly #events: CatalogueEvents;
  readonly #logger: LoggerService;
  readonly #known: () => readonly ActionsServiceAction[];
  readonly #retryMs: number;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: {
    desk: SecretsDesk;
    pages: SecretsPages;
    users: Pick<BrowserUsers, 'haveSignIn'>;
    events: CatalogueEvents;
    logger: LoggerService;
    /** The actions that the log is about. */
    known: () => readonly ActionsServiceAction[];
    retryMs?: number;
  }) {
    this.#desk = options.desk;
    this.#pages = options.pages;
    this.#users = options.users;
    this.#events = options.events;
    this.#logger = options.logger;
    this.#known = options.known;
    this.#retryMs = options.retryMs ?? RETRY_MS;
  }

  /** Asks the auth plugin, which must be up; where it does not answer, again from time to time. */
  async start(): Promise<void> {
    try {
      if (await this.#users.haveSignIn()) {
        this.#open();
      } else {
        this.#explain();
      }
    } catch (error) {
      this.#logger.warn(
        'Whether people can sign in to enter secrets cannot be found out, so actions that take secrets are no tools; it is tried again',
        toError(error),
      );
      if (!this.#isStopped) {
        this.#retry = setTimeout(() => void this.start(), this.#retryMs);
        this.#retry.unref();
      }
    }
  }

  /** Forgets all secrets. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#desk.stop();
  }

  #open(): void {
    if (!this.#isStopped) {
      this.#desk.open(this.#pages);
      this.#events.emit({ kind: 'tools' });
    }
  }

  #explain(): void {
    const ids = this.#known()
      .filter(({ schema }) => schema.secrets)
      .map(({ id }) => id);
    if (ids.length > 0) {
      this.#logger.info(
        `Actions that take secrets are no tools here, because nobody can sign in to enter them (that takes @callboard/plugin-auth-backend with sign-in on): ${ids.join(', ')}`,
      );
    }
  }
}
