import { randomBytes } from 'node:crypto';
import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { SharedRedis } from '@callboard/actions';
import type { RequestId } from '@modelcontextprotocol/server';
import { MAX_SENT_BYTES } from '../MemorySentEvents.js';
import { type MissedEvents, type SentEvent, type SentEvents, toMissed } from '../SentEvents.js';
import { RedisScript } from './RedisScript.js';
import { eventKeysOf, recordKeyOf, type SessionKind } from './sessionKeys.js';

/** What is sent within this time is written at once: the beginning of a quick call and its answer. */
const GATHER_MS = 10;
const EVENT_ID = /^([\w~-]+)\.([\w-]+)\.([0-9a-z]+)$/;

/**
 * Kept: a list of `<bytes> <isLast> <stream> <event> <sealed>`; per stream the event that was dropped
 * last, of so many streams as events at most; the sum of the bytes.
 */
const append = new RedisScript(`
local list, dropped, order = KEYS[2], KEYS[3], KEYS[4]
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local maxEvents, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local bytes = tonumber(redis.call('HGET', dropped, '#') or '0')
local function drop(stream, id)
  redis.call('HSET', dropped, stream, id)
  redis.call('ZADD', order, redis.call('HINCRBY', dropped, '#drops', 1), stream)
  if redis.call('ZCARD', order) > maxEvents then
    redis.call('HDEL', dropped, redis.call('ZPOPMIN', order)[1])
  end
end
local first = 5 + 2 * tonumber(ARGV[4])
for i = 5, first - 1, 2 do drop(ARGV[i], ARGV[i + 1]) end
for i = first, #ARGV do
  redis.call('RPUSH', list, ARGV[i])
  bytes = bytes + tonumber(string.match(ARGV[i], '^(%d+)'))
end
while redis.call('LLEN', list) > maxEvents or bytes > maxBytes do
  local size, stream, id = string.match(redis.call('LPOP', list), '^(%d+) %d (%S+) (%S+)')
  bytes = bytes - tonumber(size)
  drop(stream, id)
end
redis.call('HSET', dropped, '#', bytes)
for i = 2, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return 1
`);

const read = new RedisScript(`return { redis.call('LRANGE', KEYS[1], 0, -1), redis.call('HGETALL', KEYS[2]) }`);

/**
 * In Redis, as long as the session is. Events have their ids at once and are written a moment later, so
 * that no answer waits for Redis; of a replica that is killed, the last few milliseconds are missing.
 */
