import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/server';

const SHARED_ID = /^([\w-]+)\.(0|[1-9]\d*)$/;

/** Messages as far as ids are concerned. */
interface WithIds {
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: {
    readonly requestId?: RequestId;
    readonly progressToken?: RequestId;
    readonly _meta?: { readonly progressToken?: RequestId };
  };
}

/**
 * The ids of the server's own requests. The SDK counts from 0 in each replica that serves a session; for
 * the client, such an id begins with the replica's, so that it is no other's, and any replica knows
 * whose request it is that a message answers.
 */
export class RequestIds {
  readonly #replicaId: string | undefined;

  /** @param options.replicaId - undefined for a process on its own, where ids stay as they are. */
  constructor(options: { replicaId: string | undefined }) {
    this.#replicaId = options.replicaId;
  }

  /** A message of the server's, as its client gets it. */
  toClient(message: JSONRPCMessage): JSONRPCMessage {
    const { id, method, params } = message as WithIds;
    if (this.#replicaId === undefined || method === undefined) {
      return message;
    }
    if (id !== undefined) {
      const token = params?._meta?.progressToken;
      const withToken = token !== undefined && {
        params: { ...params, _meta: { ...params?._meta, progressToken: this.#shared(token) } },
      };
      return { ...message, ...withToken, id: this.#shared(id) } as JSONRPCMessage;
    }
    return method === 'notifications/cancelled' && params?.requestId !== undefined
      ? ({ ...message, params: { ...params, requestId: this.#shared(params.requestId) } } as JSONRPCMessage)
      : message;
  }

  /** A message of the client's, as the SDK knows it. */
  fromClient(message: JSONRPCMessage): JSONRPCMessage {
    const { id, method, params } = message as WithIds;
    if (this.#replicaId === undefined) {
      return message;
    }
    if (method === undefined && id !== undefined) {
      return { ...message, id: this.#own(id) } as JSONRPCMessage;
    }
    return method === 'notifications/progress' && params?.progressToken !== undefined
      ? ({ ...message, params: { ...params, progressToken: this.#own(params.progressToken) } } as JSONRPCMessage)
      : message;
  }

  /** @returns the replica whose request a message of the client's is about; undefined if it is about none of the server's. */
  replicaOf(message: JSONRPCMessage): string | undefined {
    const { id, method, params } = message as WithIds;
    const about = method === undefined ? id : method === 'notifications/progress' ? params?.progressToken : undefined;
    return SHARED_ID.exec(String(about))?.[1];
  }

  #shared(id: RequestId): RequestId {
    return `${this.#replicaId}.${id}`;
  }

  #own(id: RequestId): RequestId {
    const [, replicaId, number] = SHARED_ID.exec(String(id)) ?? [];
    // Nothing here waits for what has another id.
    return replicaId === this.#replicaId && number !== undefined ? Number(number) : -1;
  }
}
