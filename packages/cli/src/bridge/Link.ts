import type { Message } from './messages.js';

/** A connection of the 2025 era to a server, good for one session. */
export interface Link {
  /** The revision that `initialize` has settled. */
  protocolVersion: string | undefined;
  /**
   * Sends a message. What the server says meanwhile, the answer to a request included, goes to whoever
   * opened the link.
   *
   * @returns when a request has been answered, or another message accepted.
   * @throws ExchangeError if neither will come any more; SessionLost if the server does not know the
   * session, and so has not looked at the message.
   */
  send(message: Message, signal?: AbortSignal): Promise<void>;
  /** Lets the server speak first, once the session is open. */
  listen(): void;
  /** Ends what waits for an answer, where the session is lost; what is being sent is left to the server's answer. */
  abandon(): void;
  /** Ends the session. */
  close(): Promise<void>;
}

export interface LinkOwner {
  deliver(message: Message): Promise<void>;
  /** The session is gone, and nobody was sending. */
  onLost(): void;
  note(text: string): void;
}

export class SessionLost extends Error {
  constructor(options: { cause?: unknown } = {}) {
    super('The server does not know the session any more', options);
    this.name = new.target.name;
  }
}
