import { ConflictError, NotFoundError } from '@backstage/errors';
import type { ActionScope } from '@callboard/actions-api';
import type Provider from 'oidc-provider';
import type { SqlGrants } from '../grants/SqlGrants.js';
import { describeClient, issueGrant, preselect, type RequestingClient } from './Interactions.js';
import type { RecordStore } from './RecordStore.js';
import type { Resources } from './resources.js';
import { expandScopes, narrowScopes } from './scopes.js';

/** A terminal that waits for a person (RFC 8628). */
export interface PendingDevice {
  /** As the terminal shows it: `BCDF-GHJK`. */
  userCode: string;
  client: RequestingClient;
  requestedScopes: ActionScope[];
  preselectedScopes: ActionScope[];
  resource: { url: string; name: string };
  /** What the terminal said of itself; nobody has checked it. */
  device: { userAgent?: string; address?: string };
}

/**
 * The part of the device flow that happens in a browser. Pages ask for the code, let the person compare it, sign
 * them in, and then decide; the user must be the one who is signed in there.
 */
export interface DeviceFlow {
  /**
   * @param userCode - as typed: case, blanks and dashes do not matter.
   * @throws NotFoundError if no terminal waits for it any more.
   */
  get(userCode: string): Promise<PendingDevice>;
  /**
   * @throws NotFoundError if no terminal waits for it any more, ConflictError if somebody else decided first,
   * InputError if nothing is granted, or something that was not requested.
   */
  approve(userCode: string, result: { userEntityRef: string; scopes: string[] }): Promise<void>;
  /** @throws NotFoundError if no terminal waits for it any more, ConflictError if somebody else decided first. */
  deny(userCode: string): Promise<void>;
}

/** Device codes as `oidc-provider` keeps them; its own pages are not used. */
export class ProviderDeviceFlow implements DeviceFlow {
  readonly #getProvider: () => Promise<Provider>;
  readonly #grants: SqlGrants;
  readonly #resources: Resources;
  readonly #store: RecordStore;
  readonly #now: () => number;

  constructor(options: {
    getProvider: () => Promise<Provider>;
    grants: SqlGrants;
    resources: Resources;
    store: RecordStore;
    now: () => number;
  }) {
    this.#getProvider = options.getProvider;
    this.#grants = options.grants;
    this.#resources = options.resources;
    this.#store = options.store;
    this.#now = options.now;
  }

  async get(userCode: string): Promise<PendingDevice> {
    const code = await this.#find(userCode);
    const provider = await this.#getProvider();
    const { params, deviceInfo } = code as {
      params: Record<string, string>;
      deviceInfo?: { ua?: string; ip?: string };
    };
    const requestedScopes = expandScopes(params.scope ?? '');
    return {
      userCode: normalize(userCode).replace(/^(.{4})(.{4})$/, '$1-$2'),
      client: await describeClient(provider, String(params.client_id), ''),
      requestedScopes,
      preselectedScopes: preselect(requestedScopes, params.scope_defaulted !== undefined),
      resource: this.#resources.get(String(params.resource)),
      device: {
        ...(deviceInfo?.ua && { userAgent: deviceInfo.ua }),
        ...(deviceInfo?.ip && { address: deviceInfo.ip }),
      },
    };
  }

  async approve(userCode: string, result: { userEntityRef: string; scopes: string[] }): Promise<void> {
    const pending = await this.get(userCode);
    const scopes = narrowScopes(pending.requestedScopes, result.scopes);
    const provider = await this.#getProvider();
    const { userEntityRef } = result;
    const grantId = await issueGrant({
      provider,
      grants: this.#grants,
      userEntityRef,
      client: pending.client,
      resource: pending.resource.url,
      scopes,
      requestedScopes: pending.requestedScopes,
    });
    try {
      await this.#decide(userCode, {
        grantId,
        outcome: {
          accountId: userEntityRef,
          authTime: Math.floor(this.#now() / 1000),
          grantId,
          resource: pending.resource.url,
          scope: scopes.join(' '),
        },
      });
    } catch (error) {
      await this.#store.revokeGrant(grantId);
      throw error;
    }
  }

  async deny(userCode: string): Promise<void> {
    await this.#find(userCode);
    await this.#decide(userCode, {
      outcome: { error: 'access_denied', errorDescription: 'The person declined the request' },
    });
  }

  async #decide(userCode: string, decision: { outcome: Record<string, unknown>; grantId?: string }): Promise<void> {
    const { outcome, grantId } = decision;
    const decided = await this.#store.changeByAlias('DeviceCode', normalize(userCode), payload => {
      if (!isPending(payload, this.#now())) {
        throw new ConflictError('This code was used already');
      }
      return { payload: { ...payload, ...outcome }, grantId };
    });
    if (!decided) {
      throw new ConflictError('This code was used already');
    }
  }

  async #find(userCode: string): Promise<Record<string, unknown>> {
    const record = await this.#store.findByAlias('DeviceCode', normalize(userCode));
    if (!record || !isPending(record.payload, this.#now())) {
      throw new NotFoundError('No device waits for this code: it is mistyped, was used, or is too old');
    }
    return record.payload;
  }
}

function isPending(payload: Record<string, unknown>, nowMs: number): boolean {
  return payload.accountId === undefined && payload.error === undefined && Number(payload.exp) * 1000 > nowMs;
}

function normalize(userCode: string): string {
  return userCode.replace(/[^a-z0-9]/gi, '').toUpperCase();
}
