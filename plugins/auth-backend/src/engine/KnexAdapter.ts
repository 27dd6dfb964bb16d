import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { hashClientSecret } from './clientSecrets.js';
import type { NewRecord, RecordStore } from './RecordStore.js';

/** Parts of a record that other records are looked up by. */
interface Indexed {
  grantId?: string;
  uid?: string;
  userCode?: string;
  session?: { cookie?: string };
  client_secret?: string;
}

const UNREDEEMED_GRANT_SECONDS = 86_400;
/** What ends with its grant. */
const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

/** How `oidc-provider` keeps one kind of its records. */
export class KnexAdapter implements Adapter {
  readonly #model: string;
  readonly #store: RecordStore;
  readonly #graceSeconds: number;
  readonly #clientLifetimeSeconds: number;
  readonly #now: () => number;
  readonly #onConsumed: (salt: string) => void;

  /**
   * @param options.graceSeconds - how long after its first use a refresh token gets its successor once more.
   * @param options.onConsumed - takes the salt from which the successor's value is made.
   */
  constructor(options: {
    model: string;
    store: RecordStore;
    graceSeconds: number;
    clientLifetimeSeconds: number;
    now: () => number;
    onConsumed: (salt: string) => void;
  }) {
    this.#model = options.model;
    this.#store = options.store;
    this.#graceSeconds = options.model === 'RefreshToken' ? options.graceSeconds : 0;
    this.#clientLifetimeSeconds = options.clientLifetimeSeconds;
    this.#now = options.now;
    this.#onConsumed = options.onConsumed;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const { grantId, uid, userCode } = payload as Indexed;
    const record = {
      payload: withoutSecrets(payload),
      grantId: GRANTABLE.has(this.#model) ? grantId : undefined,
      alias: this.#model === 'Session' ? uid : userCode,
    };
    switch (this.#model) {
      case 'Client':
        return this.#put(id, record, this.#clientLifetimeSeconds);
      case 'Grant':
        // An approval whose tokens are never fetched is forgotten; refresh tokens prolong it.
        return this.#put(id, record, Math.min(expiresIn, UNREDEEMED_GRANT_SECONDS));
      case 'RefreshToken':
        // What was used stays used when its save is repeated within the grace.
        await this.#put(id, record, expiresIn, 'keep');
        return grantId === undefined ? undefined : this.#store.markUsed('Grant', grantId, expiresIn);
      case 'ReplayDetection':
        return this.#put(id, record, expiresIn, 'refuse').catch(() => {
          throw new errors.InvalidClientAuth('the assertion was used already');
        });
      default:
        return this.#put(id, record, expiresIn);
    }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#toPayload(await this.#store.find(this.#model, id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#toPayload(await this.#store.findByAlias(this.#model, uid));
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#toPayload(await this.#store.findByAlias(this.#model, userCode));
  }

  async destroy(id: string): Promise<void> {
    await (this.#model === 'Grant' ? this.#store.revokeGrant(id) : this.#store.delete(this.#model, id));
  }

  /**
   * @throws InvalidGrant for all but the first; what the first one got is revoked (RFC 6749 §4.1.2, RFC 9700
   * §4.14.2). The library has looked before, but only this statement decides.
   */
  async consume(id: string): Promise<void> {
    const consumption = await this.#store.consume(this.#model, id, this.#graceSeconds);
    if (consumption.outcome === 'lost') {
      if (consumption.grantId) {
        await this.#store.revokeGrant(consumption.grantId);
      }
      throw new errors.InvalidGrant('already used');
    }
    this.#onConsumed(consumption.salt);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#store.deleteByGrant(this.#model, grantId);
  }

  #put(
    id: string,
    record: Pick<NewRecord, 'payload' | 'grantId' | 'alias'>,
    expiresInSeconds: number,
    onConflict: NewRecord['onConflict'] = 'replace',
  ): Promise<void> {
    return this.#store.put(this.#model, id, { ...record, expiresInSeconds, onConflict });
  }

  #toPayload(record: Awaited<ReturnType<RecordStore['find']>>): AdapterPayload | undefined {
    if (!record) {
      return undefined;
    }
    const { payload, consumedAtMs } = record;
    const isUsedUp =
      consumedAtMs !== undefined &&
      (this.#graceSeconds === 0 || consumedAtMs <= this.#now() - this.#graceSeconds * 1000);
    return isUsedUp ? { ...payload, consumed: Math.floor(consumedAtMs / 1000) } : payload;
  }
}

function withoutSecrets(payload: AdapterPayload): Record<string, unknown> {
  const { session, client_secret } = payload as Indexed;
  return {
    ...payload,
    // Whoever reads it here could approve the device as themselves.
    userCode: undefined,
    // The browser's session cookie is nothing that an interaction needs to know.
    ...(session && { session: { ...session, cookie: undefined } }),
    ...(client_secret && { client_secret: hashClientSecret(client_secret) }),
  };
}
