import { createHash } from 'node:crypto';
import { ServiceUnavailableError } from '@backstage/errors';
import type { SharedRedis } from '@callboard/actions';
import { noRoom, type SessionChange, type SessionRecord, type SessionRecords } from './SessionRecords.js';
import { recordKeyOf, type SessionKind, sessionBaseOf } from './sessionKeys.js';
import {
  addScript,
  changeScript,
  findScript,
  restoreScript,
  speakScript,
  syncScript,
  takeScript,
  wholeScript,
} from './sessionScripts.js';

/** After Redis has lost everything, replicas have so long to write again what they hold. */
const GRACE_MS = 10_000;
/** How late the use of a session may be heard of: twice the time between two `sync`. */
const LATENESS_MS = 30_000;
/** Beyond the idle time, so that whoever ends a session still learns whose it was. */
const REST_MS = 60 * 60_000;
const MAX_ENDED_AT_ONCE = 1_000;
/** Whatever else a client sends is no id, and no part of a key. */
const SESSION_ID = /^[\w-]{16,64}$/;
const SUBSCRIPTION = 's:';

/** In Redis, sealed, where every replica finds them, however many come and go. */
export class RedisSessionRecords implements SessionRecords {
  readonly #redis: SharedRedis;
  readonly #kind: SessionKind;
  readonly #maxSessions: number;
  readonly #idleTimeoutMs: number;
  readonly #lifetimeMs: number;
  readonly #base: string;
  /** The clock of Redis is the same for all; tests have their own. */
  readonly #nowMs: () => number | string;
  #touched = new Set<string>();

  constructor(options: {
    redis: SharedRedis;
    kind: SessionKind;
    maxSessions: number;
    idleTimeoutMs: number;
    latenessMs?: number;
    nowMs?: () => number;
  }) {
    this.#redis = options.redis;
    this.#kind = options.kind;
    this.#maxSessions = options.maxSessions;
    this.#idleTimeoutMs = options.idleTimeoutMs + (options.latenessMs ?? LATENESS_MS);
    this.#lifetimeMs = this.#idleTimeoutMs + REST_MS;
    this.#base = sessionBaseOf(options.redis, options.kind);
    this.#nowMs = options.nowMs ?? (() => '');
  }

