import type { RequestId } from '@modelcontextprotocol/server';

/** Where the stream comes from on which the server speaks first; streams of calls have ids of their own. */
export const OWN_STREAM = '~';

/** What came after an event on its stream. */
export interface MissedEvents {
  readonly streamId: string;
  /** With the JSON of their messages. */
  readonly events: readonly { readonly id: string; readonly json: string }[];
  /** Whether the last of them is the last of the stream. */
  readonly isComplete: boolean;
  /** The requests of the stream that were not answered on it, as far as that is known. */
  readonly unanswered: readonly RequestId[];
}

/**
 * The events that one session has sent last, for a client that lost a stream and comes back (MCP
 * 2025-11-25, transports, resumability and redelivery).
 */
export interface SentEvents {
  /**
   * Begins the stream of a POST.
   *
   * @returns the id of an event without a message, from which the stream can be gone on with.
   */
  begin(streamId: string, requests: readonly RequestId[]): string;
  /**
   * @param json - of a message.
   * @returns the event's id, which is no other event's of any session.
   */
  add(streamId: string, json: string, options?: { isLast?: boolean }): string;
  /** @returns the stream of an event, kept or not; undefined for what is no event of this session. */
  streamOf(eventId: string): string | undefined;
  /**
   * @returns undefined if the id is none of this session, or if some of what came after is kept no longer.
   * @throws ServiceUnavailableError if that cannot be known at the moment.
   */
  after(eventId: string): Promise<MissedEvents | undefined>;
  /** Settled when all that was added can be found from every replica. */
  flush(): Promise<void>;
  /** Keeps nothing in this process any more. */
  close(): Promise<void>;
}

/** One event as it is kept. */
export interface SentEvent {
  readonly id: string;
  readonly streamId: string;
  readonly json: string;
  readonly isLast: boolean;
  /** Of an event without a message, which begins a stream. */
  readonly requests?: readonly RequestId[];
}

/**
 * @param events - of one stream, in their order.
 * @param from - of the first that was missed.
 */
export function toMissed(streamId: string, events: readonly SentEvent[], from: number): MissedEvents {
  const answered = new Set(events.filter(({ requests }) => !requests).map(({ json }) => answeredBy(json)));
  return {
    streamId,
    events: events
      .slice(from)
      .filter(({ requests }) => !requests)
      .map(({ id, json }) => ({ id, json })),
    isComplete: events.at(-1)?.isLast ?? false,
    unanswered: events.flatMap(({ requests }) => requests ?? []).filter(id => !answered.has(id)),
  };
}

function answeredBy(json: string): unknown {
  const { id, method } = JSON.parse(json) as { id?: unknown; method?: unknown };
  return method === undefined ? id : undefined;
}
