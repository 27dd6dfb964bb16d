import { InputError } from '@backstage/errors';
import type { AttemptLimit } from './AttemptLimit.js';
import { networkOf } from './networkOf.js';
import { isPasswordHash, verifyPassword } from './passwordHash.js';

/** A person who signs in with a password that the configuration knows. */
export interface LocalUser {
  name: string;
  passwordHash: string;
}

export type PasswordOutcome =
  | { outcome: 'signed-in'; userEntityRef: string }
  | { outcome: 'refused' }
  | { outcome: 'blocked'; retryAfterSeconds: number };

const freeAttemptsPerUser = 5;
const freeAttemptsPerAddress = 20;
const namePattern = /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/;

// Has the shape of a hash; no password leads to it.
const hashOfNobody = `scrypt$${Buffer.alloc(16, 1).toString('base64')}$${Buffer.alloc(32).toString('base64')}`;

/** The users of `auth.localUsers`. */
export class LocalUsers {
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #limit: AttemptLimit;

  /** @throws InputError that lists every user that cannot be used. */
  constructor(options: { users: readonly LocalUser[]; limit: AttemptLimit }) {
    const mistakes = options.users.flatMap((user, index) => describeMistakes(options.users, user, index));
    if (mistakes.length > 0) {
      throw new InputError(`Wrong configuration:\n${mistakes.map(line => `  ${line}`).join('\n')}`);
    }
    this.#hashes = new Map(options.users.map(({ name, passwordHash }) => [name.toLowerCase(), passwordHash]));
    this.#limit = options.limit;
  }

  /**
   * Checks a password. An unknown name costs and answers the same as a wrong password.
   *
   * @param address - Where the request came from; attempts are limited per user and per address.
   */
  async signIn(attempt: { name: string; password: string; address: string }): Promise<PasswordOutcome> {
    const name = attempt.name.trim().toLowerCase();
    const userKey = `user:${name}`;
    const addressKey = `address:${networkOf(attempt.address)}`;

    const addressWait = await this.#limit.begin({ key: addressKey, freeAttempts: freeAttemptsPerAddress });
    const retryAfterSeconds =
      addressWait || (await this.#limit.begin({ key: userKey, freeAttempts: freeAttemptsPerUser }));
    if (retryAfterSeconds > 0) {
      return { outcome: 'blocked', retryAfterSeconds };
    }

    const passwordHash = this.#hashes.get(name);
    const matches = await verifyPassword(attempt.password, passwordHash ?? hashOfNobody);
    if (!matches || passwordHash === undefined) {
      return { outcome: 'refused' };
    }
    await this.#limit.clear(userKey);
    await this.#limit.refund(addressKey);
    return { outcome: 'signed-in', userEntityRef: `user:default/${name}` };
  }
}

function describeMistakes(users: readonly LocalUser[], { name, passwordHash }: LocalUser, index: number): string[] {
  const path = `auth.localUsers[${index}]`;
  const mistakes: string[] = [];
  if (!namePattern.test(name.toLowerCase())) {
    mistakes.push(
      `${path}.name: expected up to 63 of a-z 0-9 . _ - with a letter or digit at both ends, got ${JSON.stringify(name)}`,
    );
  }
  if (users.findIndex(other => other.name.toLowerCase() === name.toLowerCase()) !== index) {
    mistakes.push(`${path}.name: ${JSON.stringify(name)} stands there twice`);
  }
  if (!isPasswordHash(passwordHash)) {
    mistakes.push(`${path}.passwordHash: expected scrypt$<salt>$<hash> in base64`);
  }
  return mistakes;
}