  async open(): Promise<void> {
    await wholeScript.run(this.#redis, [this.#base], [0]);
  }

  async add(record: SessionRecord): Promise<SessionRecord | undefined> {
    const { id, owner } = record;
    const head = [this.#nowMs(), this.#lifetimeMs, this.#maxSessions, id, hashOf(owner)];
    const displaced = await addScript.run(this.#redis, [this.#base], [...head, ...(await this.#fieldsOf(record))]);
    if (displaced === 0) {
      throw noRoom(this.#maxSessions);
    }
    return this.#openTaken(displaced);
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    if (!SESSION_ID.test(id)) {
      return undefined;
    }
    const fields = await findScript.run(this.#redis, [this.#base], [this.#nowMs(), GRACE_MS, id]);
    if (fields === 0) {
      throw new ServiceUnavailableError('Sessions are being found again; try again in a moment');
    }
    return this.#open(id, fields as string[]);
  }

  async change(id: string, { subscribed, unsubscribed, ...fields }: SessionChange): Promise<void> {
    const values = await this.#sealAll(id, [
      ...Object.entries(fields),
      ...(subscribed === undefined ? [] : ([[fieldOf(subscribed), subscribed]] as const)),
    ]);
    const deleted = unsubscribed === undefined ? [] : [fieldOf(unsubscribed)];
    await changeScript.run(this.#redis, [this.#base], [id, values.length / 2, ...values, ...deleted]);
  }

  async speak(id: string, replicaId: string): Promise<string | undefined> {
    return ((await speakScript.run(this.#redis, [this.#base], [id, replicaId])) as string | null) ?? undefined;
  }

  async take(id: string): Promise<SessionRecord | undefined> {
    this.#touched.delete(id);
    return SESSION_ID.test(id) ? this.#openTaken(await takeScript.run(this.#redis, [this.#base], [id])) : undefined;
  }

  touch(id: string): void {
    this.#touched.add(id);
  }

  async sync(held: readonly string[]): Promise<{ ended: string[]; idle: SessionRecord[] }> {
    const touched = [...this.#touched];
    this.#touched = new Set();
    try {
      const [ended, idle] = (await syncScript.run(
        this.#redis,
        [this.#base],
        [
          ...[this.#nowMs(), this.#lifetimeMs, this.#idleTimeoutMs, GRACE_MS, MAX_ENDED_AT_ONCE],
          ...[touched.length, ...touched],
          ...held,
        ],
      )) as [string[], unknown[]];
      const opened = await Promise.all(idle.map(taken => this.#openTaken(taken)));
      return { ended, idle: opened.filter(record => record !== undefined) };
    } catch (error) {
      for (const id of touched) {
        this.#touched.add(id);
      }
      throw error;
    }
  }

  async restore(records: readonly SessionRecord[]): Promise<void> {
    await wholeScript.run(this.#redis, [this.#base], [this.#nowMs()]);
    await Promise.all(
      records.map(async record => {
        const head = [this.#nowMs(), this.#lifetimeMs, record.id, hashOf(record.owner)];
        await restoreScript.run(this.#redis, [this.#base], [...head, ...(await this.#fieldsOf(record))]);
      }),
    );
  }

  async #fieldsOf(record: SessionRecord): Promise<string[]> {
    const { id, owner, serverKey, openedAtMs, subscriptions, speaker, ...rest } = record;
    const fields = await this.#sealAll(id, [
      ['opened', { owner, serverKey: serverKey ?? null, openedAtMs }],
      ...Object.entries(rest).filter(([, value]) => value !== undefined),
      ...subscriptions.map(uri => [fieldOf(uri), uri] as const),
    ]);
    return speaker === undefined ? fields : [...fields, 'speaker', speaker];
  }

  async #sealAll(id: string, fields: readonly (readonly [string, unknown])[]): Promise<string[]> {
    const sealed = await Promise.all(
      fields.map(async ([field, value]) => [
        field,
        await this.#redis.seal(JSON.stringify(value), this.#placeOf(id, field)),
      ]),
    );
    return sealed.flat();
  }

  async #openTaken(taken: unknown): Promise<SessionRecord | undefined> {
    if (!Array.isArray(taken)) {
      return undefined;
    }
    const [id, fields] = taken as [string, string[]];
    return this.#open(id, fields);
  }

  /** @returns undefined for what no replica of this deployment has written. */
  async #open(id: string, flat: readonly string[]): Promise<SessionRecord | undefined> {
    const opened: Record<string, unknown> = {};
    const subscriptions: string[] = [];
    let speaker: string | undefined;
    for (let index = 0; index < flat.length; index += 2) {
      const [field, value] = [flat[index] as string, flat[index + 1] as string];
      if (field === 'speaker') {
        speaker = value;
      } else if (field !== 'owner') {
        const text = await this.#redis.unseal(value, this.#placeOf(id, field));
        if (text === undefined) {
          return undefined;
        }
        if (field.startsWith(SUBSCRIPTION)) {
          subscriptions.push(JSON.parse(text));
        } else {
          opened[field] = JSON.parse(text);
        }
      }
    }
    const {
      opened: beginning,
      initialize,
      logLevel,
      expiresAtMs,
    } = opened as {
      opened?: { owner: string; serverKey: string | null; openedAtMs: number };
    } & Partial<Pick<SessionRecord, 'initialize' | 'logLevel' | 'expiresAtMs'>>;
    return (
      beginning && {
        id,
        ...beginning,
        serverKey: beginning.serverKey ?? undefined,
        initialize,
        logLevel,
        expiresAtMs: expiresAtMs ?? undefined,
        subscriptions,
        speaker,
      }
    );
  }

  #placeOf(id: string, field: string): string {
    return `${recordKeyOf(this.#redis, this.#kind, id)} ${field}`;
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function fieldOf(uri: string): string {
  return `${SUBSCRIPTION}${hashOf(uri)}`;
}
