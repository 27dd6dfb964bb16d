import type { LoggerService } from '@backstage/backend-plugin-api';
import type { ActionsServiceAction } from '@backstage/backend-plugin-api/alpha';
import { type AlertsService, type Finding, fingerprintOf, type VisibilityRule } from '@callboard/actions-api';
import { withTimeout } from '../withTimeout.js';
import type { DefinitionStore } from './DefinitionStore.js';
import { type Definition, definitionOf } from './definitions.js';

export type PinningMode = 'warn' | 'hold';

const REFRESH_AFTER_MS = 1_000;
const STORE_TIMEOUT_MS = 5_000;
const MAX_IN_ALERT = 100;

/**
 * Holds back actions whose definition nobody has accepted, or only says so. It learns of actions by
 * being asked about them, and keeps what is accepted in memory: every list and every call asks.
 */
export class DefinitionPinning implements VisibilityRule {
  readonly id = 'quarantine';
  readonly mode: PinningMode;
  readonly #alerts: AlertsService;
  readonly #logger: LoggerService;
  readonly #now: () => Date;
  readonly #onChange: () => void;
  #store: DefinitionStore | undefined;
  /** Fingerprints by action id; `undefined` until they are read. */
  #accepted: ReadonlyMap<string, string> | undefined;
  #revision: number | undefined;
  /** Fingerprints by action id, as this process last saw them. */
  readonly #seen = new Map<string, string>();
  readonly #unrecorded = new Map<string, Definition>();
  #recording: Promise<void> | undefined;
  #failed = false;

  constructor(options: {
    mode: PinningMode;
    alerts: AlertsService;
    logger: LoggerService;
    now: () => Date;
    /** Told when the version has changed. */
    onChange?: () => void;
  }) {
    this.mode = options.mode;
    this.#alerts = options.alerts;
    this.#logger = options.logger;
    this.#now = options.now;
    this.#onChange = options.onChange ?? (() => {});
  }

  /** Gives it the database; until then, `hold` holds everything back. */
  async open(store: DefinitionStore): Promise<void> {
    this.#store = store;
    await this.#load(store);
  }

  get version(): string {
    return this.mode === 'warn' ? 'warn' : `${this.#revision ?? 'unread'}`;
  }

  allows(action: ActionsServiceAction): boolean {
    return this.#isAccepted(action) || this.mode === 'warn';
  }

  explain(action: ActionsServiceAction): Finding {
    if (this.#isAccepted(action)) {
      return { verdict: 'passes', because: 'its definition is accepted' };
    }
    return {
      verdict: this.mode === 'warn' ? 'passes' : 'refuses',
      because:
        this.mode === 'hold' && !this.#accepted
          ? 'it is not known yet which definitions are accepted'
          : this.#accepted?.has(action.id)
            ? 'its definition has changed since an operator last accepted it'
            : 'it is new, and no operator has accepted its definition yet',
      config: 'safety.pinning',
    };
  }

  /** Reads what is accepted if that has changed, and writes down what was seen. */
  async refresh(): Promise<void> {
    const store = this.#store;
    if (!store) {
      return;
    }
    try {
      const revision = await withTimeout(store.getRevision(), STORE_TIMEOUT_MS);
      if (revision !== this.#revision) {
        await this.#load(store);
      }
      await this.recordSeen();
      this.#failed = false;
    } catch (error) {
      // What was accepted stays so; what is new stays held back.
      if (!this.#failed) {
        this.#logger.error('Accepted definitions cannot be read or seen ones written', error as Error);
      }
      this.#failed = true;
    }
  }

  /** @returns what stops it. */
  startRefreshing(): () => void {
    let isRunning = false;
    const timer = setInterval(async () => {
      if (!isRunning) {
        isRunning = true;
        await this.refresh();
        isRunning = false;
      }
    }, REFRESH_AFTER_MS);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Writes down the definitions that this process has seen and no replica has written down as they are. */
  async recordSeen(): Promise<void> {
    while (this.#store && this.#unrecorded.size > 0) {
      this.#recording ??= this.#record(this.#store).finally(() => {
        this.#recording = undefined;
      });
      await this.#recording;
    }
  }

  #isAccepted(action: ActionsServiceAction): boolean {
    // The actions by which definitions are accepted are part of this package.
    if (action.pluginId === 'safety') {
      return true;
    }
    const fingerprint = fingerprintOf(action);
    if (this.#seen.get(action.id) !== fingerprint) {
      this.#seen.set(action.id, fingerprint);
      this.#unrecorded.set(action.id, definitionOf(action));
    }
    return this.#accepted?.get(action.id) === fingerprint;
  }

  async #load(store: DefinitionStore): Promise<void> {
    // In this order: what is accepted in between is read again.
    const { version } = this;
    const revision = await withTimeout(store.getRevision(), STORE_TIMEOUT_MS);
    this.#accepted = await withTimeout(store.listAcceptedFingerprints(), STORE_TIMEOUT_MS);
    this.#revision = revision;
    if (this.version !== version) {
      this.#onChange();
    }
  }

  async #record(store: DefinitionStore): Promise<void> {
    const definitions = [...this.#unrecorded.values()];
    const unseen = await withTimeout(store.recordSeen(definitions, this.#now().toISOString()), STORE_TIMEOUT_MS);
    for (const definition of definitions) {
      if (this.#unrecorded.get(definition.actionId) === definition) {
        this.#unrecorded.delete(definition.actionId);
      }
    }
    const unaccepted = unseen.filter(({ actionId, fingerprint }) => this.#accepted?.get(actionId) !== fingerprint);
    for (let from = 0; from < unaccepted.length; from += MAX_IN_ALERT) {
      this.#raise(unaccepted.slice(from, from + MAX_IN_ALERT));
    }
  }

  #raise(definitions: readonly Definition[]): void {
    const actions = definitions.map(({ actionId, fingerprint }) => ({
      actionId,
      fingerprint,
      change: this.#accepted?.has(actionId) ? 'changed' : 'new',
    }));
    const names = actions.map(({ actionId, change }) => `${actionId} (${change})`).join(', ');
    this.#alerts.raise({
      event: 'quarantined',
      message:
        this.mode === 'hold'
          ? `Held back until an operator accepts their definitions: ${names}`
          : `Definitions that no operator has accepted: ${names}`,
      details: { mode: this.mode, actions },
    });
  }
}
