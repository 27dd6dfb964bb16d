import { randomBytes } from 'node:crypto';
import type { RequestId } from '@modelcontextprotocol/server';
import { type MissedEvents, type SentEvent, type SentEvents, toMissed } from './SentEvents.js';

/** Per session, of JSON. */
export const MAX_SENT_BYTES = 1024 * 1024;

/** In the memory of this process; beyond either bound the oldest events are dropped. */
export class MemorySentEvents implements SentEvents {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  /** Sets the ids of sessions apart: a client that takes one for another is told so. */
  readonly #prefix = randomBytes(6).toString('base64url');
  /** By their number, the oldest first. */
  readonly #events = new Map<number, SentEvent & { readonly bytes: number }>();
  /** Per stream, the number of the event that was dropped last; from there on everything is kept. */
  readonly #dropped = new Map<string, number>();
  #bytes = 0;
  #lastNumber = 0;

  constructor(options: { maxEvents: number; maxBytes?: number }) {
    this.#maxEvents = options.maxEvents;
    this.#maxBytes = options.maxBytes ?? MAX_SENT_BYTES;
  }

  get size(): { events: number; bytes: number } {
    return { events: this.#events.size, bytes: this.#bytes };
  }

  begin(streamId: string, requests: readonly RequestId[]): string {
    return this.#keep({ streamId, json: '{}', isLast: false, requests });
  }

  add(streamId: string, json: string, { isLast = false }: { isLast?: boolean } = {}): string {
    return this.#keep({ streamId, json, isLast });
  }

  streamOf(eventId: string): string | undefined {
    const number = this.#numberOf(eventId);
    return this.#events.get(number)?.streamId ?? this.#streamEndingAt(number);
  }

  async after(eventId: string): Promise<MissedEvents | undefined> {
    const number = this.#numberOf(eventId);
    const streamId = this.streamOf(eventId);
    if (streamId === undefined || number < (this.#dropped.get(streamId) ?? 0)) {
      return undefined;
    }
    const ofStream = [...this.#events].filter(([, event]) => event.streamId === streamId);
    const from = ofStream.findIndex(([other]) => other > number);
    return toMissed(
      streamId,
      ofStream.map(([, event]) => event),
      from < 0 ? ofStream.length : from,
    );
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#events.clear();
    this.#dropped.clear();
    this.#bytes = 0;
  }

  #keep(event: Omit<SentEvent, 'id'>): string {
    const bytes = Buffer.byteLength(event.json);
    this.#lastNumber += 1;
    const id = this.#idOf(this.#lastNumber);
    this.#events.set(this.#lastNumber, { ...event, id, bytes });
    this.#bytes += bytes;
    while (this.#events.size > this.#maxEvents || this.#bytes > this.#maxBytes) {
      this.#dropOldest();
    }
    return id;
  }

  #idOf(number: number): string {
    return `${this.#prefix}.${number.toString(36)}`;
  }

  /** @returns NaN for what is no id of this session, in the one spelling that it has. */
  #numberOf(eventId: string): number {
    const number = Number.parseInt(eventId.slice(this.#prefix.length + 1), 36);
    return this.#idOf(number) === eventId ? number : Number.NaN;
  }

  #streamEndingAt(number: number): string | undefined {
    return [...this.#dropped].find(([, dropped]) => dropped === number)?.[0];
  }

  #dropOldest(): void {
    const [[number, { streamId, bytes }]] = this.#events as unknown as [[number, { streamId: string; bytes: number }]];
    this.#events.delete(number);
    this.#bytes -= bytes;
    this.#dropped.delete(streamId);
    this.#dropped.set(streamId, number);
    if (this.#dropped.size > this.#maxEvents) {
      const [longestUnused] = this.#dropped.keys();
      this.#dropped.delete(longestUnused as string);
    }
  }
}
