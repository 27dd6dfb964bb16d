import type { webcrypto } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import type * as jose from 'jose';
import type { Knex } from 'knex';

const ALGORITHM = 'ES256';
/** Of verifiers' copies of the key set, and of clocks. */
const MARGIN_SECONDS = 3_600;

type CryptoKey = webcrypto.CryptoKey;

export interface SigningKey {
  kid: string;
  /** With the private part, which never leaves the process. */
  privateJwk: jose.JWK;
  privateKey: CryptoKey;
  signsUntilMs: number;
}

interface KeyRow {
  kid: string;
  jwk: string;
  created_at: string;
  expires_at: string;
}

/**
 * The keys that sign tokens. Each process makes its own and publishes only the public half, so there is no private
 * key to steal from the database; halves stay published until nothing that they signed is valid any more.
 *
 * `jose` is loaded with the first token, not at start.
 */
export class KeyRing {
  readonly #db: Knex;
  readonly #now: () => number;
  readonly #keyLifetimeSeconds: number;
  readonly #tokenLifetimeSeconds: number;
  #current: SigningKey | undefined;
  #next: Promise<SigningKey> | undefined;
  readonly #publicKeys = new Map<string, { key: CryptoKey; expiresAtMs: number }>();

  /** @param options.tokenLifetimeSeconds - the longest that anything signed here is valid. */
  constructor(options: { db: Knex; now: () => number; keyLifetimeSeconds: number; tokenLifetimeSeconds: number }) {
    this.#db = options.db;
    this.#now = options.now;
    this.#keyLifetimeSeconds = options.keyLifetimeSeconds;
    this.#tokenLifetimeSeconds = options.tokenLifetimeSeconds;
  }

  /** The key to sign with now; a new one when its time is over. */
  async getCurrentKey(): Promise<SigningKey> {
    if (this.#current && this.#current.signsUntilMs > this.#now()) {
      return this.#current;
    }
    this.#next ??= this.#makeKey()
      .then(key => {
        this.#current = key;
        return key;
      })
      .finally(() => {
        this.#next = undefined;
      });
    return this.#next;
  }

  /** The public keys of all replicas that verify something, for `/.well-known/jwks.json`. */
  async listPublicKeys(): Promise<jose.JWK[]> {
    const rows = await this.#keys().where('expires_at', '>', this.#at(0)).orderBy('created_at', 'desc');
    return rows.map(row => JSON.parse(row.jwk));
  }

  /** @throws jose errors if it is none of ours, altered or expired. */
  async verify(token: string, expected: { typ: string; issuer: string; audience: string }): Promise<jose.JWTPayload> {
    const { jwtVerify } = await import('jose');
    const { payload } = await jwtVerify(token, header => this.#findPublicKey(header.kid), {
      ...expected,
      algorithms: [ALGORITHM],
      currentDate: new Date(this.#now()),
      requiredClaims: ['sub', 'jti', 'exp', 'iat'],
    });
    return payload;
  }

  /**
   * Reads only the id of a token that we signed, whether or not it is still valid.
   *
   * @returns undefined for anything else.
   */
  async readTokenId(token: string): Promise<string | undefined> {
    const { compactVerify } = await import('jose');
    try {
      const { payload } = await compactVerify(token, header => this.#findPublicKey(header.kid), {
        algorithms: [ALGORITHM],
      });
      const { jti } = JSON.parse(new TextDecoder().decode(payload));
      return typeof jti === 'string' ? jti : undefined;
    } catch {
      // Whatever is wrong with it, it is no token of ours; the endpoint answers as for any unknown one.
      return undefined;
    }
  }

  async purge(): Promise<void> {
    for (const [kid, { expiresAtMs }] of this.#publicKeys) {
      if (expiresAtMs <= this.#now()) {
        this.#publicKeys.delete(kid);
      }
    }
    await this.#keys().where('expires_at', '<', this.#at(0)).delete();
  }

  async #findPublicKey(kid = ''): Promise<CryptoKey> {
    const known = this.#publicKeys.get(kid);
    if (known && known.expiresAtMs > this.#now()) {
      return known.key;
    }
    const { errors, importJWK } = await import('jose');
    const row = await this.#keys().where({ kid }).where('expires_at', '>', this.#at(0)).first();
    if (!row) {
      throw new errors.JWKSNoMatchingKey();
    }
    const key = (await importJWK(JSON.parse(row.jwk), ALGORITHM)) as CryptoKey;
    this.#publicKeys.set(kid, { key, expiresAtMs: Date.parse(row.expires_at) });
    return key;
  }

  async #makeKey(): Promise<SigningKey> {
    const kid = randomUUID();
    const { exportJWK, generateKeyPair } = await import('jose');
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    const about = { kid, alg: ALGORITHM, use: 'sig' };
    await this.#keys().insert({
      kid,
      jwk: JSON.stringify({ ...(await exportJWK(publicKey)), ...about }),
      created_at: this.#at(0),
      expires_at: this.#at(this.#keyLifetimeSeconds + this.#tokenLifetimeSeconds + MARGIN_SECONDS),
    });
    return {
      kid,
      privateKey,
      privateJwk: { ...(await exportJWK(privateKey)), ...about },
      signsUntilMs: this.#now() + this.#keyLifetimeSeconds * 1000,
    };
  }

  #keys() {
    return this.#db<KeyRow>('callboard_public_keys');
  }

  #at(secondsFromNow: number): string {
    return new Date(this.#now() + secondsFromNow * 1000).toISOString();
  }
}
