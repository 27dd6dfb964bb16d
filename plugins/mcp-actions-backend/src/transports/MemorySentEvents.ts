import { randomBytes } from 'node:crypto';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { MissedEvents, SentEvents } from './SentEvents.js';

/** Per session, of JSON. */
export const MAX_SENT_BYTES = 1024 * 1024;

interface SentEvent {
  readonly streamId: string;
  readonly json: string;
  readonly bytes: number;
  readonly isLast: boolean;
}

/** In the memory of this process; beyond either bound the oldest events are dropped. */
export class MemorySentEvents implements SentEvents {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  /** Sets the ids of sessions apart: a client that takes one for another is told so. */
  readonly #prefix = randomBytes(6).toString('base64url');
  /** By their number, the oldest first. */
  readonly #events = new Map<number, SentEvent>();
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

  async add(streamId: string, message: JSONRPCMessage, { isLast = false }: { isLast?: boolean } = {}): Promise<string> {
    const json = JSON.stringify(message);
    const bytes = Buffer.byteLength(json);
    this.#lastNumber += 1;
    const id = this.#idOf(this.#lastNumber);
    this.#events.set(this.#lastNumber, { streamId, json, bytes, isLast });
    this.#bytes += bytes;
    while (this.#events.size > this.#maxEvents || this.#bytes > this.#maxBytes) {
      this.#dropOldest();
    }
    return id;
  }

  async after(eventId: string): Promise<MissedEvents | undefined> {
    const number = Number.parseInt(eventId.slice(this.#prefix.length + 1), 36);
    const streamId =
      this.#idOf(number) === eventId ? (this.#events.get(number)?.streamId ?? this.#streamEndingAt(number)) : undefined;
    if (streamId === undefined || number < (this.#dropped.get(streamId) ?? 0)) {
      return undefined;
    }
    const missed = [...this.#events].filter(([other, event]) => other > number && event.streamId === streamId);
    return {
      streamId,
      events: missed
        .map(([other, { json }]) => ({ id: this.#idOf(other), message: JSON.parse(json) as JSONRPCMessage }))
        .filter(({ message }) => Object.keys(message).length > 0),
      isComplete: (missed.at(-1)?.[1] ?? this.#events.get(number))?.isLast ?? false,
    };
  }

  async close(): Promise<void> {
    this.#events.clear();
    this.#dropped.clear();
    this.#bytes = 0;
  }

  #idOf(number: number): string {
    return `${this.#prefix}.${number.toString(36)}`;
  }

  #streamEndingAt(number: number): string | undefined {
    return [...this.#dropped].find(([, dropped]) => dropped === number)?.[0];
  }

  #dropOldest(): void {
    const [[number, { streamId, bytes }]] = this.#events as unknown as [[number, SentEvent]];
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
