import type { LoggerService } from '@backstage/backend-plugin-api';
import { ServiceUnavailableError } from '@backstage/errors';
import type { AlertsService } from '@callboard/actions-api';
import { FreshValue, type Reading } from '../FreshValue.js';
import { withTimeout } from '../withTimeout.js';
import type { Pause, PauseScope } from './Pause.js';
import type { PauseFile } from './PauseFile.js';
import type { PauseStore } from './PauseStore.js';

/** How long a pause may take to reach the other replicas. */
const MAX_AGE_MS = 1_000;
/** How long an old answer is trusted while no new one is to be had. */
const TRUSTED_MS = 5_000;
const READ_TIMEOUT_MS = 1_000;
const WRITE_TIMEOUT_MS = 5_000;

type Reader = () => Promise<Pause | undefined>;

/** The emergency stop. Any of its sources pauses; as long as one cannot be read, writes are paused as well. */
export class PauseSwitch {
  readonly #alerts: AlertsService;
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #stored: FreshValue<Pause | undefined>;
  readonly #file: FreshValue<Pause | undefined> | undefined;
  #store: PauseStore | undefined;
  #filePause: Pause | undefined;
  #isUnknown = false;

  constructor(options: { file?: PauseFile; alerts: AlertsService; logger: LoggerService; now: () => Date }) {
    const { file, alerts, logger, now } = options;
    this.#alerts = alerts;
    this.#logger = logger;
    this.#now = now;
    const fresh = (read: Reader) => new FreshValue({ read, now, maxAgeMs: MAX_AGE_MS, timeoutMs: READ_TIMEOUT_MS });
    this.#stored = fresh(async () => this.#getStore().find());
    this.#file = file && fresh(() => file.read());
  }

  /**
   * Gives it the database; until then writes are paused.
   *
   * @param options.startPaused - pauses writes now, unless something is paused already.
   */
  async open(store: PauseStore, options: { startPaused: boolean }): Promise<void> {
    this.#store = store;
    this.#stored.set(await store.find());
    const { read } = await this.#stored.get();
    if (options.startPaused && !read?.value) {
      await this.pause({ scope: 'writes', reason: 'the server starts paused', by: 'safety.pause.startPaused' });
    }
  }

  /** All pauses in force; none means that calls may run. */
  async list(): Promise<readonly Pause[]> {
    const [stored, file] = await Promise.all([this.#stored.get(), this.#file?.get()]);
    this.#noticeFile(file);
    const pauses = [...this.#inForce(stored, 'the database'), ...(file ? this.#inForce(file, 'the pause file') : [])];
    this.#noticeUnknown(pauses, stored);
    return pauses;
  }

  /** @returns the pause as it is now; its scope may be broader than the one asked for. */
  async pause(wish: { scope: PauseScope; reason: string; by: string }): Promise<Pause> {
    const pause = await this.#change(store => store.pause({ ...wish, since: this.#now().toISOString() }));
    this.#stored.set(pause);
    this.#raisePaused(pause);
    return pause;
  }

  /**
   * Takes the pause in the database back; a file pauses for as long as it exists.
   *
   * @returns what is paused nevertheless.
   */
  async resume({ by, reason }: { by: string; reason?: string }): Promise<readonly Pause[]> {
    const { ended, left } = await this.#change(async store => ({
      ended: await store.resume(),
      left: await store.find(),
    }));
    this.#stored.set(left);
    if (ended) {
      this.#alerts.raise({
        event: 'resumed',
        message: `${by} resumed what was paused (${ended.scope})${reason ? `: ${reason}` : ''}`,
        details: { source: 'database', scope: ended.scope, by, ...(reason && { reason }) },
      });
    }
    return this.list();
  }

  /** Looks at the file also while nobody calls, so that its alert comes in time. */
  startWatching(): () => void {
    if (!this.#file) {
      return () => {};
    }
    const timer = setInterval(() => void this.list(), MAX_AGE_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  #getStore(): PauseStore {
    if (!this.#store) {
      throw new Error('the database is not open yet');
    }
    return this.#store;
  }

  async #change<T>(write: (store: PauseStore) => Promise<T>): Promise<T> {
    try {
      return await withTimeout(write(this.#getStore()), WRITE_TIMEOUT_MS);
    } catch (error) {
      this.#logger.error('The pause could not be changed', error as Error);
      throw new ServiceUnavailableError('The pause could not be changed: the database does not answer');
    }
  }

  #inForce({ read }: Reading<Pause | undefined>, place: string): Pause[] {
    const isTrusted = read !== undefined && read.ageMs >= 0 && read.ageMs <= TRUSTED_MS;
    const unknown: Pause = { source: 'unknown', scope: 'writes', reason: `${place} does not say whether it is paused` };
    return [...(read?.value ? [read.value] : []), ...(isTrusted ? [] : [unknown])];
  }

  #noticeUnknown(pauses: readonly Pause[], { failure }: Reading<unknown>): void {
    const isUnknown = pauses.some(({ source }) => source === 'unknown');
    if (isUnknown && !this.#isUnknown) {
      this.#logger.error('Writes are refused: it is unknown whether the server is paused', failure);
    } else if (!isUnknown && this.#isUnknown) {
      this.#logger.info('It is known again whether the server is paused');
    }
    this.#isUnknown = isUnknown;
  }

  #noticeFile(file: Reading<Pause | undefined> | undefined): void {
    if (!file?.read) {
      return;
    }
    const before = this.#filePause;
    const pause = file.read.value;
    this.#filePause = pause;
    if (pause && (before?.scope !== pause.scope || before.reason !== pause.reason)) {
      this.#raisePaused(pause);
    } else if (before && !pause) {
      this.#alerts.raise({
        event: 'resumed',
        message: `The file of safety.pause.file is gone: it no longer pauses this server (${before.scope})`,
        details: { source: 'file', scope: before.scope },
      });
    }
  }

  #raisePaused({ source, scope, reason, by }: Pause): void {
    this.#alerts.raise({
      event: 'paused',
      message: `${by} paused ${scope === 'everything' ? 'everything' : 'all writes'}: ${reason}`,
      details: { source, scope, reason, ...(by && { by }) },
    });
  }
}
