import type { Knex } from 'knex';
import type Provider from 'oidc-provider';
import type { AuthConfig } from '../config.js';
import { SqlGrants } from '../grants/SqlGrants.js';
import type { BrowserAnswers } from './createProvider.js';
import { type DeviceFlow, ProviderDeviceFlow } from './DeviceFlow.js';
import { type Interactions, ProviderInteractions } from './Interactions.js';
import { KeyRing } from './KeyRing.js';
import { RecordStore } from './RecordStore.js';
import type { Resources } from './resources.js';

const DAY_SECONDS = 86_400;
/** Of a registered client from its last approval on. */
const USED_CLIENT_SECONDS = 180 * DAY_SECONDS;
/** What the configuration admits for access tokens, and the cap of tokens made from an identity provider's. */
const LONGEST_TOKEN_SECONDS = 3_600;
const PURGE_EVERY_MS = 600_000;

export interface EngineOptions {
  db: Knex;
  issuer: string;
  config: AuthConfig;
  resources: Resources;
  fetchDocument: typeof fetch;
  answers: BrowserAnswers;
  now: () => number;
  /** Takes failures that clients are told nothing of. */
  onError: (error: Error) => void;
  /** Takes what clients did wrong. */
  onRefusal: (error: Error) => void;
  /** How long a key signs before the next one is made. */
  keyLifetimeSeconds?: number;
}

/** The authorization server without its routes: everything that knows `oidc-provider` is in this folder. */
export class Engine {
  readonly keys: KeyRing;
  readonly store: RecordStore;
  readonly grants: SqlGrants;
  readonly interactions: Interactions;
  readonly deviceFlow: DeviceFlow;
  readonly #options: EngineOptions;
  #current: { provider: Provider; kid: string } | undefined;

  constructor(options: EngineOptions) {
    const { db, resources, now } = options;
    this.#options = options;
    this.keys = new KeyRing({
      db,
      now,
      keyLifetimeSeconds: options.keyLifetimeSeconds ?? DAY_SECONDS,
      tokenLifetimeSeconds: LONGEST_TOKEN_SECONDS,
    });
    this.store = new RecordStore({ db, now });
    this.grants = new SqlGrants({ db, store: this.store, now, clientLifetimeSeconds: USED_CLIENT_SECONDS });
    const getProvider = () => this.getProvider();
    this.interactions = new ProviderInteractions({ getProvider, grants: this.grants, resources });
    this.deviceFlow = new ProviderDeviceFlow({ getProvider, grants: this.grants, resources, store: this.store, now });
  }

  /**
   * The one that signs with the current key.
   *
   * @throws Error that names the package if it cannot be loaded.
   */
  async getProvider(): Promise<Provider> {
    const [{ createProvider }, key] = await Promise.all([loadProvider(), this.keys.getCurrentKey()]);
    if (this.#current?.kid !== key.kid) {
      const { config } = this.#options;
      const provider = createProvider({
        ...this.#options,
        key,
        store: this.store,
        clientLifetimeSeconds: Math.round(config.registration.unusedClientHours * 3_600),
      });
      this.#current = { provider, kid: key.kid };
    }
    return this.#current.provider;
  }

  /** Deletes what has expired, from time to time, until the returned function is called. */
  startPurging(): () => void {
    const timer = setInterval(() => {
      Promise.all([this.store.purge(), this.keys.purge()]).catch(this.#options.onError);
    }, PURGE_EVERY_MS);
    timer.unref();
    return () => clearInterval(timer);
  }
}

/** Before the first client comes, nobody waits for it: `oidc-provider` is a quarter of what the server would load. */
async function loadProvider(): Promise<typeof import('./createProvider.js')> {
  try {
    return await import('./createProvider.js');
  } catch (error) {
    throw new Error('oidc-provider, which answers OAuth clients, cannot be loaded', { cause: error });
  }
}
