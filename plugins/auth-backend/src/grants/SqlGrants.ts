import { NotFoundError } from '@backstage/errors';
import type { Knex } from 'knex';
import type { RequestingClient } from '../engine/Interactions.js';
import type { RecordStore } from '../engine/RecordStore.js';

/** An application that a person connected. */
export interface ConnectedApplication {
  id: string;
  clientId: string;
  clientName: string;
  /** Where approvals went: hosts, or `scheme://host` for applications of their own kind; empty for devices. */
  redirectHosts: string[];
  resource: string;
  scopes: string[];
  /** ISO 8601. */
  createdAt: string;
  lastUsedAt?: string;
}

/** What people allowed. */
export interface Grants {
  /** Those with a token that still counts, newest first. */
  list(userEntityRef: string): Promise<ConnectedApplication[]>;
  /**
   * Ends the grant with all its tokens.
   *
   * @throws NotFoundError if the person has no such grant.
   */
  revoke(userEntityRef: string, grantId: string): Promise<void>;
}

/** A use is noted at most once in this time, so that calls do not wait for writes. */
const USE_RESOLUTION_MS = 60_000;
const TOKEN_MODELS = ['AccessToken', 'RefreshToken'];

interface GrantRow {
  id: string;
  user_entity_ref: string;
  client_id: string;
  client_name: string;
  redirect_hosts: string;
  resource: string;
  scopes: string;
  created_at: string;
  last_used_at: string | null;
}

/** Grants in the plugin's own database, beside the records that `oidc-provider` keeps of them. */
export class SqlGrants implements Grants {
  readonly #db: Knex;
  readonly #store: RecordStore;
  readonly #now: () => number;
  readonly #clientLifetimeSeconds: number;

  /** @param options.clientLifetimeSeconds - of a registered client from its last approval on. */
  constructor(options: { db: Knex; store: RecordStore; now: () => number; clientLifetimeSeconds: number }) {
    this.#db = options.db;
    this.#store = options.store;
    this.#now = options.now;
    this.#clientLifetimeSeconds = options.clientLifetimeSeconds;
  }

  async add(grant: {
    id: string;
    userEntityRef: string;
    client: RequestingClient;
    resource: string;
    scopes: readonly string[];
  }): Promise<void> {
    const { id, userEntityRef, client, resource, scopes } = grant;
    await this.#grants().insert({
      id,
      user_entity_ref: userEntityRef,
      client_id: client.id,
      client_name: client.name,
      redirect_hosts: JSON.stringify(client.redirectUri ? [placeOf(client.redirectUri)] : []),
      resource,
      scopes: scopes.join(' '),
      created_at: new Date(this.#now()).toISOString(),
    });
    await this.#store.markUsed('Client', client.id, this.#clientLifetimeSeconds);
  }

  async find(id: string): Promise<ConnectedApplication | undefined> {
    const row = await this.#grants().where({ id }).first();
    return row && toApplication(row);
  }

  async list(userEntityRef: string): Promise<ConnectedApplication[]> {
    const now = new Date(this.#now()).toISOString();
    const rows = await this.#grants()
      .where({ user_entity_ref: userEntityRef })
      .whereExists(
        this.#db('callboard_records')
          .whereRaw('callboard_records.grant_id = callboard_grants.id')
          .whereIn('model', TOKEN_MODELS)
          .whereNull('consumed_at')
          .where('expires_at', '>', now),
      )
      .orderBy('created_at', 'desc');
    return rows.map(toApplication);
  }

  async revoke(userEntityRef: string, grantId: string): Promise<void> {
    const row = await this.#grants().where({ id: grantId, user_entity_ref: userEntityRef }).first();
    if (!row) {
      throw new NotFoundError(`The connected application "${grantId}" was not found`);
    }
    await this.#store.revokeGrant(grantId);
  }

  async markUsed(id: string): Promise<void> {
    const at = new Date(this.#now()).toISOString();
    const longAgo = new Date(this.#now() - USE_RESOLUTION_MS).toISOString();
    await this.#grants()
      .where({ id })
      .where(stale => stale.whereNull('last_used_at').orWhere('last_used_at', '<', longAgo))
      .update({ last_used_at: at });
  }

  #grants() {
    return this.#db<GrantRow>('callboard_grants');
  }
}

function toApplication(row: GrantRow): ConnectedApplication {
  return {
    id: row.id,
    clientId: row.client_id,
    clientName: row.client_name,
    redirectHosts: JSON.parse(row.redirect_hosts),
    resource: row.resource,
    scopes: row.scopes.split(' '),
    createdAt: row.created_at,
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
  };
}

function placeOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri);
  return protocol === 'http:' || protocol === 'https:' ? host : `${protocol}//${host}`;
}
