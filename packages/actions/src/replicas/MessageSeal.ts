import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const ID_BYTES = 9;
const COUNTER_BYTES = 8;
const HEAD_BYTES = ID_BYTES + COUNTER_BYTES;
const TAG_BYTES = 16;
const MAX_KNOWN_SENDERS = 1_000;

/** Something that a replica has sealed. */
export interface Unsealed {
  /** Of the replica. */
  readonly from: string;
  /** Grows with everything that this replica seals. */
  readonly count: bigint;
  readonly text: string;
}

/**
 * Encrypts and authenticates what goes through Redis, or stays there (AES-256-GCM). Each replica has a
 * key of its own, made of the common one and its id, so that counting is enough for no nonce to come
 * twice, however many replicas there are and however long they run.
 */
export class MessageSeal {
  readonly id: string;
  readonly #commonKey: Uint8Array;
  readonly #ownKey: Buffer;
  readonly #keys = new Map<string, Buffer>();
  #count = 0n;

  /**
   * @param options.id - from `newReplicaId`.
   * @param options.key - the same in all replicas, and not in Redis.
   */
  constructor(options: { id: string; key: Uint8Array }) {
    this.id = options.id;
    this.#commonKey = options.key;
    this.#ownKey = this.#deriveKey(options.id);
  }

  /** @param place - where it is good; it does not open as from elsewhere. */
  seal(text: string, place: string): Buffer {
    this.#count += 1n;
    const head = Buffer.alloc(HEAD_BYTES);
    Buffer.from(this.id, 'base64url').copy(head);
    head.writeBigUInt64BE(this.#count, ID_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#ownKey, nonceOf(this.#count));
    cipher.setAAD(Buffer.from(place));
    return Buffer.concat([head, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns undefined for what no replica with this key has sealed for this place. */
  unseal(sealed: Buffer, place: string): Unsealed | undefined {
    if (sealed.length < HEAD_BYTES + TAG_BYTES) {
      return undefined;
    }
    const from = sealed.toString('base64url', 0, ID_BYTES);
    const count = sealed.readBigUInt64BE(ID_BYTES);
    const known = this.#keys.get(from);
    const key = known ?? this.#deriveKey(from);
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(count), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    let text: string;
    try {
      text = decipher.update(sealed.subarray(HEAD_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      // Not under our key, changed, or for another place: there is no telling which.
      return undefined;
    }
    if (!known) {
      this.#remember(from, key);
    }
    return { from, count, text };
  }

  #remember(id: string, key: Buffer): void {
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined && this.#keys.size >= MAX_KNOWN_SENDERS) {
      this.#keys.delete(oldest);
    }
    this.#keys.set(id, key);
  }

  #deriveKey(id: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#commonKey, id, 'callboard replicas', 32));
  }
}

/** An id that no other process has, or will have. */
export function newReplicaId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

function nonceOf(count: bigint): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(count, 4);
  return nonce;
}
