import type { LoggerService } from '@backstage/backend-plugin-api';
import { toError } from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import type { Replicas } from '@callboard/actions';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { answerInPieces, askInPieces } from '../replicas/askInPieces.js';
import { isGone } from '../replicas/isGone.js';
import type { SessionChange } from './records/SessionRecords.js';
import type { SessionKind } from './records/sessionKeys.js';

const ASK_MS = 5_000;

/** What replicas tell each other of a connection. */
export interface Notice {
  readonly id: string;
  readonly change?: SessionChange;
  readonly isEnded?: boolean;
  /** Of the client, for whom it concerns. */
  readonly message?: JSONRPCMessage;
}

/** What a replica does when it hears from the others. */
export interface LinkListener {
  onNotice(notice: Notice): void;
  /** Told of a message of the client's, for a request that this replica has made. */
  onMessage(id: string, message: JSONRPCMessage): void;
  /**
   * Has another replica tell the client what changes, from now on.
   *
   * @returns whether this one did until now.
   */
  onYield(id: string): Promise<boolean>;
  /** Redis is there again after it was not. */
  onReturn(isEmptied: boolean): Promise<void>;
}

/** What goes between replicas about the connections of one transport. */
export class ConnectionLink {
  readonly #kind: SessionKind;
  readonly #replicas: Replicas;
  readonly #logger: LoggerService;
  readonly #closers: (() => void)[] = [];

  constructor(options: { kind: SessionKind; replicas: Replicas; logger: LoggerService }) {
    this.#kind = options.kind;
    this.#replicas = options.replicas;
    this.#logger = options.logger;
  }

  /** Whether there can be other replicas. */
  get isShared(): boolean {
    return this.#replicas.redis !== undefined;
  }

  get replicaId(): string {
    return this.#replicas.id;
  }

  topic(name: string): string {
    return `mcp-actions.${this.#kind}.${name}`;
  }

  open({ onNotice, onMessage, onYield, onReturn }: LinkListener): void {
    const { redis } = this.#replicas;
    if (!redis) {
      return;
    }
    this.#closers.push(
      this.#replicas.onBroadcast(this.topic('notices'), notice => onNotice(notice as unknown as Notice)),
      answerInPieces(this.#replicas, this.topic('messages'), async payload => {
        const { id, message } = payload as unknown as { id: string; message: JSONRPCMessage };
        onMessage(id, message);
        return null;
      }),
      this.#replicas.answer(this.topic('yield'), payload => onYield(String(payload))),
      redis.onReturn(({ isEmptied }) => {
        onReturn(isEmptied).catch(error =>
          this.#logger.error('Sessions could not be compared with those of the other replicas', toError(error)),
        );
      }),
    );
  }

  close(): void {
    for (const close of this.#closers.splice(0)) {
      close();
    }
  }

  /** @throws ServiceUnavailableError without a connection. */
  async tell(notice: Notice): Promise<void> {
    if (this.isShared) {
      await this.#replicas.broadcast(this.topic('notices'), notice as unknown as JsonValue);
    }
  }

  /** Hands a message of the client's to the replica whose request it is about, if that is still there. */
  async pass(replicaId: string, id: string, message: JSONRPCMessage): Promise<void> {
    const payload = { id, message } as unknown as JsonValue;
    try {
      await askInPieces(this.#replicas, replicaId, this.topic('messages'), payload, { timeoutMs: ASK_MS });
    } catch (error) {
      // With the replica, whoever waited for it is gone.
      if (!isGone(error)) {
        throw error;
      }
    }
  }

  /** @returns whether a replica that told the client what changes does so no more, and has said all that it knew. */
  async askToYield(replicaId: string, id: string): Promise<boolean> {
    try {
      return Boolean(await this.#replicas.ask(replicaId, this.topic('yield'), id, { timeoutMs: ASK_MS }));
    } catch (error) {
      this.#logger.debug(`Replica ${replicaId} could not be told that a stream goes on here`, toError(error));
      return false;
    }
  }
}
