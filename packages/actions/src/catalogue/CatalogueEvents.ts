import {
  coreServices,
  createServiceFactory,
  createServiceRef,
  type LoggerService,
} from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonObject, JsonValue } from '@backstage/types';
import { LoneReplica } from '../replicas/LoneReplica.js';
import { type Replicas, replicasServiceRef } from '../replicas/Replicas.js';

const TOPIC = 'catalogue-changes';
/** What changes within this time goes to the other replicas together. */
const GATHER_MS = 20;
/** After Redis was away, what waited is told when the others are back, too. */
const RETURN_MS = 3_000;
const MAX_IN_MESSAGE = 1_000;
/** Of what waits for Redis to be back; of more, the oldest are not told. */
const MAX_WAITING = 10_000;

/** What has changed in what this backend offers, whoever may see it. */
export type CatalogueChange =
  | { readonly kind: 'tools' | 'resources' | 'prompts' }
  /** The contents of one resource. */
  | { readonly kind: 'resource'; readonly pluginId: string; readonly uri: string };

/** Carries changes of the catalogue to those who tell clients of them. */
export class CatalogueEvents {
  readonly #replicas: Replicas;
  readonly #logger: LoggerService | undefined;
  readonly #returnMs: number;
  readonly #listeners = new Set<(change: CatalogueChange) => void>();
  /** What other replicas are not told yet, each change once. */
  readonly #waiting = new Map<string, CatalogueChange>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { replicas?: Replicas; logger?: LoggerService; returnMs?: number } = {}) {
    this.#replicas = options.replicas ?? new LoneReplica();
    this.#logger = options.logger;
    this.#returnMs = options.returnMs ?? RETURN_MS;
  }

  /** From now on, hears what others announce. */
  connect(): void {
    this.#replicas.onBroadcast(TOPIC, changes => this.#receive(changes));
    this.#replicas.redis?.onReturn(() => this.#plan(this.#returnMs));
  }

  /** @returns what ends the subscription. */
  subscribe(listener: (change: CatalogueChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Of something that every replica finds out by itself, such as what plugins register. */
  emit(change: CatalogueChange): void {
    for (const listener of this.#listeners) {
      listener(change);
    }
  }

  /**
   * Of something that a plugin has said here, and may have said nowhere else, such as that a resource
   * has other contents now: the clients of all replicas are told. Never fails; while Redis is away, the
   * others are told later.
   */
  announce(change: CatalogueChange): void {
    this.emit(change);
    this.#wait(change);
    this.#plan();
  }

  #wait(change: CatalogueChange): void {
    this.#waiting.set(JSON.stringify(change), change);
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined && this.#waiting.size > MAX_WAITING) {
      this.#waiting.delete(oldest);
    }
  }

  #plan(inMs = GATHER_MS): void {
    if (this.#waiting.size > 0) {
      this.#timer ??= setTimeout(() => void this.#tell(), inMs).unref();
    }
  }

  async #tell(): Promise<void> {
    this.#timer = undefined;
    const changes = [...this.#waiting.values()].slice(0, MAX_IN_MESSAGE);
    for (const change of changes) {
      this.#waiting.delete(JSON.stringify(change));
    }
    try {
      await this.#replicas.broadcast(TOPIC, changes as unknown as JsonValue);
    } catch (error) {
      if (toError(error).name === 'ServiceUnavailableError') {
        // Told when Redis is back.
        changes.forEach(change => void this.#wait(change));
      } else {
        this.#logger?.warn('Other replicas are not told what has changed in the catalogue', toError(error));
      }
      return;
    }
    this.#plan();
  }

  /** What came from another replica goes to those who listen here, and not on. */
  #receive(changes: JsonValue): void {
    for (const change of Array.isArray(changes) ? changes : []) {
      if (isCatalogueChange(change)) {
        this.emit(change);
      }
    }
  }
}

function isCatalogueChange(value: unknown): value is CatalogueChange {
  const { kind, pluginId, uri } = (value ?? {}) as JsonObject;
  return kind === 'resource'
    ? typeof pluginId === 'string' && typeof uri === 'string'
    : kind === 'tools' || kind === 'resources' || kind === 'prompts';
}

export const catalogueEventsServiceRef = createServiceRef<CatalogueEvents>({
  id: 'callboard.catalogueEvents',
  scope: 'root',
});

export const catalogueEventsServiceFactory = createServiceFactory({
  service: catalogueEventsServiceRef,
  deps: { replicas: replicasServiceRef, logger: coreServices.rootLogger },
  factory({ replicas, logger }) {
    const events = new CatalogueEvents({ replicas, logger });
    events.connect();
    return events;
  },
});
