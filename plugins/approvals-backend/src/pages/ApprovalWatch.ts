import { createHash } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import type { SqlApprovals } from '../database/SqlApprovals.js';

const EVERY_MS = 1_500;

/** What somebody watches: one approval, or all of them. */
export type Subject = { readonly id: string } | 'all';

interface Watcher {
  readonly subject: Subject;
  readonly tell: (version: string) => void;
  last: string | undefined;
}

/**
 * Tells whoever watches when an approval changes, in this replica or another one: while somebody
 * does, the database is asked every second or two, once for all of them.
 */
export class ApprovalWatch {
  readonly #records: Pick<SqlApprovals, 'stateCounts' | 'statesOf'>;
  readonly #logger: LoggerService;
  readonly #everyMs: number;
  readonly #watchers = new Set<Watcher>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: {
    records: Pick<SqlApprovals, 'stateCounts' | 'statesOf'>;
    logger: LoggerService;
    everyMs?: number;
  }) {
    this.#records = options.records;
    this.#logger = options.logger;
    this.#everyMs = options.everyMs ?? EVERY_MS;
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** What a page shows at this moment; another version means that it shows something else. */
  async versionOf(subject: Subject): Promise<string> {
    return subject === 'all'
      ? shorten(await this.#records.stateCounts())
      : ((await this.#records.statesOf([subject.id])).get(subject.id) ?? 'gone');
  }

  /**
   * @param tell - called with the version as it is now, and with each one that follows.
   * @returns stops it.
   */
  watch(subject: Subject, tell: (version: string) => void): () => void {
    const watcher: Watcher = { subject, tell, last: undefined };
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => void this.look(), this.#everyMs).unref();
    void this.look();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) {
        this.stop();
      }
    };
  }

  /** Looks for changes now. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(error => this.#logger.warn('Changes of approvals could not be looked up; it is tried again', error))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#watchers.clear();
  }

  async #look(): Promise<void> {
    const watchers = [...this.#watchers];
    const ids = new Set(watchers.flatMap(({ subject }) => (subject === 'all' ? [] : [subject.id])));
    const states = ids.size > 0 ? await this.#records.statesOf([...ids]) : new Map<string, string>();
    const all = watchers.some(({ subject }) => subject === 'all') ? await this.versionOf('all') : '';
    for (const watcher of watchers) {
      const { subject, tell, last } = watcher;
      const version = subject === 'all' ? all : (states.get(subject.id) ?? 'gone');
      if (version !== last && this.#watchers.has(watcher)) {
        watcher.last = version;
        tell(version);
      }
    }
  }
}

/** How many approvals there are is not for everybody who may see the list. */
function shorten(counts: string): string {
  return createHash('sha256').update(counts).digest('hex').slice(0, 16);
}
