import {
  AuthenticationError,
  ConflictError,
  InputError,
  NotAllowedError,
  NotFoundError,
  NotImplementedError,
  NotModifiedError,
  ServiceUnavailableError,
} from '@backstage/errors';
import type { JsonValue } from '@backstage/types';
import { TooManyRequestsError } from '@callboard/actions-api';
import { describeError } from '../errors.js';

/** An error on its way from the replica where it was thrown to the one that asked. */
export interface CarriedError {
  readonly name: string;
  readonly message: string;
  /** Of errors of the protocol. */
  readonly code?: number;
  readonly data?: JsonValue;
}

/** Errors of MCP SDKs, whose message, code and data are made for the caller. */
const PROTOCOL_ERRORS = ['ProtocolError', 'McpError'];

const errorClasses: ReadonlyMap<string, new (message: string) => Error> = new Map(
  Object.entries({
    AuthenticationError,
    ConflictError,
    InputError,
    NotAllowedError,
    NotFoundError,
    NotImplementedError,
    NotModifiedError,
    ServiceUnavailableError,
    TooManyRequestsError,
  }),
);

/**
 * What another replica is told of an error: of those that callers may see, name and message; of
 * others, where to look.
 *
 * @param reference - under which the log here has it.
 */
export function carryError(thrown: unknown, reference: string, subject: string): CarriedError & { expected: boolean } {
  const { code, data } = thrown as { code?: unknown; data?: JsonValue };
  if (thrown instanceof Error && PROTOCOL_ERRORS.includes(thrown.name) && Number.isInteger(code)) {
    const { name, message } = thrown;
    return { name, message, code: code as number, ...(data !== undefined && { data }), expected: true };
  }
  const { name, message, expected } = describeError(thrown, { requestId: reference, subject });
  return { name, message, expected };
}

/** The error as it is thrown where it was asked for. */
export function receiveError({ name, message, code, data }: CarriedError): Error {
  const known = errorClasses.get(name);
  return known ? new known(message) : Object.assign(new Error(message), { name }, code !== undefined && { code, data });
}
