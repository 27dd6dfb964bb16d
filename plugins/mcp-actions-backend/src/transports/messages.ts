import {
  type JSONRPCMessage,
  type JSONRPCRequest,
  parseJSONRPCMessage,
  type RequestId,
} from '@modelcontextprotocol/server';
import { JSON_RPC_INVALID_REQUEST, RefusedRequest } from '../guards/RefusedRequest.js';

/**
 * @returns what is a JSON-RPC message.
 * @throws RefusedRequest 400 for what is none.
 */
export function parseMessage(message: unknown): JSONRPCMessage {
  try {
    return parseJSONRPCMessage(message);
  } catch {
    throw new RefusedRequest(400, 'Invalid request: expected a JSON-RPC 2.0 message', {
      code: JSON_RPC_INVALID_REQUEST,
    });
  }
}

/** @param message - checked to be one. */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

/** @returns the request that a message answers; undefined for other messages. */
export function answeredBy(message: JSONRPCMessage): RequestId | undefined {
  return 'method' in message ? undefined : (message as { id?: RequestId }).id;
}

/** @returns the request that a message cancels; undefined for other messages. */
export function cancelledBy(message: JSONRPCMessage): RequestId | undefined {
  const { method, params } = message as { method?: string; params?: { requestId?: RequestId } };
  return method === 'notifications/cancelled' ? params?.requestId : undefined;
}
