import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** What came after an event on its stream. */
export interface MissedEvents {
  readonly streamId: string;
  readonly events: readonly { readonly id: string; readonly message: JSONRPCMessage }[];
  /** Whether the last of them is the last of the stream. */
  readonly isComplete: boolean;
}

/**
 * The events that one session has sent last, for a client that lost a stream and comes back (MCP
 * 2025-11-25, transports, resumability and redelivery).
 */
export interface SentEvents {
  /**
   * @param message - an empty one stands for an event that only has an id.
   * @returns the event's id, which is no other event's of any session.
   */
  add(streamId: string, message: JSONRPCMessage, options?: { isLast?: boolean }): Promise<string>;
  /** @returns undefined if the id is none of this session, or if some of what came after is kept no longer. */
  after(eventId: string): Promise<MissedEvents | undefined>;
  /** Forgets all of them. */
  close(): Promise<void>;
}