export class RedisSentEvents implements SentEvents {
  readonly #redis: SharedRedis;
  readonly #logger: LoggerService;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #lifetimeMs: number;
  readonly #keys: { record: string; events: string; dropped: string; order: string };
  /** Sets events apart that have their ids from different replicas, or are of different sessions. */
  readonly #writer = randomBytes(6).toString('base64url');
  /** Per stream, the last event that could not be written. */
  readonly #lost = new Map<string, string>();
  #count = 0;
  #pending: SentEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(options: {
    redis: SharedRedis;
    logger: LoggerService;
    kind: SessionKind;
    sessionId: string;
    maxEvents: number;
    maxBytes?: number;
    /** Without another event, and without use of the session. */
    lifetimeMs: number;
  }) {
    const { redis, kind, sessionId } = options;
    this.#redis = redis;
    this.#logger = options.logger;
    this.#maxEvents = options.maxEvents;
    this.#maxBytes = options.maxBytes ?? MAX_SENT_BYTES;
    this.#lifetimeMs = options.lifetimeMs;
    this.#keys = { record: recordKeyOf(redis, kind, sessionId), ...eventKeysOf(redis, kind, sessionId) };
  }

  begin(streamId: string, requests: readonly RequestId[]): string {
    return this.#keep({ streamId, json: '{}', isLast: false, requests });
  }

  add(streamId: string, json: string, { isLast = false }: { isLast?: boolean } = {}): string {
    return this.#keep({ streamId, json, isLast });
  }

  streamOf(eventId: string): string | undefined {
    return EVENT_ID.exec(eventId)?.[1];
  }

  async after(eventId: string): Promise<MissedEvents | undefined> {
    const streamId = this.streamOf(eventId);
    if (streamId === undefined) {
      return undefined;
    }
    await this.flush();
    const { events, dropped } = await this.#read();
    const at = events.findIndex(({ id }) => id === eventId);
    const lastDropped = dropped.get(streamId);
    if (at < 0 ? lastDropped !== eventId : lastDropped !== undefined && isBefore(eventId, lastDropped)) {
      return undefined;
    }
    const ofStream = events.filter(event => event.streamId === streamId);
    const opened = await Promise.all(ofStream.map(event => this.#open(event)));
    if (!opened.every(event => event !== undefined)) {
      return undefined;
    }
    // What could not be written has older ones before it that were.
    const last = ofStream.findLastIndex(({ id }) => id === eventId || isBefore(id, eventId));
    return toMissed(streamId, opened, last + 1);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#pending;
    this.#pending = [];
    if (events.length > 0 || this.#lost.size > 0) {
      this.#written = this.#written.then(() => this.#write(events));
    }
    await this.#written;
  }

  async close(): Promise<void> {
    await this.flush();
  }

  #keep(event: Omit<SentEvent, 'id'>): string {
    this.#count += 1;
    const id = `${event.streamId}.${this.#writer}.${this.#count.toString(36)}`;
    this.#pending.push({ ...event, id });
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
    return id;
  }

  async #write(events: readonly SentEvent[]): Promise<void> {
    const lost = [...this.#lost];
    const { record, events: list, dropped, order } = this.#keys;
    try {
      const sealed = await Promise.all(events.map(event => this.#seal(event)));
      await append.run(
        this.#redis,
        [record, list, dropped, order],
        [this.#maxEvents, this.#maxBytes, this.#lifetimeMs, lost.length, ...lost.flat(), ...sealed],
      );
      for (const [streamId, id] of lost) {
        if (this.#lost.get(streamId) === id) {
          this.#lost.delete(streamId);
        }
      }
    } catch (error) {
      this.#logger.debug('Events of a session could not be kept; lost streams cannot be gone on with', toError(error));
      for (const { streamId, id } of events) {
        this.#lost.set(streamId, id);
      }
      for (const [oldest] of [...this.#lost].slice(0, Math.max(0, this.#lost.size - this.#maxEvents))) {
        this.#lost.delete(oldest);
      }
    }
  }

  async #read(): Promise<{ events: KeptEvent[]; dropped: Map<string, string> }> {
    const [list, flat] = (await read.run(this.#redis, [this.#keys.events, this.#keys.dropped], [])) as [
      string[],
      string[],
    ];
    const dropped = new Map<string, string>();
    for (let index = 0; index < flat.length; index += 2) {
      dropped.set(flat[index] as string, flat[index + 1] as string);
    }
    const events = list.map(text => {
      const [, isLast, streamId = '', id = '', sealed = ''] = text.split(' ');
      return { id, streamId, isLast: isLast === '1', sealed };
    });
    return { events, dropped };
  }

  async #seal({ id, streamId, json, isLast, requests }: SentEvent): Promise<string> {
    const sealed = await this.#redis.seal(JSON.stringify(requests ? { requests } : { json }), this.#placeOf(id));
    return `${Buffer.byteLength(json)} ${isLast ? 1 : 0} ${streamId} ${id} ${sealed}`;
  }

  async #open({ sealed, ...event }: KeptEvent): Promise<SentEvent | undefined> {
    const text = await this.#redis.unseal(sealed, this.#placeOf(event.id));
    return text === undefined ? undefined : { json: '{}', ...event, ...JSON.parse(text) };
  }

  #placeOf(eventId: string): string {
    return `${this.#keys.events} ${eventId}`;
  }
}

interface KeptEvent extends Pick<SentEvent, 'id' | 'streamId' | 'isLast'> {
  readonly sealed: string;
}

/** Of two events of a stream: whether one is older than the other, as far as the same replica has sent them. */
function isBefore(eventId: string, other: string): boolean {
  const [, , writer, count = ''] = EVENT_ID.exec(eventId) ?? [];
  const [, , otherWriter, otherCount = ''] = EVENT_ID.exec(other) ?? [];
  return writer === otherWriter && Number.parseInt(count, 36) < Number.parseInt(otherCount, 36);
}
